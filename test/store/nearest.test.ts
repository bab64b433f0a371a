/** Which known word a mistyped one was meant to be. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { editDistance, nearest } from "../../src/store/nearest.js";

test("one letter put in, left out, replaced or swapped is one edit", () => {
  expect(
    ["maxBackup", "maxxBackups", "maxBaskups", "maxBakcups"].map((word) => editDistance(word, "maxBackups")),
  ).toEqual([1, 1, 1, 1]);
});

test("a distance is the same both ways, none to itself, and at most the longer length", () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (left, right) => {
      const distance = editDistance(left, right);
      expect(distance).toBe(editDistance(right, left));
      expect(distance === 0).toBe(left === right);
      expect(distance).toBeLessThanOrEqual(Math.max(left.length, right.length));
    }),
  );
});

test("the nearest is named whatever its case and separators, and none where nothing is near", () => {
  expect(nearest("max-backups", ["maxBackups", "model"])).toBe("maxBackups");
  expect(nearest("tael", ["tale", "whale"])).toBe("tale");
  expect(nearest("zebra", ["tale", "whale"])).toBeUndefined();
  expect(nearest("x", ["y"])).toBeUndefined();
});
