/** Names that a recipe computes may come from anyone: no recipe changes what all objects of the process share. */
import { afterEach, describe, expect, test } from "vitest";
import { StateContainer, type Recipe } from "../../src/model/container.js";
import type { JsonObject } from "../../src/model/json.js";
import { codeThrown } from "../doubles/error-code.js";

type Loose = Record<string, Record<string, unknown>>;
const STATE = { a: { b: 1 }, list: [{ c: 1 }], text: "t", count: 1, yes: true };
const hostile = (): object => JSON.parse('{"__proto__":{"polluted":1},"a":2}') as object;
const at = (node: unknown, ...path: readonly string[]): Record<string, unknown> =>
  path.reduce<unknown>((each, key) => (each as Record<string, unknown>)[key], node) as Record<string, unknown>;

const OWNERS = [Object, Array, String, Number, Boolean, Function].flatMap((type) => [type, type.prototype as object]);
const shape = (): unknown[] => OWNERS.map((owner) => [Object.keys(owner), Reflect.ownKeys(owner).length]);
const BEFORE = shape();
const { toString } = Object.prototype;

const RECIPES: Readonly<Record<string, (draft: Loose) => void>> = {
  "draft[k1][k2]": (draft) => (at(draft, "__proto__")["polluted"] = 1),
  "constructor.prototype": (draft) => (at(draft, "constructor", "prototype")["polluted"] = 1),
  "a constructor": (draft) => (at(draft, "constructor")["polluted"] = 1),
  "the prototype of a child": (draft) => (at(draft, "a", "__proto__")["polluted"] = 1),
  "the prototype of a list": (draft) => (at(draft, "list", "__proto__")["polluted"] = 1),
  "a method of lists": (draft) => (at(draft, "list", "__proto__")["at"] = 1),
  "the prototype of a text": (draft) => (at(draft, "text", "__proto__")["polluted"] = 1),
  "the prototype of a number": (draft) => (at(draft, "count", "constructor", "prototype")["polluted"] = 1),
  "the prototype of a yes": (draft) => (at(draft, "yes", "__proto__")["polluted"] = 1),
  "a function's prototype": (draft) => (at(draft, "constructor", "__proto__")["polluted"] = 1),
  "a method of all": (draft) => (at(draft, "__proto__")["toString"] = 1),
  "a method of all, gone": (draft) => delete at(draft, "__proto__")["toString"],
  "Object.assign into it": (draft) => Object.assign(at(draft, "__proto__"), { polluted: 1 }),
  "a change before it throws": (draft) => {
    at(draft, "__proto__")["polluted"] = 1;
    throw new Error("mine");
  },
  "Object.assign of what was parsed": (draft) => Object.assign(draft, hostile()),
  "the same into a child": (draft) => Object.assign(draft["a"] ?? {}, hostile()),
  "what was parsed as a value": (draft) => (draft["x"] = hostile() as never),
  "Object.defineProperty": (draft) => Object.defineProperty(draft, "__proto__", { value: { polluted: 1 } }),
  "Object.setPrototypeOf": (draft) => void Object.setPrototypeOf(draft, { polluted: 1 }),
  "an assigned prototype": (draft) => (draft["__proto__"] = { polluted: 1 }),
};

afterEach(() => {
  for (const owner of OWNERS) Reflect.deleteProperty(owner, "polluted");
});

describe("a recipe that reaches for a prototype is refused, and changes nothing anywhere:", () => {
  test.each(Object.entries(RECIPES))("%s", (_name, recipe) => {
    const container = new StateContainer(STATE);
    const before = container.state;
    expect(codeThrown(() => container.update(recipe as unknown as Recipe<JsonObject>))).toBe("INVALID_STATE");
    expect(shape()).toEqual(BEFORE);
    expect([Object.prototype.toString, [1].at(0), "polluted" in {}]).toEqual([toString, 1, false]);
    expect(container.state).toBe(before);
    // And it still takes the next.
    expect(container.update((draft) => void Reflect.set(draft, "a", 2))).toHaveLength(1);
  });
});

test("a field named like a prototype's is data", () => {
  const container = new StateContainer(STATE);
  container.update((draft) => void Reflect.set(draft, "constructor", { prototype: { a: 1 } }));
  container.update((draft) => (at(draft, "constructor", "prototype")["b"] = 2) as never);
  expect(container.state["constructor"]).toEqual({ prototype: { a: 1, b: 2 } });
});

test("a recipe's own error is its own, and what a program adds between recipes stays", () => {
  const container = new StateContainer(STATE);
  const own = new Error("mine");
  expect(() =>
    container.update(() => {
      throw own;
    }),
  ).toThrow(own);
  Reflect.set(Array, "polluted", 1);
  container.update((draft) => void Reflect.set(draft, "a", 3));
  expect(Reflect.get(Array, "polluted")).toBe(1);
});
