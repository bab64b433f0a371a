/** A tool's description of its arguments comes from its server: nothing in it may cost more than reading it. */
import { describe, expect, test } from "vitest";
import { inputSchema } from "../../src/mcp/input-schema.js";
import { LastLines } from "../../src/mcp/last-lines.js";
import { textOfResult } from "../../src/mcp/results.js";

const object = (properties: object, more: object = {}): object => ({ type: "object", properties, ...more });

/** Each definition holds the next one twice. */
function doubling(count: number): object {
  const pair = (index: number): object =>
    object({ a: { $ref: `#/$defs/d${index}` }, b: { $ref: `#/$defs/d${index}` } });
  const entries = Array.from({ length: count }, (_, index) => [`d${index}`, pair(index + 1)]);
  return object({ a: { $ref: "#/$defs/d0" } }, { $defs: Object.fromEntries(entries) as object });
}

/** Each definition holds all others. */
function entangled(count: number): object {
  const all = object(Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, { $ref: `#/$defs/d${i}` }])));
  const entries = Array.from({ length: count }, (_, index) => [`d${index}`, all]);
  return object({ a: { $ref: "#/$defs/d0" } }, { $defs: Object.fromEntries(entries) as object });
}

describe("a schema", () => {
  test("that grows as its references are put in place is refused at once", () => {
    const start = performance.now();
    expect([inputSchema(doubling(40)), inputSchema(entangled(12))]).toEqual([undefined, undefined]);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test("that refers to itself, or to something a few times, is taken", () => {
    const tree = object({ children: { type: "array", items: { $ref: "#/$defs/tree" } } });
    expect(inputSchema(object({ a: { $ref: "#/$defs/tree" } }, { $defs: { tree } }))).toBeDefined();
    expect(inputSchema(doubling(5))).toBeDefined();
  });

  test.for([[undefined], ["text"], [null], [[]]])("that is %j is none", ([schema]) => {
    expect(inputSchema(schema)).toBeUndefined();
  });

  test("that is too long or too deep is refused", () => {
    const deep = Array.from({ length: 100 }).reduce<object>((inner) => object({ a: inner }), {});
    expect([inputSchema(deep), inputSchema(object({ a: { description: "x".repeat(300_000) } }))]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test("loses what a server would run on the model's words", () => {
    const { schema } = inputSchema(object({ a: { type: "string", pattern: "^(a+)+$", format: "regex" } })) ?? {};
    expect(schema).toEqual(object({ a: { type: "string" } }));
  });

  test("keeps values that only look like parts of a schema", () => {
    const value = object({ a: { default: { pattern: 1, "my key": 2 }, enum: ["pattern"] } });
    expect(inputSchema(value)?.schema).toEqual(value);
  });

  test("gives names back wherever they stand", () => {
    const { schema, given } = inputSchema(object({ "a b": object({ "c d": {} }) }, { required: ["a b"] })) ?? {};
    const [name = ""] = (schema?.["required"] ?? []) as readonly string[];
    const [inner = ""] = Object.keys((schema as never)?.["properties"]?.[name]?.["properties"] ?? {});
    expect(given?.({ [name]: [{ [inner]: 1, other: null }] })).toEqual({ "a b": [{ "c d": 1, other: null }] });
  });
});

describe("a result", () => {
  const of = (text: string): Parameters<typeof textOfResult>[0] => ({ content: [{ type: "text", text }] });

  test("at the limit is whole, beyond it is cut and says so, never within a character", () => {
    expect(textOfResult(of("abcd"), 4)).toBe("abcd");
    expect(textOfResult(of("abcde"), 4)).toBe("abcd\n[cut: the first 4 of 5 characters]");
    expect(textOfResult(of("abc😀"), 4)).toBe("abc\n[cut: the first 3 of 5 characters]");
  });
});

describe("the last lines", () => {
  test("are the last, whole or not, whatever came before", () => {
    const lines = new LastLines();
    lines.add("a\n\nb\r\nc");
    lines.add("d\ne\n");
    lines.add("f");
    expect(lines.all).toEqual(["cd", "e", "f"]);
  });

  test("hold little of a flood", () => {
    const lines = new LastLines();
    for (let index = 0; index < 100; index += 1) lines.add("x".repeat(100_000));
    expect(lines.all).toEqual([`${"x".repeat(200)}…`]);
    lines.add(`\n${"y\n".repeat(1e6)}end\n`);
    expect(lines.all).toEqual(["y", "y", "end"]);
  });
});
