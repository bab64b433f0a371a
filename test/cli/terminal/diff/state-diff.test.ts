/** What a person reads of a difference: a summary first, each row with its mark, and nothing of how an agent streams. */
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../../src/model/json.js";
import { renderStat, renderStateDiff } from "../../../../src/cli/terminal/diff/state-diff.js";
import { createStyle } from "../../../../src/cli/terminal/text/style.js";
import { wrapText } from "../../../../src/cli/terminal/text/wrap-text.js";

const plain = { style: createStyle({ isTerminal: false, env: {} }), columns: undefined };
const question = { id: "q", role: "user", content: "Hi" };
const cut = { id: "a", role: "assistant", content: "Once upon", status: "interrupted" };

function state(messages: readonly JsonObject[], more: JsonObject = {}): JsonObject {
  return { messages: [...messages], ...more };
}

describe("the summary", () => {
  test.for([
    [[question], [question, cut], {}, "1 message added"],
    [[question, cut], [cut], {}, "1 message removed"],
    [[], [question, cut], {}, "2 messages added"],
    [[question], [{ ...question, content: "Ho" }, cut], { topic: 1 }, "1 message added, 1 edited; also changed: topic"],
    [[question], [question], { topic: 1 }, "changed: topic"],
    [[question], [question], { currentNarrative: "x", streamingProperties: { tokenCount: 2 } }, ""],
  ] as const)("of %j and %j names what changed and no zeros: %#", ([before, after, more, expected]) => {
    expect(renderStat(state(before), state(after, more))).toBe(expected);
  });

  test("comes before the messages", () => {
    expect(renderStateDiff(state([]), state([question]), plain)).toBe("1 message added\n\n+ user:\n+ Hi");
  });
});

test("an answer that was continued is one message that was edited", () => {
  const rest = { id: "b", role: "assistant", content: " a time.", status: "complete" };
  expect(renderStateDiff(state([question, cut]), state([question, cut, rest]), plain)).toBe(
    "1 message edited\n\n~ assistant: (interrupted → complete)\nOnce upon{+ a time.+}",
  );
});

test("a partial answer is a message like others", () => {
  const streaming = { streamingStartTime: "2026-01-01T00:00:00.000Z", streamingEndTime: null, partialResponse: "Once" };
  expect(
    renderStateDiff(
      state([question]),
      state([question], { streamingProperties: streaming, currentNarrative: "" }),
      plain,
    ),
  ).toBe("1 message added\n\n+ assistant:\n+ Once");
});

test("each row of a wrapped line has its mark", () => {
  const text = renderStateDiff(state([]), state([{ ...question, content: "one two three four" }]), {
    ...plain,
    columns: 11,
  });
  expect(text).toBe("1 message\nadded\n\n+ user:\n+ one two\n+ three\n+ four");
});

test("a style that a wrapped line is in begins and ends on each row", () => {
  expect(wrapText("a \u001b[32mgreen words\u001b[39m b", 8)).toBe(
    "a \u001b[32mgreen\u001b[39m\n\u001b[32mwords\u001b[39m b",
  );
});
