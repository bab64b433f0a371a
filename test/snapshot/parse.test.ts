/** What is parsed in pieces is what JSON.parse gives, or refused as it refuses. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseBytes } from "../../src/snapshot/parse.js";
import { anyObject } from "../doubles/json-values.js";

const IN_PIECES = { large: 0, piece: 16 };

function outcome(parse: () => unknown): unknown {
  try {
    return { value: parse() };
  } catch {
    return "refused";
  }
}

function assertSame(text: string): void {
  const expected = outcome(() => JSON.parse(text.replace(/^\ufeff/, "")));
  const found = outcome(() => parseBytes(Buffer.from(text), IN_PIECES));
  expect(found).toEqual(expected);
  // Also the order of the fields.
  expect(JSON.stringify(found)).toBe(JSON.stringify(expected));
}

/** Names that stand for something here, and what JSON has between values. */
const fragment = fc.constantFrom(
  '\n  "messages": [',
  "\n  ]",
  ",\n    {",
  "\n    }",
  "{",
  "}",
  "[",
  "]",
  ",",
  ",\n",
  "\n",
  '"',
  '"messages": []',
  '"__proto__": {}',
  "\\",
  "\ufeff",
  "0",
  "    ",
);
const state = fc
  .record({ before: anyObject, messages: fc.array(anyObject, { maxLength: 12 }), after: anyObject })
  .map(({ before, messages, after }) => ({ ...before, messages, ...after }));

describe("parseBytes", () => {
  test("in pieces gives what JSON.parse gives, of any state", () => {
    fc.assert(
      fc.property(state, (value) => {
        assertSame(`${JSON.stringify(value, null, 2)}\n`);
      }),
      { numRuns: 1000 },
    );
  });

  test("also of texts with fragments put in, taken out and doubled anywhere", () => {
    const edits = fc.array(
      fc.record({ at: fc.nat(), remove: fc.nat({ max: 12 }), insert: fc.oneof(fc.constant(""), fragment) }),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(state, edits, (value, changes) => {
        let text = JSON.stringify(value, null, 2);
        for (const { at, remove, insert } of changes) {
          const place = at % (text.length + 1);
          text = text.slice(0, place) + insert + text.slice(place + remove);
        }
        assertSame(Buffer.from(text).toString("utf8"));
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ["a comma behind the last field", '{\n  "messages": [\n    {}\n  ],\n}'],
    ["no comma before the next field", '{\n  "messages": [\n    {}\n  ]\n  "a": 1\n}'],
    ["two lists of the name", '{\n  "messages": [\n    {}\n  ],\n  "messages": [\n    1\n  ]\n}'],
    ["a list of the name inside another field", '{"a": {\n  "messages": [\n    {}\n  ]}, "messages": []}'],
    ["a comma with nothing before it", `{\n  "messages": [${" ".repeat(40)},\n    {}\n  ]\n}`],
    ["a comma with nothing behind it", '{\n  "messages": [\n    {},\n  ]\n}'],
    ["a list that ends in an entry", '{\n  "messages": [\n    [\n  ]\n  ]\n}'],
    ["a byte order mark", '\ufeff{\n  "messages": [\n    {}\n  ]\n}'],
    ["nothing in the list", '{\n  "messages": [],\n  "a": [\n    1\n  ]\n}'],
  ])("%s", (_, text) => {
    const expected = outcome(() => JSON.parse(text.replace("\ufeff", "")));
    expect(outcome(() => parseBytes(Buffer.from(text), IN_PIECES))).toEqual(expected);
  });

  test("is in pieces where it is large", () => {
    const text = JSON.stringify({ messages: Array.from({ length: 40 }, (_, index) => ({ index })) }, null, 2);
    const bytes = Buffer.from(text);
    const lengths: number[] = [];
    const toString = bytes.toString.bind(bytes);
    bytes.toString = (encoding, start = 0, end = bytes.length) => {
      lengths.push(end - start);
      return toString(encoding, start, end);
    };
    expect(parseBytes(bytes, { large: 100, piece: 200 })).toEqual(JSON.parse(text));
    expect(Math.max(...lengths)).toBeLessThan(300);
  });
});
