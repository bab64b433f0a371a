/** Files of the draft are read as what they mean, from fixtures that the draft could have written; what is unknown is refused with its path. */
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { DraftstateError } from "../../src/errors.js";
import type { JsonObject } from "../../src/model/json.js";
import { migrateMessage } from "../../src/model/migrations/001-from-draft.js";
import { migrate } from "../../src/model/migrations/index.js";
import { decodeSnapshot, type Decoded } from "../../src/snapshot/decode.js";
import { codeThrown } from "../doubles/error-code.js";

function bytesOf(name: string): Promise<Buffer> {
  return readFile(new URL(`../fixtures/draft-${name}.json`, import.meta.url));
}

async function loaded(name: string): Promise<Extract<Decoded, { kind: "valid" }>> {
  const decoded = decodeSnapshot(await bytesOf(name), "chat");
  if (decoded.kind !== "valid") throw new Error(JSON.stringify(decoded));
  return decoded;
}

const SAVED = "2025-01-14T21:30:00.000Z";

describe("a file of the draft", () => {
  test("with role and content", async () => {
    const { state, metadata, migratedFrom } = await loaded("roles");
    expect(state["messages"]).toEqual([
      { id: "m1", role: "system", content: "Be brief.", createdAt: SAVED },
      { id: "m2", role: "user", content: "Tell me a story", createdAt: SAVED, mood: "curious" },
      { id: "m3", role: "assistant", content: "Once upon a time", createdAt: SAVED, status: "complete" },
    ]);
    expect([migratedFrom, metadata.revision, metadata.createdAt]).toEqual(["1.0.0-draft", 1, SAVED]);
  });

  test("keeps fields that are an application's own", async () => {
    const { state, metadata } = await loaded("roles");
    expect([state["own"], metadata.extra]).toEqual([{ kept: true }, { theirs: 7 }]);
  });

  test("with type and content, tool calls and their results", async () => {
    expect((await loaded("types")).state["messages"]).toEqual([
      { id: "m1", role: "user", content: "What is it?", createdAt: SAVED },
      {
        id: "m2",
        role: "assistant",
        content: "",
        createdAt: SAVED,
        status: "complete",
        toolCalls: [{ id: "c1", name: "look", args: { at: "it" } }],
      },
      { id: "m3", role: "tool", content: "42", createdAt: SAVED, toolCallId: "c1" },
      {
        id: "a9",
        role: "assistant",
        content: [{ type: "text", text: "It is 42." }],
        createdAt: SAVED,
        status: "complete",
      },
    ]);
  });

  test("with messages in LangChain's serialised form", async () => {
    const messages = (await loaded("serialised")).state["messages"] as JsonObject[];
    expect(messages).toMatchObject([
      { id: "m1", role: "user", content: "Hello" },
      { id: "run-1", role: "assistant", content: "Hi" },
    ]);
  });

  test("that names an unknown class is damaged", async () => {
    expect(decodeSnapshot(await bytesOf("unknown-class"), "chat").kind).toBe("damaged");
  });

  test("that is of another conversation is damaged", async () => {
    expect(decodeSnapshot(await bytesOf("roles"), "other").kind).toBe("damaged");
  });
});

describe("what cannot be read is refused with its path", () => {
  const defaults = { id: "m1", createdAt: SAVED };
  test.each<[string, JsonObject]>([
    ["messages.3.id", { lc: 1, id: ["x", "Shell"], kwargs: { content: "" } }],
    ["messages.3.id", { lc: 1, id: ["x", "constructor"], kwargs: { content: "" } }],
    ["messages.3.kwargs", { lc: 1, id: ["x", "HumanMessage"] }],
    ["messages.3.role", { role: "wizard", content: "" }],
    ["messages.3.role", { role: "toString", content: "" }],
    ["messages.3.content", { role: "user" }],
    ["messages.3.content", { role: "user", content: null }],
    ["messages.3.tool_calls.0", { role: "assistant", content: "", tool_calls: [{ function: "look" }] }],
  ])("%s of %j", (path, message) => {
    try {
      migrateMessage(message, "messages.3", defaults);
      expect.unreachable();
    } catch (error) {
      expect(error instanceof DraftstateError ? [error.code, error.path] : error).toEqual(["CORRUPT", path]);
    }
  });

  test("a version that no step begins from", () => {
    expect(codeThrown(() => migrate("0.3.0", {}))).toBe("CORRUPT");
  });
});
