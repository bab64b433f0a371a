/** A snapshot is plain pretty-printed JSON that anyone can read, and it comes back exactly. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { freezeJson, type JsonObject } from "../../src/model/json.js";
import { decodeSnapshot } from "../../src/snapshot/decode.js";
import { encodeSnapshot } from "../../src/snapshot/encode.js";
import { anyObject } from "../doubles/json-values.js";
import { sampleMetadata } from "../doubles/snapshots.js";

function bytesOf(state: JsonObject): Buffer {
  return encodeSnapshot(freezeJson(state) as JsonObject, sampleMetadata());
}

/** Entries that one snapshot after another holds, each time in other places. */
const POOL = Array.from({ length: 6 }, (_, index) => freezeJson({ id: `m${index}`, content: "ü".repeat(index) }));

describe("encodeSnapshot", () => {
  test("gives what JSON.stringify gives, with two spaces and a newline", () => {
    fc.assert(
      fc.property(anyObject, (state) => {
        const text = bytesOf(state).toString("utf8");
        expect(text).toBe(`${JSON.stringify(JSON.parse(text), null, 2)}\n`);
      }),
      { numRuns: 500 },
    );
  });

  test("gives it also for what it has encoded before", () => {
    const message = freezeJson({ id: "m", content: ["a", { b: [] }], empty: {} }) as JsonObject;
    const state = freezeJson({ messages: [message, [], {}, [message], null, "x"], other: [message] }) as JsonObject;
    const [first, second] = [encodeSnapshot(state, sampleMetadata()), encodeSnapshot(state, sampleMetadata())];
    expect(second.toString()).toBe(first.toString());
    expect(first.toString()).toBe(`${JSON.stringify(JSON.parse(first.toString()), null, 2)}\n`);
  });

  test("gives it also for entries that were moved, taken out and put between others since", () => {
    const entry = fc.oneof(fc.constantFrom(...POOL), fc.string(), anyObject);
    const lists = fc.record({ a: fc.array(entry), "ä": fc.array(entry) });
    fc.assert(
      fc.property(lists, (state) => {
        const text = bytesOf(state).toString("utf8");
        const { _metadata: metadata, ...rest } = JSON.parse(text) as Record<string, unknown>;
        expect(rest).toEqual(JSON.parse(JSON.stringify(state)));
        expect(text).toBe(`${JSON.stringify({ ...rest, _metadata: metadata }, null, 2)}\n`);
      }),
      { numRuns: 500 },
    );
  });

  test("puts _metadata last", () => {
    fc.assert(
      fc.property(anyObject, (state) => {
        expect(Object.keys(JSON.parse(bytesOf(state).toString("utf8")) as object).at(-1)).toBe("_metadata");
      }),
    );
  });

  test("any state comes back equal, whatever its Unicode", () => {
    fc.assert(
      fc.property(anyObject, (state) => {
        const decoded = decodeSnapshot(bytesOf(state), "chat");
        expect(decoded.kind === "valid" ? decoded.state : decoded).toEqual(state);
      }),
      { numRuns: 1000 },
    );
  });

  test("the metadata comes back equal", () => {
    const decoded = decodeSnapshot(bytesOf({}), "chat");
    expect(decoded.kind === "valid" ? { ...decoded.metadata, checksum: "" } : decoded).toEqual({ ...sampleMetadata(), checksum: "" });
  });
});
