/** What `format.ts` promises, at the edges where units change. */
import { expect, test } from "vitest";
import { formatAge, formatBytes, formatCount, pluralize } from "../../../../src/cli/terminal/text/format.js";

test.each([
  [0, "0 B"],
  [1023, "1,023 B"],
  [1024, "1.0 KiB"],
  [1536, "1.5 KiB"],
  [10_188, "9.9 KiB"],
  [10_236, "10 KiB"],
  [1024 * 1024 - 1, "1.0 MiB"],
  [20 * 1024 * 1024, "20 MiB"],
  [3 * 1024 ** 3, "3.0 GiB"],
  [5_000 * 1024 ** 5, "5,000 PiB"],
  [-1536, "-1.5 KiB"],
  [Number.NaN, "?"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

const NOW = new Date("2026-01-15T12:00:00.000Z");
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

test.each([
  [0, "just now"],
  [4_999, "just now"],
  [5_000, "5 s ago"],
  [MINUTE - 1, "59 s ago"],
  [MINUTE, "1 min ago"],
  [3.9 * MINUTE, "3 min ago"],
  [60 * MINUTE, "1 h ago"],
  [DAY - 1, "23 h ago"],
  [DAY, "1 day ago"],
  [29 * DAY, "29 days ago"],
  [30 * DAY, "1 month ago"],
  [364 * DAY, "12 months ago"],
  [365 * DAY, "1 year ago"],
  [800 * DAY, "2 years ago"],
  [-2_000, "just now"],
  [-3 * MINUTE, "in 3 min"],
])("%d ms before now is %s", (age, text) => {
  expect(formatAge(new Date(NOW.getTime() - age), NOW)).toBe(text);
});

test("a date that is none has no age", () => {
  expect(formatAge(new Date(Number.NaN), NOW)).toBe("?");
});

test("counts have separators, and never read NaN", () => {
  expect([formatCount(0), formatCount(1_234_567), formatCount(Number.NaN)]).toEqual(["0", "1,234,567", "?"]);
});

test("one is singular, all else plural, irregular when said", () => {
  expect([pluralize(1, "backup"), pluralize(0, "backup"), pluralize(1_200, "backup")]).toEqual([
    "1 backup",
    "0 backups",
    "1,200 backups",
  ]);
  expect(pluralize(2, "entry", "entries")).toBe("2 entries");
});
