/** Variation selectors: one belongs to its character, more of them hide text, and are seen however they are cut. */
import { expect, test } from "vitest";
import { SafeTextStream, toSafeText } from "../../../../src/cli/terminal/text/safe-text.js";
import { toSafeJson } from "../../../../src/formats/acting-characters.js";

const WHOLE = ["❤️‍🔥 1️⃣ ☺︎ 🏳️‍🌈 👩‍👩‍👧‍👦 ✈️✈️", "葛\u{e0100}飾区", "नमस्ते", "a\ufe0f"];
const HIDDEN = `😀${Array.from("hi there", (letter) => String.fromCodePoint(0xe0100 + letter.charCodeAt(0))).join("")}!\ufe0e\ufe0f`;

test.each(WHOLE)("%s stays whole", (text) => {
  expect(toSafeText(text)).toBe(text);
  expect(toSafeJson(JSON.stringify(text))).toBe(JSON.stringify(text));
});

test("text that is hidden in them is seen, cut at every place, and JSON stays the same value", () => {
  const seen = toSafeText(HIDDEN);
  expect(seen.match(/\\u\{e01[0-9a-f]{2}\}/g)).toHaveLength(7);
  expect(seen).toContain("\\u{fe0f}");
  for (let at = 0; at <= HIDDEN.length; at += 1) {
    const stream = new SafeTextStream();
    const pieces = [HIDDEN.slice(0, at), HIDDEN.slice(at)].map((piece) => stream.push(piece));
    expect(pieces.join("") + stream.end()).toBe(seen);
  }
  const json = toSafeJson(JSON.stringify(HIDDEN));
  expect(JSON.parse(json)).toBe(HIDDEN);
  expect(json).not.toMatch(/[\u{e0100}-\u{e01ef}]{2}/u);
});
