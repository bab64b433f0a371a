/** What a program without types hands over, checked where it arrives: another kind of value is `USAGE`, and nothing is done. */
import { DraftstateError } from "../errors.js";

function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "a list" : typeof value;
}

function shown(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? `"${value}"` : kindOf(value);
}

export function assertText(value: unknown, what: string): asserts value is string {
  if (typeof value !== "string") throw new DraftstateError("USAGE", `${what} is a text, not ${kindOf(value)}`);
}

export function assertFunction(value: unknown, what: string): void {
  if (typeof value !== "function") throw new DraftstateError("USAGE", `${what} is a function, not ${kindOf(value)}`);
}

/** A number from 0, or left out. */
export function assertAmount(value: unknown, what: string): void {
  if (value === undefined || (typeof value === "number" && value >= 0)) return;
  throw new DraftstateError("USAGE", `${what} is a number from 0, not ${shown(value)}`);
}

/** An integer from 0, or left out. */
export function assertCount(value: unknown, what: string): void {
  if (value === undefined || (Number.isSafeInteger(value) && Number(value) >= 0)) return;
  throw new DraftstateError("USAGE", `${what} is a non-negative integer, not ${shown(value)}`);
}
