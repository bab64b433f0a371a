/**
 * Lines of JSON as programs and power cuts leave them: NUL bytes, two records on a line whose newline was lost, a record
 * that was cut off, also with the next one right behind it. What is whole is read, the rest is named with its line. Pure.
 */
import { isDraftstateError } from "../../../errors.js";
import { isJsonObject, type Json } from "../../../model/json.js";
import { refuse, type Fault } from "../imported.js";
import { endOfString } from "./exact-json.js";
import { decodeText, parseJson } from "./parse.js";

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly value: Json;
}

export interface Lines {
  readonly lines: readonly Line[];
  readonly faults: readonly Fault[];
}

const [NEWLINE, NUL] = [0x0a, 0];
/** Places in a damaged line at which a whole record is looked for. */
const MAX_RESTARTS = 32;
const RECORD_START = /\{"(?:parentUuid|type|uuid|sessionId|id|role|title|isSidechain)":/g;

export function readJsonLines(bytes: Uint8Array): Lines {
  const reader = new LineReader();
  let number = 1;
  for (let start = 0; start < bytes.length; number += 1) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found === -1 ? bytes.length : found;
    reader.read(bytes.subarray(start, end), number, found === -1);
    start = end + 1;
  }
  return reader;
}

class LineReader implements Lines {
  readonly lines: Line[] = [];
  readonly faults: Fault[] = [];

  read(bytes: Uint8Array, number: number, isLast: boolean): void {
    const place = `line ${number}`;
    const { pieces, nuls } = splitAtNuls(bytes);
    if (nuls > 0) this.#fault(place, nulsFound(nuls));
    for (const piece of pieces) {
      const text = this.#attempt(place, () => decodeText(piece, place));
      if (text === undefined || text.trim() === "") continue;
      if (isJson(text)) this.#record(number, text);
      else this.#damaged(number, text, isLast);
    }
  }

  #record(number: number, text: string): void {
    const value = this.#attempt(`line ${number}`, () => parseJson(text, `line ${number}`));
    if (value !== undefined) this.lines.push({ number, value });
  }

  /** Whole records from the beginning, then those behind what was cut off. */
  #damaged(number: number, text: string, isLast: boolean): void {
    const place = `line ${number}`;
    let rest = this.#takeWhole(number, text);
    while (rest !== "") {
      const restart = restartOf(rest);
      const isCut = restart === undefined && isLast;
      this.#fault(
        place,
        isCut ? "was cut off: the file ends in the middle of it" : syntaxFault(rest.slice(0, restart)),
      );
      rest = restart === undefined ? "" : this.#takeWhole(number, rest.slice(restart));
    }
  }

  /** What is left behind the records at the beginning. */
  #takeWhole(number: number, text: string): string {
    let rest = text.trimStart();
    for (let end = endOfRecord(rest); end > 0 && isWhole(rest.slice(0, end)); end = endOfRecord(rest)) {
      this.#record(number, rest.slice(0, end));
      rest = rest.slice(end).trim();
    }
    return rest;
  }

  #attempt<T>(place: string, act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      if (!isDraftstateError(error, "CORRUPT")) throw error;
      this.#fault(error.path ?? place, error.message.replace(`${error.path ?? place} `, ""));
      return undefined;
    }
  }

  #fault(place: string, found: string): void {
    this.faults.push({ place, found });
  }
}

export function nulsFound(count: number): string {
  return `holds ${count} NUL ${count === 1 ? "byte" : "bytes"}, as a power cut leaves: what was there is lost`;
}

/** JSON has no NUL in it: what stands between runs of them are texts of their own. */
export function splitAtNuls(bytes: Uint8Array): { readonly pieces: readonly Uint8Array[]; readonly nuls: number } {
  const pieces: Uint8Array[] = [];
  let nuls = 0;
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(NUL, start);
    const end = found === -1 ? bytes.length : found;
    if (end > start) pieces.push(bytes.subarray(start, end));
    start = end;
    while (start < bytes.length && bytes[start] === NUL) {
      nuls += 1;
      start += 1;
    }
  }
  return { pieces, nuls };
}

function syntaxFault(text: string): string {
  try {
    parseJson(text, "");
    return "is not a record";
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^it /, "") : "is not valid JSON";
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Records are objects. */
export function isWhole(text: string): boolean {
  try {
    return isJsonObject(JSON.parse(text));
  } catch {
    return false;
  }
}

/** Behind the object that begins the text; 0 where it begins with none, or with one that has no end. */
function endOfRecord(text: string): number {
  if (!text.startsWith("{")) return 0;
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (character === '"') index = endOfString(text, index) - 1;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") {
      depth -= 1;
      if (depth === 0) return index + 1;
    }
  }
  return 0;
}

/** Where behind a record that was cut off the next one begins: all the rest of the line must be whole. */
function restartOf(text: string): number | undefined {
  const starts = [...text.matchAll(RECORD_START)].map(({ index }) => index).filter((index) => index > 0);
  return starts.slice(0, MAX_RESTARTS).find((start) => isWholeToTheEnd(text.slice(start)));
}

function isWholeToTheEnd(text: string): boolean {
  let rest = text.trim();
  while (rest !== "") {
    const end = endOfRecord(rest);
    if (end === 0 || !isWhole(rest.slice(0, end))) return false;
    rest = rest.slice(end).trim();
  }
  return true;
}

/** Of records that stand or fall together. */
export function mustBeWhole({ lines, faults }: Lines): readonly Line[] {
  const [first] = faults;
  if (first !== undefined) throw refuse(first.place, first.found);
  return lines;
}
