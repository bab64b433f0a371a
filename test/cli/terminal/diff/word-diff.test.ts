/** What `word-diff.ts` promises: marks, safety, and an end in time. */
import { describe, expect, test } from "vitest";
import { createStyle } from "../../../../src/cli/terminal/text/style.js";
import { renderWordDiff } from "../../../../src/cli/terminal/diff/word-diff.js";

const plain = createStyle({ isTerminal: false, env: {} });
const colored = createStyle({ isTerminal: true, env: {} });

describe("without colour", () => {
  test.each([
    ["the same text has no marks", "a b c\n", "a b c\n", "a b c\n"],
    ["a changed word", "the red fox", "the blue fox", "the [-red-]{+blue+} fox"],
    ["an added word", "a c", "a b c", "a {+b +}c"],
    ["a removed word", "a b c", "a c", "a [-b -]c"],
    ["everything added", "", "new", "{+new+}"],
    ["everything removed", "old", "", "[-old-]"],
    ["each changed line is marked by itself", "", "one\ntwo\n", "{+one+}\n{+two+}\n"],
    ["a change that is only a line break is seen", "a\nb", "a b", "a[-↵-]\n{+ +}b"],
    ["an emoji is changed as a whole", "a 😀", "a 😁", "a [-😀-]{+😁+}"],
  ])("%s", (_, before, after, expected) => {
    expect(renderWordDiff(before, after, plain)).toBe(expected);
  });
});

test("on a terminal, removed is red and added is green, without other marks", () => {
  expect(renderWordDiff("a b", "a c", colored)).toBe("a \u001b[31mb\u001b[39m\u001b[32mc\u001b[39m");
});

test("on a terminal, a changed space can be seen", () => {
  expect(renderWordDiff("ab", "ab ", colored)).toBe("ab\u001b[32m\u001b[7m \u001b[27m\u001b[39m");
});

test("no escape sequence of the texts is left, changed or not", () => {
  const text = renderWordDiff("\u001b[2J same \u009b1m", "\u001b[2J same \u001b]52;c;AA\u0007\u202e", plain);
  expect(text).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  expect(text).toContain("\\u{1b}");
});

test("a control character and its visible form are told apart", () => {
  expect(renderWordDiff("\u001b", "\\u{1b}", plain)).toBe("[-\\u{1b}-]{+\\u{1b}+}");
});

describe("large texts", () => {
  const words = (count: number, stem: string): string =>
    Array.from({ length: count }, (_, index) => `${stem}${index}`).join(" ");

  test("that have little in common are shown as removed and added, in time", { timeout: 10_000 }, () => {
    const [before, after] = [words(15_000, "left"), words(15_000, "right")];
    expect(before.length).toBeGreaterThan(100_000);
    expect(renderWordDiff(before, after, plain)).toBe(`[-${before}-]{+${after}+}`);
  });

  test("of single marks, the worst case for the comparison, end in time", { timeout: 10_000 }, () => {
    let state = 1;
    const next = (): number => (state = (state * 48_271) % 2_147_483_647);
    const noise = (): string => Array.from({ length: 100_000 }, () => (next() % 2 === 0 ? "!" : "?")).join("");
    const [before, after] = [noise(), noise()];
    expect(renderWordDiff(before, after, plain)).toBe(`[-${before}-]{+${after}+}`);
  });

  test("with a small change show only that", () => {
    const before = words(15_000, "w");
    expect(renderWordDiff(before, before.replace("w7000 ", "changed "), plain)).toBe(
      before.replace("w7000 ", "[-w7000-]{+changed+} "),
    );
  });
});
