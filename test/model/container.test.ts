/** The state container: recipes in, changes out, and what is no plain JSON leaves no trace. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StateContainer, type Recipe } from "../../src/model/container.js";
import { initialState } from "../../src/model/conversation.js";
import type { JsonObject } from "../../src/model/json.js";
import { applyPatches, diffStates } from "../../src/model/patches.js";
import { codeThrown } from "../doubles/error-code.js";
import { anyJson, anyObject } from "../doubles/json-values.js";

type Loose = Record<string, unknown>;

class Living {
  value = 1;
}

function loose(recipe: (draft: Loose) => void): Recipe<JsonObject> {
  return recipe;
}

function containing(state: object): StateContainer {
  return new StateContainer(state as JsonObject);
}

describe("update", () => {
  test("the changes it returns lead to the new state", () => {
    const step = fc.record({
      field: fc.constantFrom("a", "b", "constructor", "0"),
      value: anyJson,
      act: fc.constantFrom("set", "delete", "push", "shift", "splice", "alias", "grow", "empty"),
    });
    fc.assert(
      fc.property(anyObject, fc.array(step, { maxLength: 6 }), (start, steps) => {
        const container = containing(start);
        const before = container.state;
        const expected = structuredClone(start) as Loose;
        const run = (draft: Loose): void => {
          for (const { field, value, act } of steps) {
            const here = Object.hasOwn(draft, field) ? draft[field] : undefined;
            if (act === "set") draft[field] = structuredClone(value);
            else if (act === "delete") delete draft[field];
            else if (act === "alias" && here !== undefined) draft["b"] = here;
            else if (act === "grow" && typeof here === "string") draft[field] = `${here}+`;
            else if (Array.isArray(here)) {
              if (act === "push") here.push(structuredClone(value), "more");
              if (act === "shift") here.shift();
              if (act === "splice") here.splice(1, 1, structuredClone(value), "x");
              if (act === "empty") here.length = 0;
            }
          }
        };
        const patches = container.update(loose(run));
        run(expected);
        expect(applyPatches(before, patches)).toEqual(container.state);
        expect(container.state).toEqual(structuredClone(expected));
      }),
      { numRuns: 1500 },
    );
  });

  test("text that only grew is told as what was added", () => {
    const container = containing({ text: "Once" });
    expect(container.update(loose((draft) => void (draft["text"] = "Once upon")))).toEqual([
      { op: "append", path: ["text"], value: " upon" },
    ]);
  });

  test("text that is not longer is told whole", () => {
    const container = containing({ text: "Once" });
    expect(container.update(loose((draft) => void (draft["text"] = "Twice")))).toEqual([
      { op: "replace", path: ["text"], value: "Twice" },
    ]);
  });

  test("in a list whose entries moved nothing is read as grown", () => {
    const container = containing({ list: ["a", "ab", "abc"] });
    const before = container.state;
    const patches = container.update(loose((draft) => void (draft["list"] as string[]).shift()));
    expect(applyPatches(before, patches)).toEqual({ list: ["ab", "abc"] });
  });

  test("a state that the recipe gives back takes the old one's place, told as the difference", () => {
    const container = containing({ messages: [{ text: "Once" }], n: 1, old: true });
    const before = container.state;
    const patches = container.update((draft: Loose) => {
      const { old: _old, ...rest } = draft;
      return { ...rest, n: 2, added: [] };
    });
    expect(container.state).toEqual({ messages: [{ text: "Once" }], n: 2, added: [] });
    expect([applyPatches(before, patches), container.state["messages"] === before["messages"]]).toEqual([
      container.state,
      true,
    ]);
  });

  test("a number or text that an arrow happens to give back means nothing", () => {
    const container = containing({ n: 1, list: [] });
    for (const recipe of [
      (draft: Loose) => (draft["n"] = 2),
      (draft: Loose) => (draft["list"] as number[]).push(3),
      () => "text",
      () => null,
    ])
      container.update(recipe as never);
    expect(container.state).toEqual({ n: 2, list: [3] });
  });

  test.each<[string, (draft: Loose) => unknown]>([
    [
      "a change and a new state",
      (draft) => {
        draft["n"] = 2;
        return { n: 3 };
      },
    ],
    ["a list", () => []],
    ["a class instance", () => new Living()],
    ["the file's own field", () => ({ _metadata: {} })],
  ])("giving back %s is refused, and leaves no trace", (_what, recipe) => {
    const container = containing({ n: 1 });
    expect([codeThrown(() => container.update(recipe as never)), container.state]).toEqual(["INVALID_STATE", { n: 1 }]);
  });

  test.each([undefined, null, 5, {}, []])("the token %j is refused, and leaves no trace", (token) => {
    const container = containing({ n: 1 });
    expect([codeThrown(() => container.token(token as never)), container.state]).toEqual(["INVALID_STATE", { n: 1 }]);
  });

  test("a recipe that changes nothing gives no change and the same state", () => {
    const container = containing({ a: 1 });
    const before = container.state;
    expect([container.update(() => undefined), container.state === before]).toEqual([[], true]);
  });

  test("each state it had stays as it was", () => {
    const container = containing({ list: [{ a: 1 }] });
    const first = container.state;
    container.update(loose((draft) => void ((draft["list"] as Loose[])[0] = { a: 2 })));
    expect(first).toEqual({ list: [{ a: 1 }] });
  });
});

describe("what is no plain JSON is refused, and the state stays", () => {
  test.each<[string, unknown]>([
    ["a class instance", new Living()],
    ["a date", new Date(0)],
    ["a map", new Map()],
    ["undefined", undefined],
    ["undefined inside", { a: [undefined] }],
    ["a hole", Array(2)],
    ["NaN", Number.NaN],
    ["infinity", Number.NEGATIVE_INFINITY],
    ["negative zero", -0],
    ["a function", () => 1],
    ["a bigint", 1n],
    ["a symbol key", { [Symbol("s")]: 1 }],
    ["a __proto__ key", JSON.parse('{"__proto__":{"x":1}}')],
  ])("%s", (_name, value) => {
    const container = containing({ a: 1, b: { c: 2 } });
    const before = container.state;
    const put = loose((draft) => {
      draft["a"] = 7;
      (draft["b"] as Loose)["c"] = value;
    });
    expect([codeThrown(() => container.update(put)), container.state === before]).toEqual(["INVALID_STATE", true]);
    expect(codeThrown(() => container.replace({ a: value }, diffStates))).toBe("INVALID_STATE");
    expect(container.state).toBe(before);
    expect(container.state).toEqual({ a: 1, b: { c: 2 } });
  });

  test("nesting beyond the limit", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 300; level += 1) deep = { deep };
    expect(codeThrown(() => containing({}).replace({ deep }, diffStates))).toBe("INVALID_STATE");
  });

  // Known gap: what passed the guard once is not measured again, and a snapshot so deep cannot be read back.
  test("nesting beyond the limit that is reached by many small changes", () => {
    const container = containing({ x: {} });
    const deepen = (): void => {
      for (let level = 0; level < 300; level += 1)
        container.update(loose((draft) => void (draft["x"] = { x: draft["x"] })));
    };
    expect(codeThrown(deepen)).toBe("INVALID_STATE");
  });

  test("an asynchronous recipe", () => {
    const container = containing({ a: 1 });
    const asynchronous = loose(async (draft) => {
      draft["a"] = 2;
      await Promise.resolve();
    });
    expect([codeThrown(() => container.update(asynchronous)), container.state]).toEqual(["INVALID_STATE", { a: 1 }]);
  });

  test("a recipe that throws", () => {
    const container = containing({ a: 1 });
    const failing = loose((draft) => {
      draft["a"] = 2;
      throw new RangeError("no");
    });
    expect(() => container.update(failing)).toThrow(RangeError);
    expect(container.state).toEqual({ a: 1 });
  });
});

describe("the caller's own object", () => {
  test("is neither frozen nor changed by being the first state", () => {
    const mine = { list: [{ a: 1 }] };
    containing(mine).update(loose((draft) => void (draft["list"] as Loose[]).push({ a: 2 })));
    expect([mine, Object.isFrozen(mine), Object.isFrozen(mine.list)]).toEqual([{ list: [{ a: 1 }] }, false, false]);
  });

  test("stays his after a recipe put it in", () => {
    const mine = { a: [1] };
    const container = containing({});
    container.update(loose((draft) => void (draft["mine"] = mine)));
    mine.a.push(2);
    expect(container.state).toEqual({ mine: { a: [1] } });
  });

  test("stays his after it replaced the state", () => {
    const mine = { a: [1] };
    const container = containing({});
    container.replace(mine, diffStates);
    mine.a.push(2);
    expect([container.state, Object.isFrozen(mine)]).toEqual([{ a: [1] }, false]);
  });
});

test("tokens give the state that their changes give", () => {
  const container = containing(initialState());
  const before = container.state;
  const patches = ["Once", " upon", " a time"].map((text) => container.token(text));
  expect(applyPatches(before, patches)).toEqual(container.state);
  expect(container.state["currentNarrative"]).toBe("Once upon a time");
});
