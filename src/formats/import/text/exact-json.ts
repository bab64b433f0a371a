/**
 * What `JSON.parse` changes without a word: keys that are there twice, of which it keeps one, and integers that a double
 * cannot hold. Found in one pass over the text; where each stands, in a slow second one that only a file to be refused sees. Pure.
 */
import { at } from "../imported.js";

const [QUOTE, BACKSLASH, COLON, MINUS, DOT] = [0x22, 0x5c, 0x3a, 0x2d, 0x2e];
/** Digits that every double holds. */
const SURE_DIGITS = 15;
/** Digits of the largest double. */
const MAX_DIGITS = 309;

export interface Shape {
  /** Members of all objects, as written. */
  readonly members: number;
  readonly hasLongNumber: boolean;
}

export interface Loss {
  readonly place: string;
  readonly found: string;
}

/** Behind the string that begins at `start`. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end + 1;
  }
  return text.length;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  for (
    let code = text.charCodeAt(end);
    isDigit(code) || code === DOT || code === MINUS || code === 0x2b || code === 0x65 || code === 0x45;
    code = text.charCodeAt(end)
  )
    end += 1;
  return end;
}

/** Of valid JSON or not: it is parsed later. `onBracket` is told of +1 and -1. */
export function shapeOf(text: string, onBracket: (step: 1 | -1) => void): Shape {
  let [members, hasLongNumber] = [0, false];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) index = endOfString(text, index) - 1;
    else if (code === COLON) members += 1;
    else if (code === 0x7b || code === 0x5b) onBracket(1);
    else if (code === 0x7d || code === 0x5d) onBracket(-1);
    else if (isDigit(code)) {
      const end = endOfNumber(text, index);
      hasLongNumber ||= end - index > SURE_DIGITS;
      index = end - 1;
    }
  }
  return { members, hasLongNumber };
}

/** Members of all objects that were kept. */
export function countMembers(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = Array.isArray(value) ? 0 : Object.keys(value).length;
  for (const child of Object.values(value)) if (typeof child === "object") count += countMembers(child);
  return count;
}

function isExact(number: string): boolean {
  if (/[.eE]/.test(number)) return true;
  const value = Number(number);
  // As it is written back: what a double was written as reads as the same double, whatever lies between the two.
  if (String(value) === number) return true;
  return number.length <= MAX_DIGITS && Number.isFinite(value) && BigInt(value) === BigInt(number);
}

/** The first loss in a text of valid JSON. */
export function findLoss(text: string): Loss | undefined {
  return new LossFinder(text).value("");
}

class LossFinder {
  #index = 0;

  constructor(private readonly text: string) {}

  value(place: string): Loss | undefined {
    this.#skipSpace();
    const first = this.text.charAt(this.#index);
    if (first === "{") return this.#object(place);
    if (first === "[") return this.#array(place);
    const start = this.#index;
    if (first === '"') this.#index = endOfString(this.text, start);
    else if (first === "-" || isDigit(first.charCodeAt(0))) return this.#number(place);
    else while (/[a-z]/.test(this.text.charAt(this.#index))) this.#index += 1;
    return undefined;
  }

  #number(place: string): Loss | undefined {
    const start = this.#index;
    this.#index = endOfNumber(this.text, start);
    const number = this.text.slice(start, this.#index);
    return isExact(number)
      ? undefined
      : { place, found: `is an integer that cannot be kept exactly (${number.slice(0, 40)})` };
  }

  #object(place: string): Loss | undefined {
    const keys = new Set<string>();
    return this.#items("}", () => {
      const start = this.#index;
      this.#index = endOfString(this.text, start);
      const key = JSON.parse(this.text.slice(start, this.#index)) as string;
      if (keys.has(key)) return { place: at(place, key), found: "is there twice in one object" };
      keys.add(key);
      this.#skipSpace();
      this.#index += 1;
      return this.value(at(place, key));
    });
  }

  #array(place: string): Loss | undefined {
    let index = 0;
    return this.#items("]", () => {
      index += 1;
      return this.value(at(place, index - 1));
    });
  }

  #items(close: string, item: () => Loss | undefined): Loss | undefined {
    for (;;) {
      this.#index += 1;
      this.#skipSpace();
      if (this.text.charAt(this.#index) !== close) {
        const loss = item();
        if (loss !== undefined) return loss;
        this.#skipSpace();
      }
      if (this.text.charAt(this.#index) !== ",") break;
    }
    this.#index += 1;
    return undefined;
  }

  #skipSpace(): void {
    while (/\s/.test(this.text.charAt(this.#index))) this.#index += 1;
  }
}
