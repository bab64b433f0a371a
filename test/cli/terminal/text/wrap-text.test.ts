/** Lines are broken between words and nowhere else. */
import { expect, test } from "vitest";
import { wrapText } from "../../../../src/cli/terminal/text/wrap-text.js";
import { displayWidth } from "../../../../src/cli/terminal/text/width.js";

test("a long line is broken between words, and every word is kept", () => {
  const text = "Once there was an old clockmaker 🐋 who lived in 京都 の 谷";
  const wrapped = wrapText(text, 16);
  for (const line of wrapped.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(16);
  expect(wrapped.replaceAll("\n", " ")).toBe(text);
});

test("lines that fit, indentation, and a word wider than the line stay as they are", () => {
  expect(wrapText("short\n  indented\n\nend", 40)).toBe("short\n  indented\n\nend");
  expect(wrapText(`a ${"x".repeat(50)} b`, 10)).toBe(`a\n${"x".repeat(50)}\nb`);
});

test("code between fences is not broken", () => {
  const code = "```js\nconst long = 'one two three four five six';\n```";
  expect(wrapText(code, 10)).toBe(code);
});

test("into a pipe nothing is broken", () => {
  expect(wrapText("one two three", undefined)).toBe("one two three");
});
