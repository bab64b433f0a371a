/**
 * Arbitrary JSON for properties: any Unicode with lone surrogates, keys that are named like a prototype's, keys that
 * JSON Pointers have to escape, and lists beside objects. What a state may not hold is never made here.
 */
import * as fc from "fast-check";
import type { Json, JsonObject } from "../../src/model/json.js";

/** Any UTF-16 code units, so also halves of pairs. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom('\n  "_metadata": {', '"checksum": "sha256:', "\u2028", "\ud83d", "\ude00", "\0", '"', "\\"),
);

const anyNumber = fc
  .oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
  .map((value) => (value === 0 ? 0 : value));

const anyKey = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("a", "b", "c", "0", "1") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "constructor",
      "prototype",
      "toString",
      "hasOwnProperty",
      "length",
      "",
      "~",
      "/",
      "~1",
      "a/b",
      "m~n",
    ),
  },
  { weight: 1, arbitrary: anyText.filter((key) => key !== "__proto__" && key !== "_metadata") },
);

const { value, object } = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
  object: fc.array(fc.tuple(anyKey, tie("value")), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(fc.constant(null), fc.boolean(), anyNumber, anyText, fc.constantFrom("x", "xy", "xyz")),
    tie("object"),
    fc.array(tie("value"), { maxLength: 5 }),
  ),
}));

export const anyJson: fc.Arbitrary<Json> = value;
export const anyObject: fc.Arbitrary<JsonObject> = object;
