/** Names that a person gives to backups. Pure: what could not be used to go back to one is refused when it is given. */
import { DraftstateError } from "../errors.js";
import { assertText } from "../model/given.js";

const MAX_TAG_LENGTH = 64;
/** What `--backup` understands as something else: the newest, the third newest, the beginning of a timestamp. */
const TAKEN = /^(?:latest|now|~.*|\d{1,4}|\d{4}-[\d\-T:.Z]*)$/;

export function assertTag(tag: string | undefined): void {
  if (tag !== undefined) assertText(tag, "a tag");
  if (tag === undefined || (tag !== "" && tag.length <= MAX_TAG_LENGTH && !/[\s\p{C}@]/u.test(tag) && !TAKEN.test(tag)))
    return;
  throw new DraftstateError(
    "USAGE",
    `${JSON.stringify(tag.slice(0, MAX_TAG_LENGTH))} cannot be a tag: give one word of at most ${MAX_TAG_LENGTH} characters that is not a timestamp, "latest" or "now", and has no "@"`,
  );
}
