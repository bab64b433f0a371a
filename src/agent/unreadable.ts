/** An answer, or a part of one, that is there and cannot be understood: always an error, whatever text came with it. */
import { DraftstateError } from "../errors.js";

const MAX_SHOWN = 100;

export class UnreadableAnswer extends DraftstateError {
  constructor(message: string) {
    super("MODEL", message);
  }
}

export function unreadable(content: unknown): UnreadableAnswer {
  const shown = (content === undefined ? "nothing" : JSON.stringify(content)).slice(0, MAX_SHOWN);
  return new UnreadableAnswer(
    `the server sent content that is not text (${shown}): ask again, or another model or server`,
  );
}
