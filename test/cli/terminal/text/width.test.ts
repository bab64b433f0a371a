/** What `width.ts` promises; expected widths are what terminals draw, written down by hand. */
import { describe, expect, test } from "vitest";
import { displayWidth, paddingFor, truncateToWidth } from "../../../../src/cli/terminal/text/width.js";

const FAMILY = "👩‍👩‍👧‍👦";
const WIDTHS: readonly (readonly [string, string, number])[] = [
  ["nothing", "", 0],
  ["ASCII", "hello, world", 12],
  ["accented letters", "café", 4],
  ["combining marks", "cafe\u0301 a\u0300\u0323", 6],
  ["Chinese", "漢字", 4],
  ["Japanese", "こんにちは", 10],
  ["halfwidth kana with a voiced mark", "ｶﾞ", 2],
  ["fullwidth Latin", "ＡＢ", 4],
  ["Hangul syllables", "한국", 4],
  ["Hangul in conjoining letters", "\u1112\u1161\u11ab", 2],
  ["wide characters beyond the first plane", "\u{20000}\u{30000}", 4],
  ["Cyrillic and Arabic", "мир سلام", 8],
  ["a simple emoji", "😀", 2],
  ["a family", FAMILY, 2],
  ["a skin tone", "👍🏽", 2],
  ["a text symbol with a skin tone", "☝🏽", 2],
  ["a flag", "🇩🇪", 2],
  ["two flags", "🇩🇪🇫🇷", 4],
  ["a flag of tags", "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}", 2],
  ["the rainbow flag", "🏳️‍🌈", 2],
  ["a heart as text", "❤", 1],
  ["a heart as emoji", "❤\ufe0f", 2],
  ["a heart on fire, without its selector", "❤\u200d🔥", 2],
  ["a keycap", "1\ufe0f\u20e3", 2],
  ["copyright as text", "©", 1],
  ["a letter before a skin tone", "a🏽", 3],
  ["an emoji of Unicode 16", "\u{1fae9}", 2],
  ["Thai with its marks", "ก้", 1],
  ["a zero-width space", "a\u200bb", 2],
  ["a soft hyphen", "a\u00adb", 3],
  ["a lone surrogate", "\ud83d", 1],
  ["an ellipsis", "…", 1],
];

describe("the width on a terminal", () => {
  test.each(WIDTHS)("of %s", (_, text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  test("of a long text does not depend on where it is measured in parts", () => {
    const parts = [FAMILY, "🇩🇪", "漢", "e\u0301", "a"];
    for (let shift = 0; shift < 30; shift += 1) {
      expect(displayWidth("x".repeat(shift) + parts.join("").repeat(100))).toBe(shift + 800);
    }
  });

  test("of a long text is found in time that grows with its length", { timeout: 10_000 }, () => {
    expect(displayWidth("😀漢".repeat(200_000))).toBe(800_000);
  });
});

describe("a text cut to a width", () => {
  test("stays as it is when it fits exactly", () => {
    expect(truncateToWidth("hello", 5)).toBe("hello");
    expect(truncateToWidth("漢字e\u0301", 5)).toBe("漢字e\u0301");
  });

  test("ends in an ellipsis, within the width", () => {
    expect(truncateToWidth("hello!", 5)).toBe("hell…");
  });

  test("never has half of a wide character", () => {
    expect(truncateToWidth("漢字漢", 4)).toBe("漢…");
    expect(truncateToWidth("漢字漢", 5)).toBe("漢字…");
  });

  test("never cuts a sequence that is seen as one", () => {
    expect(truncateToWidth(`${FAMILY}${FAMILY}x`, 3)).toBe(`${FAMILY}…`);
    expect(truncateToWidth(`${FAMILY}${FAMILY}x`, 2)).toBe("…");
    expect(truncateToWidth("🇩🇪🇫🇷x", 4)).toBe("🇩🇪…");
    expect(truncateToWidth("e\u0301e\u0301e\u0301", 2)).toBe("e\u0301…");
  });

  test("is the ellipsis alone in one column, and nothing in none", () => {
    expect(truncateToWidth("hello", 1)).toBe("…");
    expect(truncateToWidth("hello", 0)).toBe("");
    expect(truncateToWidth("hello", -3)).toBe("");
  });

  test.each(WIDTHS)("is never wider than asked: %s", (_, text) => {
    const long = text.repeat(3);
    for (let columns = 0; columns < 12; columns += 1)
      expect(displayWidth(truncateToWidth(long, columns))).toBeLessThanOrEqual(columns);
  });
});

test("padding fills up to the width, and is empty for what is too wide", () => {
  expect(paddingFor("漢", 5)).toBe("   ");
  expect(paddingFor("hello", 3)).toBe("");
});
