/** What goes to the model is a valid sequence of turns, whatever was interrupted. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toModelSequence } from "../../src/agent/messages.js";
import type { Message } from "../../src/model/conversation.js";

const at = { id: "m", createdAt: "2026-01-14T21:30:00.000Z" };
const call = (id: string) => ({ id, name: "weather", args: {} });
const message = fc
  .oneof(
    fc.record({ role: fc.constantFrom("user" as const, "system" as const), content: fc.constantFrom("one", "two") }),
    fc.record({
      role: fc.constant("assistant" as const),
      content: fc.constantFrom("", "said"),
      toolCalls: fc.constantFrom([], [call("a")], [call("a"), call("b")]),
    }),
    fc.record({
      role: fc.constant("tool" as const),
      content: fc.constant("rain"),
      toolCallId: fc.constantFrom("a", "b", "c"),
    }),
  )
  .map((fields): Message => {
    if (fields.role !== "assistant" || fields.toolCalls.length > 0) return { ...at, ...fields };
    return { ...at, role: fields.role, content: fields.content };
  });

describe("the sequence for a model", () => {
  test("has one system message, first, no two neighbours of the user or of the model, and every call answered at once", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), (messages) => {
        const sequence = toModelSequence(messages);
        const roles = sequence.map(({ role }) => role);
        expect(roles.lastIndexOf("system")).toBeLessThanOrEqual(0);
        for (const [index, role] of roles.entries())
          if (role === "user" || role === "assistant") expect(roles[index + 1]).not.toBe(role);
        const open = new Set<string>();
        for (const { role, toolCalls = [], toolCallId = "" } of sequence) {
          if (role === "tool") expect(open.delete(toolCallId)).toBe(true);
          else expect(open.size).toBe(0);
          for (const { id } of toolCalls) open.add(id);
        }
        expect(open.size).toBe(0);
      }),
    );
  });

  test("joins what was cut off with the call for tools that came when it went on", () => {
    const sequence = toModelSequence([
      { ...at, role: "user", content: "Hi" },
      { ...at, role: "assistant", content: "Let me", status: "interrupted" },
      { ...at, role: "assistant", content: "look", toolCalls: [call("a")] },
      { ...at, role: "tool", content: "rain", toolCallId: "a" },
    ]);
    expect(sequence.map(({ role, content }) => [role, content])).toEqual([
      ["user", "Hi"],
      ["assistant", "Let me\n\nlook"],
      ["tool", "rain"],
    ]);
  });
});
