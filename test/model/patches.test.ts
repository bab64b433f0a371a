/** Changes as data: whatever differs is told, told changes lead back exactly, and what reaches too far is refused. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { initialState } from "../../src/model/conversation.js";
import { freezeJson, isFrozenJson, type JsonObject } from "../../src/model/json.js";
import { applyPatches, diffStates, parsePatch, progressAfter, withToken, type Patch } from "../../src/model/patches.js";
import { codeThrown } from "../doubles/error-code.js";
import { anyObject, anyText } from "../doubles/json-values.js";

function frozen(value: unknown): JsonObject {
  return freezeJson(value) as JsonObject;
}

function travelled(patches: readonly Patch[]): Patch[] {
  return (JSON.parse(JSON.stringify(patches)) as unknown[]).map(parsePatch);
}

describe("diff and apply", () => {
  test("the difference of any two states leads from the one to the other", () => {
    fc.assert(
      fc.property(anyObject, anyObject, (from, to) => {
        expect(applyPatches(frozen(from), diffStates(frozen(from), frozen(to)))).toEqual(to);
      }),
      { numRuns: 1000 },
    );
  });

  test("the difference survives being written and read", () => {
    fc.assert(
      fc.property(anyObject, anyObject, (from, to) => {
        expect(applyPatches(frozen(from), travelled(diffStates(frozen(from), frozen(to))))).toEqual(to);
      }),
      { numRuns: 500 },
    );
  });

  test("a state does not differ from itself", () => {
    fc.assert(
      fc.property(anyObject, (state) => {
        expect(diffStates(frozen(state), frozen(structuredClone(state)))).toEqual([]);
      }),
    );
  });

  test("the state that a change began from stays as it was", () => {
    fc.assert(
      fc.property(anyObject, anyObject, (from, to) => {
        const before = frozen(from);
        applyPatches(before, diffStates(before, frozen(to)));
        expect(before).toEqual(from);
      }),
    );
  });

  test("what comes out is deeply frozen", () => {
    const next = applyPatches(frozen({ a: { b: ["x"] } }), [{ op: "append", path: ["a", "b", 0], value: "y" }]);
    expect([next, next["a"]].map((node) => isFrozenJson(node) && Object.isFrozen(node))).toEqual([true, true]);
  });

  test("text that grew is told as what was added", () => {
    expect(diffStates({ a: "once" }, { a: "once upon" })).toEqual([{ op: "append", path: ["a"], value: " upon" }]);
  });

  test("a field named like a prototype's is told with its parent, and arrives", () => {
    const [from, to] = [frozen({ a: { b: 1 } }), frozen({ a: { b: 1, constructor: { prototype: 2 } } })];
    const patches = travelled(diffStates(from, to));
    expect(patches.map((patch) => (patch.op === "token" ? [] : patch.path))).toEqual([["a"]]);
    expect(applyPatches(from, patches)).toEqual(to);
  });
});

describe("parsePatch", () => {
  test.each(["__proto__", "constructor", "prototype"])("a path through %s is refused", (name) => {
    for (const path of [[name], ["a", name], [name, "polluted"]]) {
      expect(codeThrown(() => parsePatch({ op: "add", path, value: 1 }))).toBe("CORRUPT");
    }
  });

  test("a __proto__ key inside a value is refused", () => {
    expect(
      codeThrown(() => parsePatch(JSON.parse('{"op":"add","path":["a"],"value":{"__proto__":{"x":1}}}'))),
    ).not.toBe("nothing was thrown");
  });

  test.each([
    null,
    7,
    [],
    {},
    { op: "add", path: ["a"] },
    { op: "add", path: "a", value: 1 },
    { op: "add", path: [1.5], value: 1 },
    { op: "append", path: ["a"], value: 1 },
    { op: "move", path: ["a"], from: ["b"] },
    { op: "add", path: [{}], value: 1 },
  ])("%j is no patch", (value) => {
    expect(codeThrown(() => parsePatch(value))).toBe("CORRUPT");
  });

  test("whatever is parsed, Object.prototype stays clean", () => {
    fc.assert(
      fc.property(
        anyObject,
        fc.array(fc.constantFrom("__proto__", "constructor", "prototype", "a", 0)),
        (state, path) => {
          try {
            applyPatches(frozen(state), [parsePatch({ op: "add", path: [...path, "polluted"], value: 1 })]);
          } catch {
            // Refused is fine.
          }
          expect(Object.hasOwn(Object.prototype, "polluted") || Object.hasOwn(Object, "polluted")).toBe(false);
        },
      ),
    );
  });
});

describe("apply refuses what does not fit", () => {
  const state = frozen({ list: ["x", "y"], text: "t", object: {} });
  test.each<Patch>([
    { op: "add", path: ["list", 3], value: 1 },
    { op: "add", path: ["list", -1], value: 1 },
    { op: "replace", path: ["list", 2], value: 1 },
    { op: "remove", path: ["list", 2] },
    { op: "remove", path: ["list", "0"] },
    { op: "append", path: ["list", 2], value: "z" },
    { op: "replace", path: ["list", "length"], value: 0 },
    { op: "remove", path: ["missing"] },
    { op: "replace", path: ["missing"], value: 1 },
    { op: "replace", path: ["toString"], value: 1 },
    { op: "add", path: ["missing", "x"], value: 1 },
    { op: "add", path: ["text", "x"], value: 1 },
    { op: "add", path: ["object", 0], value: 1 },
    { op: "append", path: ["object"], value: "z" },
    { op: "remove", path: [] },
    { op: "replace", path: [], value: [] },
  ])("%j", (patch) => {
    expect(codeThrown(() => applyPatches(state, [patch]))).toBe("CORRUPT");
  });
});

describe("a token", () => {
  test("by hand and replayed it does the same to any state", () => {
    const streaming = fc.option(
      fc.record(
        {
          lastToken: anyText,
          tokenCount: fc.nat(),
          partialResponse: anyText,
          streamingStartTime: fc.constantFrom(null, "2026"),
        },
        { requiredKeys: [] },
      ),
      { nil: undefined },
    );
    fc.assert(
      fc.property(anyObject, streaming, anyText, (other, properties, text) => {
        const state = frozen(properties === undefined ? other : { ...other, streamingProperties: properties });
        const patch: Patch = { op: "token", text, last: text, count: 1 };
        expect(applyPatches(state, [patch])).toEqual(withToken(state, patch));
      }),
    );
  });

  test("it touches nothing but the narrative and the streaming properties", () => {
    const state = frozen({ ...initialState(), messages: [{ id: "m" }], own: {} });
    const next = withToken(state, { op: "token", text: "Once", last: "Once", count: 1 });
    expect([next["messages"] === state["messages"], next["own"] === state["own"]]).toEqual([true, true]);
  });

  test("its progress rises, and stays below 100 however long the answer", () => {
    const steps = [0, 1, 10, 100, 10_000, Number.MAX_SAFE_INTEGER / 200].map(progressAfter);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(Math.max(...steps)).toBeLessThan(100);
  });
});
