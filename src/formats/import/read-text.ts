/**
 * Bytes of an unknown file → JSON values with their place in it. Refuses, before any work on them, what is no UTF-8, is
 * nested too deep or is no JSON; then what JSON of ours cannot carry
 * (`__proto__` keys, negative zero) and what parsing would change (keys that are there twice, integers beyond a double).
 */
import { DraftstateError, isDraftstateError, messageOf } from "../../errors.js";
import { freezeJson, MAX_DEPTH, type Json } from "../../model/json.js";
import { countMembers, findLoss, shapeOf, type Shape } from "./exact-json.js";
import { refuse } from "./imported.js";

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly value: Json;
}

export type Source =
  { readonly kind: "value"; readonly value: Json } | { readonly kind: "lines"; readonly lines: readonly Line[] };

export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    throw refuse("", "is UTF-16: convert it first, as with iconv -f UTF-16 -t UTF-8");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new DraftstateError("CORRUPT", "it is not valid UTF-8: convert it first, or export it again", {
      cause: error,
    });
  }
}

/** Looked at before parsing, which would build all of it. */
function checkedShape(text: string): Shape {
  let depth = 0;
  return shapeOf(text, (step) => {
    depth += step;
    if (depth > MAX_DEPTH) throw refuse("", `is nested deeper than ${MAX_DEPTH} levels`);
  });
}

function assertExact(text: string, value: unknown, shape: Shape, place: string): void {
  if (!shape.hasLongNumber && shape.members === countMembers(value)) return;
  const loss = findLoss(text);
  if (loss !== undefined) throw refuse([place, loss.place].filter((part) => part !== "").join(": "), loss.found);
}

function parse(text: string, place: string): Json {
  const shape = checkedShape(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse(place, `is not valid JSON (${messageOf(error).split("\n")[0] ?? ""})`);
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

function isWhole(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

export function readSource(bytes: Uint8Array): Source {
  const text = decodeText(bytes);
  if (text.trim() === "") throw refuse("", "is empty");
  const end = text.indexOf("\n");
  const several = end !== -1 && text.slice(end).trim() !== "";
  if (several && isWhole(text.slice(0, end))) return { kind: "lines", lines: readLines(text) };
  return { kind: "value", value: parse(text, "") };
}

function readLines(text: string): Line[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    return [{ number: index + 1, value: parse(line, `line ${index + 1}`) }];
  });
}
