/** Option values as typed → what they mean. Wrong ones throw `USAGE` and name the option. */
import { DraftstateError } from "../errors.js";

export function parseCount(option: string): (text: string) => number {
  return (text) => {
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw new DraftstateError("USAGE", `${option} ${JSON.stringify(text)}: it must be a whole number from 0`);
  };
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 };

/** Milliseconds. */
export function parseDuration(option: string): (text: string) => number {
  return (text) => {
    const [, amount, unit = ""] = /^(\d{1,6})([smhdwy])$/.exec(text) ?? [];
    const factor = UNITS[unit];
    if (amount !== undefined && factor !== undefined) return Number(amount) * factor;
    throw new DraftstateError("USAGE", `${option} ${JSON.stringify(text)}: it must be a number and a unit, such as 30s, 10m, 2h, 7d, 4w or 1y`);
  };
}
