/** Characters without a column of their own have an end on the screen, and cost what their length costs. */
import { expect, test } from "vitest";
import { AnswerLayout } from "../../../../src/cli/terminal/screen/answer-layout.js";
import { CombiningLimit, limitCombining } from "../../../../src/cli/terminal/text/combining.js";
import { createStyle } from "../../../../src/cli/terminal/text/style.js";

const ACUTE = "\u0301";

test.each([
  ["combining marks", ACUTE],
  ["marks beyond the first plane", "\u{1e000}"],
  ["joiners", "\u200d"],
  ["vowels of Hangul", "\u1161"],
  ["variation selectors", "\ufe0f"],
])("30 %s in a row are shown, and an ellipsis for all that follow", (_, mark) => {
  expect(limitCombining(`a${mark.repeat(30)}b`)).toBe(`a${mark.repeat(30)}b`);
  expect(limitCombining(`a${mark.repeat(5000)}b`)).toBe(`a${mark.repeat(30)}…b`);
});

test("text of people and emoji is left as it is", () => {
  for (const text of ["Việt Nam", "हिन्दी", "👩‍👩‍👧‍👦🏳️‍🌈", "שָׁלוֹם", "각", ""]) expect(limitCombining(text)).toBe(text);
});

test("in pieces it is the same, wherever they are cut", () => {
  const text = `x${ACUTE.repeat(28)}y${ACUTE.repeat(33)}z${ACUTE.repeat(30)}`;
  for (let size = 1; size < text.length; size += 1) {
    const limit = new CombiningLimit();
    let shown = "";
    for (let at = 0; at < text.length; at += size) shown += limit.push(text.slice(at, at + size));
    expect(shown).toBe(limitCombining(text));
  }
});

test("a layout of 300,000 marks takes no longer than one of as much text", () => {
  const layout = new AnswerLayout({
    markdown: true,
    style: createStyle({ isTerminal: true, env: {} }),
    columns: 100,
    maxLive: 12,
  });
  const begun = performance.now();
  layout.push(`${limitCombining(`a${ACUTE.repeat(3e5)}b`)}\n`);
  expect(layout.take()).toHaveLength(1);
  expect(performance.now() - begun).toBeLessThan(1000);
});
