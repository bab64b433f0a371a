/**
 * Numbers, sizes and ages as people read them, always in English and the same on every machine (no locale, no clock
 * of its own). What makes no sense as a number is shown as `?`, never as `NaN`.
 */
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Below this an age says nothing, and a clock that is a little ahead makes no "in 2 s". */
const JUST_NOW = 5 * SECOND;

/** Made when it is first needed: making it takes as long as starting many a command. */
let counts: Intl.NumberFormat | undefined;

function grouped(count: number): string {
  if (Number.isInteger(count) && count >= 0 && count < 1000) return String(Math.abs(count));
  counts ??= new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
  return counts.format(count);
}

/** Longest first; months and years are round ones: 30 and 365 days. */
const AGE_UNITS: readonly (readonly [size: number, one: string, many: string])[] = [
  [365 * DAY, "year", "years"],
  [30 * DAY, "month", "months"],
  [DAY, "day", "days"],
  [HOUR, "h", "h"],
  [MINUTE, "min", "min"],
  [SECOND, "s", "s"],
];

/** `512 B`, `1.5 KiB`, `20 MiB`: units of 1,024, one decimal below ten. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return "?";
  if (bytes < 0) return `-${formatBytes(-bytes)}`;
  let value = bytes;
  let unit = 0;
  while (unit < BYTE_UNITS.length - 1 && roundToShow(value, unit) >= 1024) {
    value /= 1024;
    unit += 1;
  }
  const shown = roundToShow(value, unit);
  const digits = unit > 0 && shown < 10 ? shown.toFixed(1) : grouped(shown);
  return `${digits} ${BYTE_UNITS[unit] ?? ""}`;
}

/** `just now`, `3 min ago`, `2 days ago`; `in 3 min` for what is ahead of the clock. Rounded down. */
export function formatAge(date: Date, now: Date): string {
  const age = now.getTime() - date.getTime();
  if (Number.isNaN(age)) return "?";
  const distance = Math.abs(age);
  if (distance < JUST_NOW) return "just now";
  const words = distanceInWords(distance);
  return age < 0 ? `in ${words}` : `${words} ago`;
}

/** `12,345` */
export function formatCount(count: number): string {
  return Number.isFinite(count) ? grouped(count) : "?";
}

/** `1 backup`, `2 backups`, `1,200 backups` */
export function pluralize(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Rounded before the unit is chosen: 1,048,575 bytes are `1.0 MiB`, not `1,024 KiB`. */
function roundToShow(value: number, unit: number): number {
  const toTenth = Math.round(value * 10) / 10;
  return unit > 0 && toTenth < 10 ? toTenth : Math.round(value);
}

function distanceInWords(distance: number): string {
  for (const [size, one, many] of AGE_UNITS) {
    if (distance >= size) return pluralize(Math.floor(distance / size), one, many);
  }
  return pluralize(0, "s", "s");
}
