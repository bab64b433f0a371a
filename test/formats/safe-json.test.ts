/** JSON that goes to stdout decodes to what it was made from, and holds nothing raw that acts on a terminal. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { toSafeText } from "../../src/cli/terminal/text/safe-text.js";
import { toSafeJson } from "../../src/formats/acting-characters.js";
import { anyJson } from "../doubles/json-values.js";

test("any JSON decodes to itself, indented or not", () => {
  fc.assert(
    fc.property(anyJson, fc.constantFrom(undefined, 2), (value, indent) => {
      const printed = toSafeJson(JSON.stringify(value, null, indent));
      expect(JSON.parse(printed)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(toSafeText(printed)).toBe(printed);
    }),
  );
});

test("characters that nobody sees are escaped too, those beyond U+FFFF as two", () => {
  expect(toSafeJson(JSON.stringify("\u206a\u200b\u{e0041}"))).toBe('"\\u206a\\u200b\\udb40\\udc41"');
});

test("DEL, C1, bidi controls and line separators are escaped", () => {
  expect(toSafeJson(JSON.stringify("\u007f\u009b\u202e\u2028é🐳"))).toBe('"\\u007f\\u009b\\u202e\\u2028é🐳"');
});
