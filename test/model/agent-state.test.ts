import { expect, test } from "vitest";
import { assertAgentState } from "../../src/model/agent-state.js";
import { initialState } from "../../src/model/conversation.js";
import type { JsonObject } from "../../src/model/json.js";

const said = (message: unknown): JsonObject =>
  ({ ...initialState(), messages: [{ role: "user", content: "Hi" }, message] }) as JsonObject;

test.each([
  [said({ role: "assistant", content: "Hello" })],
  [said({ role: "tool", content: [{ type: "text", text: "4" }], toolCallId: "1" })],
  [{ title: "another application's" }],
])("a chat goes on with %j", (state) => {
  expect(() => {
    assertAgentState("tale", state);
  }).not.toThrow();
});

test.each([
  [
    said({ role: "wizard", content: "Hi" }),
    'messages[1] has the role "wizard", which is not one of system, user, assistant, tool',
  ],
  [said({ content: "Hi" }), "messages[1] has no role"],
  [said({ role: "user", content: 3 }), "messages[1] has a content that is neither a text nor a list"],
  [said({ role: "user" }), "messages[1] has a content that is neither a text nor a list"],
  [said("Hi"), "messages[1] is not an object"],
  [{ ...initialState(), messages: {} }, 'its field "messages" is not a list'],
  [{ ...initialState(), currentNarrative: 1 }, 'its field "currentNarrative" is not a text'],
])("a chat does not go on with %j", (state, problem) => {
  expect(() => {
    assertAgentState("tale", state);
  }).toThrow(`conversation tale does not hold the state of an agent: ${problem}; `);
});
