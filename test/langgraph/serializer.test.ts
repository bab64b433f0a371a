/** The serializer writes and reads what LangGraph's own does, byte by byte: its short cuts are only that. */
import { HumanMessage } from "@langchain/core/messages";
import { JsonPlusSerializer } from "@langchain/langgraph-checkpoint";
import { expect, test } from "vitest";
import { DraftstateSerializer } from "../../src/langgraph/serializer.js";

const VALUES: readonly (readonly [string, unknown])[] = [
  ["null", null],
  ["undefined", undefined],
  ["a text", 'quo"ted, \u0000, \ud800 alone, 鯨 and "lc"'],
  ["an empty text", ""],
  ["a number", -0.5],
  ["what JSON has no number for", NaN],
  ["a boolean", false],
  ["plain data", { a: [1, { b: null }], "": "x", 2: [] }],
  ["data with escapes", { "\u0001": "\u001b[0m" }],
  ["a set", new Set([1, "two"])],
  ["a map in a list", [new Map([["a", undefined]])]],
  ["an error", new Error("no")],
  ["a message", new HumanMessage({ id: "1", content: "hi" })],
  ["bytes", Uint8Array.of(1, 2)],
  ["bytes within", { at: Uint8Array.of(1, 2) }],
];

test.for(VALUES)("%s", async ([, value]) => {
  const [ours, theirs] = [new DraftstateSerializer(), new JsonPlusSerializer()];
  const [[type, bytes], [itsType, itsBytes]] = [await ours.dumpsTyped(value), await theirs.dumpsTyped(value)];
  expect([type, Buffer.from(bytes).toString("utf8")]).toEqual([itsType, Buffer.from(itsBytes).toString("utf8")]);
  expect(await ours.loadsTyped(type, bytes)).toEqual(await theirs.loadsTyped(itsType, itsBytes));
  const text = Buffer.from(bytes).toString("utf8");
  if (type === "json") expect(await ours.loadsTyped(type, text)).toEqual(await theirs.loadsTyped(itsType, text));
});
