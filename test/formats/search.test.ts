/** Lines that have it are found with their place; the look at the bytes never says no where a line would be found. */
import * as fc from "fast-check";
import { RE2JS } from "re2js";
import { describe, expect, test } from "vitest";
import { findLines } from "../../src/formats/search/find-lines.js";
import { literalOf, prefilterFor } from "../../src/formats/search/prefilter.js";
import { compileQuery, type Query } from "../../src/formats/search/query.js";
import { excerptAround } from "../../src/cli/terminal/text/excerpt.js";
import type { JsonObject } from "../../src/model/json.js";
import { anyText } from "../doubles/json-values.js";

function query(text: string, more: Partial<Query> = {}): Query {
  return { text, regex: false, matchCase: undefined, ...more };
}

async function found(text: string, line: string, more: Partial<Query> = {}): Promise<string[]> {
  return (await compileQuery(query(text, more))).find(line).map(({ start, end }) => line.slice(start, end));
}

describe("a query", () => {
  test("ignores case unless it has an upper-case letter, or is told", async () => {
    expect([
      await found("tea", "Tea TEA tea"),
      await found("Tea", "Tea TEA tea"),
      await found("Tea", "Tea TEA", { matchCase: false }),
      await found("tea", "Tea tea", { matchCase: true }),
    ]).toEqual([["Tea", "TEA", "tea"], ["Tea"], ["Tea", "TEA"], ["tea"]]);
  });

  test("ignores case beyond ASCII, where lower-casing moves what stands behind too", async () => {
    expect([
      await found("ärger", "ÄRGER Ärger"),
      await found("x", "İİX"),
      await found("οδος", "ΟΔΟΣ ΟΔΟΣΑ"),
      await found("k", "\u212a"),
    ]).toEqual([["ÄRGER", "Ärger"], ["X"], ["ΟΔΟΣ", "ΟΔΟΣ"], ["\u212a"]]);
  });

  test("takes characters of patterns as they are, unless it is one", async () => {
    expect([
      await found("a.c", "abc a.c"),
      await found("a.c", "abc a.c", { regex: true }),
      await found(String.raw`\S+@\d`, "x@1 Y@2", { regex: true }),
    ]).toEqual([["a.c"], ["abc", "a.c"], ["x@1", "Y@2"]]);
  });

  test("that is empty, of several lines, or no pattern that is linear, is wrong usage", async () => {
    for (const wrong of [
      query(""),
      query("a\nb"),
      query("(", { regex: true }),
      query(String.raw`(a)\1`, { regex: true }),
      query("(?=a)", { regex: true }),
    ])
      await expect(compileQuery(wrong)).rejects.toThrow(expect.objectContaining({ code: "USAGE" }));
  });

  test("takes time in proportion to the line", async () => {
    expect(await found("(a*)*b", "a".repeat(50_000), { regex: true })).toEqual([]);
  });
});

describe("lines", () => {
  const state = {
    messages: [
      { id: "u1", role: "user", content: "one\ntwo tea\r\nthree" },
      {
        id: "a1",
        role: "assistant",
        content: [{ type: "text", text: "te" }, { type: "text", text: "a" }, "tea"],
        toolCalls: [{ id: "c", name: "brew", args: { list: [{ what: "green tea" }] } }],
      },
      "tea",
    ],
    streamingProperties: {
      partialResponse: "half a tea",
      streamingStartTime: "2026-01-14T21:30:00.000Z",
      streamingEndTime: null,
    },
  } as unknown as JsonObject;

  test("are those of messages, blocks, calls and the partial answer, with their place", async () => {
    expect(
      findLines(state, await compileQuery(query("tea"))).map(
        ({ messageIndex, messageId, role, line, column, text }) => [messageIndex, messageId, role, line, column, text],
      ),
    ).toEqual([
      [0, "u1", "user", 2, 5, "two tea"],
      [1, "a1", "assistant", 3, 1, "tea"],
      [1, "a1", "assistant", 5, 7, "green tea"],
      [3, null, "assistant", 1, 8, "half a tea"],
    ]);
  });

  test("are of one role where it was asked for", async () => {
    expect(findLines(state, await compileQuery(query("tea")), { role: "user" })).toHaveLength(1);
  });
});

describe("the look at the bytes", () => {
  const holds = async (content: string, looked: Query): Promise<boolean> =>
    prefilterFor(
      looked,
      await compileQuery(looked),
    )(Buffer.from(JSON.stringify({ messages: [{ role: "user", content }] }, null, 2)));

  test("says yes wherever a line is found", async () => {
    const needle = fc
      .oneof(
        anyText,
        fc.constantFrom(
          "ä",
          "É",
          "straße",
          "İ",
          "i",
          "k",
          "\u212a",
          "s",
          "ſ",
          "Σ",
          "ς",
          "漢字",
          'a"b',
          "\\",
          "a/b",
          "\t",
        ),
      )
      .filter((text) => text !== "" && !/[\n\r]/.test(text));
    const property = fc.asyncProperty(
      anyText,
      needle,
      fc.option(needle),
      anyText,
      fc.constantFrom(undefined, true, false),
      fc.boolean(),
      async (before, text, other, after, matchCase, regex) => {
        const content = `${before}${other ?? text} ${text.toUpperCase()} ${text.toLowerCase()}${after}`;
        const looked = query(regex ? RE2JS.quote(text) : text, { matchCase, regex });
        const lines = findLines({ messages: [{ role: "user", content }] }, await compileQuery(looked));
        if (lines.length > 0) expect(await holds(content, looked)).toBe(true);
      },
    );
    await fc.assert(property, { numRuns: 1500 });
  });

  test("says no where it can", async () => {
    expect([
      await holds("coffee", query("tea")),
      await holds("TEA", query("tea")),
      await holds("tea", query("Tea")),
    ]).toEqual([false, true, false]);
  });

  test("also reads what other programs escape", async () => {
    const bytes = Buffer.from(String.raw`{"messages":[{"role":"user","content":"caf\u00e9 a\/b \u6f22\u5b57"}]}`);
    for (const text of ["café", "a/b", "漢字"])
      expect(prefilterFor(query(text), await compileQuery(query(text)))(bytes)).toBe(true);
  });

  test("of a pattern looks for what every match must hold", async () => {
    expect(
      [
        "needle.*stack",
        "a?bc",
        "abc*",
        "abc{0,2}d",
        "(?i)abc",
        "a|b",
        "[abc]def",
        "[[:alpha:]abc]x",
        String.raw`\bword\b`,
        String.raw`\Qa.b\E`,
        "ab+c",
        "[]a]bcd",
      ].map(literalOf),
    ).toEqual(["needle", "bc", "ab", "ab", "", "", "def", "", "word", "", "ab", "bcd"]);
  });
});

describe("an excerpt", () => {
  test("has the hit in it, marks what was cut, and splits no character", async () => {
    const text = `${"😀".repeat(200)}hit${"😀".repeat(200)}`;
    for (let width = 10; width < 60; width += 1) {
      const { before, hit, after } = excerptAround(text, { start: 400, end: 403 }, width);
      expect(hit).toBe("hit");
      expect([before.at(0), after.at(-1)]).toEqual(["…", "…"]);
      expect(before + after).not.toMatch(/\p{Surrogate}/u);
    }
  });

  test("of a short line is the line", async () => {
    expect(excerptAround("a hit", { start: 2, end: 5 }, 80)).toEqual({ before: "a ", hit: "hit", after: "" });
  });
});
