/** I2: numbers have no gaps. */
import { expect, test } from "vitest";
import { continuityOf } from "../../src/journal/continuity.js";

test.each([
  [7, { from: 8, revision: 8 }, "next"],
  [7, { from: 8, revision: 12 }, "next"],
  [7, { from: 7, revision: 7 }, "held"],
  [7, { from: 2, revision: 5 }, "held"],
  [7, { from: 9, revision: 9 }, "gap"],
  [7, { from: 6, revision: 9 }, "gap"],
] as const)("behind %i, %o is %s", (last, next, continuity) => {
  expect(continuityOf(last, next)).toBe(continuity);
});
