/** Option values as typed → what they mean. Invalid ones throw `USAGE` and name the option. */
import { DraftstateError } from "../../errors.js";

export function parseCount(option: string): (text: string) => number {
  return (text) => {
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw new DraftstateError("USAGE", `invalid ${option} ${JSON.stringify(text)}: expected a non-negative integer`);
  };
}

const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

function durationOf(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d{1,6})([smhdwy])$/.exec(text) ?? [];
  const factor = UNITS[unit];
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor;
}

/** Milliseconds. */
export function parseDuration(option: string): (text: string) => number {
  return (text) => {
    const duration = durationOf(text);
    if (duration !== undefined) return duration;
    throw new DraftstateError(
      "USAGE",
      `invalid ${option} ${JSON.stringify(text)}: expected a number and a unit, such as 30s, 10m, 2h, 7d, 4w or 1y`,
    );
  };
}

/** A time as typed: an age, or a date since 1970; in milliseconds. */
export type When = { readonly ago: number } | { readonly at: number };

const DATE_TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:?\d\d)?)?$/i;

/** Local time without a zone; undefined also for a day that does not exist. */
function timeOf(text: string): number | undefined {
  const [, date, time = "00:00", zone = ""] = DATE_TIME.exec(text) ?? [];
  if (date === undefined) return undefined;
  const day = new Date(`${date}T00:00Z`);
  const at = new Date(`${date}T${time}${zone.toUpperCase().replace(/(\d\d)(\d\d)$/, "$1:$2")}`).getTime();
  return Number.isNaN(at) || !day.toISOString().startsWith(date) ? undefined : at;
}

export const WHEN =
  "an age such as 2h or 7d, or a date such as 2026-11-01 or 2026-11-01T14:30 (local time unless it ends in Z or an offset)";

export function parseWhen(option: string): (text: string) => When {
  return (text) => {
    const [ago, at] = [durationOf(text), timeOf(text.trim())];
    if (ago !== undefined) return { ago };
    if (at !== undefined) return { at };
    throw new DraftstateError("USAGE", `invalid ${option} ${JSON.stringify(text)}: expected ${WHEN}`);
  };
}

/** Not before 1970: an age can go back further than a date. */
export function dateOf(when: When, now: Date): Date {
  return new Date(Math.max(0, "at" in when ? when.at : now.getTime() - when.ago));
}
