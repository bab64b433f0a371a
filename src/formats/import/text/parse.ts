/**
 * Text of an unknown file → a JSON value, or a refusal that says where and why. Refuses, before any work on it, what is not
 * UTF-8, is nested too deep or is not JSON; then what JSON of ours cannot carry (`__proto__` keys, negative zero) and what
 * parsing would change (duplicate keys, integers beyond a double). A message never repeats the bytes that it refuses. Pure.
 */
import { DraftstateError, isDraftstateError, messageOf } from "../../../errors.js";
import { freezeJson, MAX_DEPTH, type Json } from "../../../model/json.js";
import { refuse } from "../imported.js";
import { countMembers, findLoss, shapeOf, type Shape } from "./exact-json.js";

export function decodeText(bytes: Uint8Array, place: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    const subject = place === "" ? "it" : place;
    throw new DraftstateError("CORRUPT", `${subject} is not valid UTF-8: convert it first, or export it again`, {
      path: place,
      cause: error,
    });
  }
}

/** Throws `CORRUPT` for bytes that begin like UTF-16. */
export function assertNotUtf16(bytes: Uint8Array): void {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    throw refuse("", "is UTF-16: convert it first, as with iconv -f UTF-16 -t UTF-8");
}

/** Looked at before parsing, which would build all of it. */
function checkedShape(text: string, place: string): Shape {
  let depth = 0;
  return shapeOf(text, (step) => {
    depth += step;
    if (depth > MAX_DEPTH) throw refuse(place, `is nested deeper than ${MAX_DEPTH} levels`);
  });
}

function assertExact(text: string, value: unknown, shape: Shape, place: string): void {
  if (!shape.hasLongNumber && shape.members === countMembers(value)) return;
  const loss = findLoss(text);
  if (loss === undefined) return;
  const separator = loss.place.startsWith("[") ? "" : place.endsWith("]") ? "." : ": ";
  throw refuse([place, loss.place].filter((part) => part !== "").join(separator), loss.found);
}

/** What the parser found, without the text that it found it in. */
function syntaxProblem(error: unknown): string {
  const message = messageOf(error);
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return `is not valid JSON (at character ${Number(position) + 1})`;
  return message.includes("end of JSON") ? "is not valid JSON (it ends too early)" : "is not valid JSON";
}

/** Throws `CORRUPT` with the place. */
export function parseJson(text: string, place: string): Json {
  const shape = checkedShape(text, place);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse(place, syntaxProblem(error));
  }
  assertExact(text, value, shape, place);
  try {
    return freezeJson(value);
  } catch (error) {
    if (!isDraftstateError(error)) throw error;
    throw refuse(
      place,
      `cannot be kept: ${error.message.replace(/^state field /, "field ").replace(/: a state holds.*$/, "")}`,
    );
  }
}
