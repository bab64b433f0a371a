/** What is heard between two states: each text once, however many states were skipped. */
import { describe, expect, test } from "vitest";
import { AnswerText, type Heard } from "../../src/model/answer-text.js";
import { idleStreaming, type State } from "../../src/model/conversation.js";

const START = "2026-01-14T21:30:00.000Z";

function state(messages: readonly (readonly [id: string, role: string, content: string])[], partial?: string): State {
  const streaming =
    partial === undefined
      ? idleStreaming()
      : { ...idleStreaming(), streamingStartTime: START, partialResponse: partial };
  return {
    messages: messages.map(([id, role, content]) => ({ id, role, content })),
    currentNarrative: partial ?? "",
    streamingProperties: streaming,
  };
}

function textIn(heard: readonly Heard[]): string {
  return heard.map((one) => (one.kind === "text" ? one.text : one.kind === "restart" ? "|" : "")).join("");
}

const PROMPT = ["u", "user", "Hi"] as const;

describe("what is heard", () => {
  test("begins with the whole answer being told, and with nothing that was said before", () => {
    expect(new AnswerText().begin(state([PROMPT], "Once"))).toEqual([{ kind: "text", text: "Once" }]);
    expect(new AnswerText().begin(state([PROMPT, ["a", "assistant", "Once"]]))).toEqual([]);
  });

  test("continues where it stopped, and an answer that ended adds only what was not heard", () => {
    const text = new AnswerText();
    text.begin(state([PROMPT], "On"));
    expect(text.token("ce")).toEqual([{ kind: "text", text: "ce" }]);
    expect(text.advance(state([PROMPT], "Once upon"))).toEqual([{ kind: "text", text: " upon" }]);
    expect(text.advance(state([PROMPT, ["a", "assistant", "Once upon a time"]]))).toEqual([
      { kind: "text", text: " a time" },
      { kind: "message", role: "assistant", messageId: "a", text: "Once upon a time" },
    ]);
  });

  test("holds every answer of several turns that were skipped, in order", () => {
    const text = new AnswerText();
    text.begin(state([PROMPT], "O"));
    const heard = text.advance(
      state(
        [PROMPT, ["a", "assistant", "One"], ["u2", "user", "And?"], ["b", "assistant", "Two"], ["u3", "user", "And?"]],
        "Thr",
      ),
    );
    expect(heard.map((one) => (one.kind === "text" ? one.text : one.kind))).toEqual([
      "ne",
      "message",
      "message",
      "Two",
      "message",
      "message",
      "Thr",
    ]);
  });

  test("says that an answer began anew, and gives it whole", () => {
    const text = new AnswerText();
    text.begin(state([PROMPT], "Once"));
    expect(textIn(text.advance(state([PROMPT], "There was")))).toBe("|There was");
  });

  test("does not hold again what is gone back to", () => {
    const text = new AnswerText();
    text.begin(state([PROMPT, ["a", "assistant", "One"]]));
    expect(text.advance(state([PROMPT]))).toEqual([]);
    expect(text.advance(state([PROMPT, ["a", "assistant", "One"]]))).toEqual([]);
  });
});
