/** What is heard between two states: each text once, however many states were skipped. */
import { describe, expect, test } from "vitest";
import { AnswerText, type Heard } from "../../src/model/answer-text.js";
import { idleStreaming, type State } from "../../src/model/conversation.js";

const START = "2026-01-14T21:30:00.000Z";

function state(
  messages: readonly (readonly [id: string, role: string, content: string])[],
  partial?: string,
  messageId?: string,
): State {
  const streaming =
    partial === undefined
      ? idleStreaming()
      : {
          ...idleStreaming(),
          streamingStartTime: START,
          partialResponse: partial,
          ...(messageId === undefined ? {} : { messageId }),
        };
  return {
    messages: messages.map(([id, role, content]) => ({ id, role, content })),
    currentNarrative: partial ?? "",
    streamingProperties: streaming,
  };
}

function textIn(heard: readonly Heard[]): string {
  return heard.map((one) => (one.kind === "text" ? one.text : one.kind === "restart" ? "|" : "")).join("");
}

function told(text: string, position: number, messageId: string | null = null): Heard {
  return { kind: "text", text, messageId, position };
}

const PROMPT = ["u", "user", "Hi"] as const;

describe("what is heard", () => {
  test("begins with the whole answer being told, and with nothing that was said before", () => {
    expect(new AnswerText().begin(state([PROMPT], "Once"))).toEqual([told("Once", 0)]);
    expect(new AnswerText().begin(state([PROMPT, ["a", "assistant", "Once"]]))).toEqual([]);
  });

  test("continues where it stopped, and an answer that ended adds only what was not heard", () => {
    const text = new AnswerText();
    text.begin(state([PROMPT], "On"));
    expect(text.token("ce")).toEqual([told("ce", 2)]);
    expect(text.advance(state([PROMPT], "Once upon"))).toEqual([told(" upon", 4)]);
    expect(text.advance(state([PROMPT, ["a", "assistant", "Once upon a time"]]))).toEqual([
      told(" a time", 9, "a"),
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

  test("names the answer from its first token on, and counts its bytes through its end", () => {
    const text = new AnswerText();
    expect(text.begin(state([PROMPT], "Åé", "a"))).toEqual([told("Åé", 0, "a")]);
    // A pair that two tokens share is four bytes.
    expect([...text.token("\ud83d"), ...text.token("\udc0b!")]).toEqual([
      told("\ud83d", 4, "a"),
      told("\udc0b!", 7, "a"),
    ]);
    const [rest] = text.advance(state([PROMPT, ["a", "assistant", "Åé\ud83d\udc0b! End"]]));
    expect(rest).toEqual(told(" End", Buffer.byteLength("Åé\ud83d\udc0b!"), "a"));
  });

  test("does not take another answer's message for the one being told", () => {
    const text = new AnswerText();
    text.begin(state([PROMPT], "Once", "a"));
    const heard = text.advance(state([PROMPT, ["x", "assistant", "Once and for all"]], "Once upon", "a"));
    expect(heard).toEqual([
      told("Once and for all", 0, "x"),
      { kind: "message", role: "assistant", messageId: "x", text: "Once and for all" },
      told(" upon", 4, "a"),
    ]);
    expect(textIn(text.advance(state([PROMPT], "Other", "b")))).toBe("|Other");
  });
});
