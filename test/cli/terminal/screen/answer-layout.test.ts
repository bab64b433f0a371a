/** Streamed text as rows: once, in order, between words, however it is cut and however the terminal is resized. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AnswerLayout } from "../../../../src/cli/terminal/screen/answer-layout.js";
import { visibleWidth } from "../../../../src/cli/terminal/text/width.js";
import { createStyle } from "../../../../src/cli/terminal/text/style.js";

const style = createStyle({ isTerminal: true, env: {} });
const unstyled = createStyle({ isTerminal: false, env: {} });

function layOut(
  pieces: readonly string[],
  { markdown = true, columns = 30, maxLive = 6, look = style } = {},
): string[] {
  const layout = new AnswerLayout({ markdown, style: look, columns, maxLive });
  const rows: string[] = [];
  for (const piece of pieces) {
    layout.push(piece);
    rows.push(...layout.take());
  }
  layout.end();
  return [...rows, ...layout.take()];
}

const words = fc.array(
  fc.constantFrom(
    "word",
    "lighthouse",
    "灯台",
    "a",
    "snake_case",
    "👩‍👩‍👧",
    "x".repeat(50),
    " ",
    "  ",
    "\n",
    "\n\n",
    "2 * 3",
    "-",
  ),
  { maxLength: 80 },
);
const markup = fc.array(
  fc.constantFrom(
    "word ",
    "**",
    "*",
    "`",
    "[a](c)",
    "~~",
    "\n",
    "\n- ",
    "\n# ",
    "| a |",
    "\n| - |\n",
    "```\n",
    "> ",
    "1. ",
    "\\",
    "_",
    "long".repeat(20),
  ),
  { maxLength: 80 },
);

/** As safe text comes: anywhere, but for the middle of a surrogate pair. */
function cut(text: string, at: readonly number[]): string[] {
  const isWithinPair = (place: number): boolean =>
    /^[\udc00-\udfff]/.test(text.slice(place)) && /[\ud800-\udbff]$/.test(text.slice(0, place));
  const places = [...new Set(at.map((place) => place % (text.length + 1)))]
    .filter((place) => !isWithinPair(place))
    .sort((one, other) => one - other);
  return [0, ...places].map((place, index) => text.slice(place, places[index] ?? text.length));
}

describe("the layout of an answer", () => {
  test("shows plain text once and in order, in no row wider than the terminal", () => {
    fc.assert(
      fc.property(words, fc.array(fc.nat(1000)), fc.integer({ min: 12, max: 90 }), (parts, places, columns) => {
        const text = parts.join("");
        const rows = layOut(cut(text, places), { markdown: false, columns, look: unstyled });
        expect(rows.join("").replaceAll(/\s/g, "")).toBe(text.replaceAll(/\s/g, ""));
        for (const row of rows) expect(visibleWidth(row)).toBeLessThanOrEqual(columns);
      }),
    );
  });

  test("is the same however the text was cut", () => {
    fc.assert(
      fc.property(words, fc.array(fc.nat(1000)), (parts, places) => {
        const text = parts.join("");
        expect(layOut(cut(text, places), { markdown: false })).toEqual(layOut([text], { markdown: false }));
      }),
    );
  });

  test("keeps every word of any Markdown, in order", () => {
    fc.assert(
      fc.property(markup, fc.array(fc.nat(1000)), (parts, places) => {
        const text = parts.join("");
        const shown = layOut(cut(text, places), { look: unstyled })
          .join("")
          .replaceAll(/[^a-z]/g, "");
        expect(shown).toBe(text.replaceAll(/[^a-z]/g, ""));
      }),
    );
  });

  test("keeps few rows open to change, whatever comes", () => {
    const layout = new AnswerLayout({ markdown: true, style, columns: 20, maxLive: 4 });
    for (let index = 0; index < 500; index += 1) {
      layout.push("*open ");
      expect(layout.live().length).toBeLessThanOrEqual(5);
    }
  });

  test("continues where it was when the terminal is resized", () => {
    const layout = new AnswerLayout({ markdown: false, style: unstyled, columns: 40, maxLive: 4 });
    const text = Array.from({ length: 100 }, (_, index) => `w${index}`);
    for (const [index, word] of text.entries()) {
      layout.push(`${word} `);
      if (index % 10 === 0) layout.resize(20 + index, 4);
    }
    layout.end();
    expect(layout.take().join(" ").match(/w\d+/g)).toEqual(text);
  });

  test("shows the cells of a table for which there is no column", () => {
    expect(layOut(["| a | b |\n|---|---|\n| c | d | e |\n"], { look: unstyled })).toEqual([
      "| a | b |",
      "|---|---|",
      "| c | d | e |",
    ]);
  });

  test("breaks no line of code", () => {
    expect(layOut(["```\n", "a ".repeat(40), "\n```\n"], { look: unstyled })).toEqual(["```", "a ".repeat(40), "```"]);
  });

  test("hangs a list's further rows under its text, and a quote's under its bar", () => {
    expect(
      layOut(["- one two three four five six\n> seven eight nine ten eleven twelve"], { look: unstyled, columns: 20 }),
    ).toEqual(["• one two three four", "  five six", "│ seven eight nine", "│ ten eleven twelve"]);
  });

  test("leaves what is no emphasis as it stands", () => {
    expect(layOut(["2 * 3 * 4, snake_case_name, **kwargs and *args"], { look: unstyled, columns: 80 })).toEqual([
      "2 * 3 * 4, snake_case_name, **kwargs and *args",
    ]);
  });

  test("lets no entity spell a control character", () => {
    expect(layOut(["&#27;[31m &#x202e; &#13; `&#x9b;`"], { look: unstyled, columns: 80 }).join("")).not.toMatch(
      /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/,
    );
  });

  test("takes a line of 100 KB in a time that grows with its length alone", () => {
    expect(layOut(["x".repeat(100_000)], { look: unstyled }).join("")).toBe("x".repeat(100_000));
  });
});
