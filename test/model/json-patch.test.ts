/** The difference as JSON Patch means the same to a library that we did not write. */
import * as fc from "fast-check";
import { applyPatch } from "rfc6902";
import { describe, expect, test } from "vitest";
import { freezeJson, type JsonObject } from "../../src/model/json.js";
import { toJsonPatch } from "../../src/model/json-patch.js";
import { anyObject } from "../doubles/json-values.js";

/** One level down, since the library does not replace a root. */
function applied(from: JsonObject, to: JsonObject): unknown {
  const operations = toJsonPatch(freezeJson(from) as JsonObject, freezeJson(to) as JsonObject);
  const document = structuredClone({ root: from });
  const moved = operations.map((operation) => ({ ...structuredClone(operation), path: `/root${operation.path}` }));
  const errors = applyPatch(document, moved).filter((error) => error !== null);
  return errors.length === 0 ? document.root : errors;
}

describe("toJsonPatch", () => {
  test("applied to `from`, it gives `to`", () => {
    fc.assert(
      fc.property(anyObject, anyObject, (from, to) => {
        expect(applied(from, to)).toEqual(to);
      }),
      { numRuns: 1000 },
    );
  });

  test("keys with ~ and / are escaped", () => {
    expect(toJsonPatch({}, { "a/b~c": 1 })).toEqual([{ op: "add", path: "/a~1b~0c", value: 1 }]);
  });

  test("text that grew is replaced by the whole text", () => {
    expect(toJsonPatch({ a: ["x", "y"] }, { a: ["x", "yz"] })).toEqual([{ op: "replace", path: "/a/1", value: "yz" }]);
  });

  test("equal states give no operation", () => {
    expect(toJsonPatch({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] })).toEqual([]);
  });
});
