/** The steps of a turn: only its beginning and its end touch the messages, and no text is lost on the way. */
import { describe, expect, test } from "vitest";
import { StateContainer } from "../../src/model/container.js";
import {
  initialState,
  isStreaming,
  messagesOf,
  metadataOf,
  statusOf,
  textOf,
  titleFrom,
  tokenCountOf,
  type AgentState,
} from "../../src/model/conversation.js";
import { freezeJson, type Json, type JsonObject } from "../../src/model/json.js";
import {
  addMessage,
  beginTurn,
  endAnswer,
  ensureAgentFields,
  interruptAnswer,
  type AgentDraft,
} from "../../src/model/transitions.js";

const AT = "2026-01-14T21:30:00.000Z";
const LATER = "2026-01-14T21:30:01.000Z";

class Turn {
  readonly container = new StateContainer(initialState());

  step(recipe: (draft: AgentDraft) => void): this {
    this.container.update(recipe as never);
    return this;
  }

  tokens(...texts: string[]): this {
    for (const text of texts) this.container.token(text);
    return this;
  }

  get state(): AgentState & JsonObject {
    return this.container.state as unknown as AgentState & JsonObject;
  }
}

function begun(): Turn {
  return new Turn().step((draft) => {
    beginTurn(draft, { message: { id: "u1", role: "user", content: "Tell", createdAt: AT }, at: AT });
  });
}

describe("a turn", () => {
  test("that has begun is streaming, with the question among the messages and no text yet", () => {
    const { state } = begun();
    expect([isStreaming(state), state.messages.length, state.currentNarrative]).toEqual([true, 1, ""]);
  });

  test("puts tokens into the partial answer and the narrative, not into the messages", () => {
    const before = begun();
    const messages = before.state.messages;
    const { state } = before.tokens("Once", " upon");
    expect(state.streamingProperties).toMatchObject({
      partialResponse: "Once upon",
      lastToken: " upon",
      tokenCount: 2,
    });
    expect([state.currentNarrative, state.messages === messages]).toEqual(["Once upon", true]);
  });

  test("that is complete has its answer among the messages, and a progress of 100", () => {
    const { state } = begun()
      .tokens("Once", " upon")
      .step((draft) => {
        endAnswer(draft, { id: "a1", status: "complete", at: LATER });
      });
    expect(state.messages.at(-1)).toMatchObject({
      id: "a1",
      role: "assistant",
      content: "Once upon",
      status: "complete",
      tokenCount: 2,
    });
    expect([state.streamingProperties.streamingProgress, isStreaming(state), statusOf(state)]).toEqual([
      100,
      false,
      "complete",
    ]);
  });

  test("that was interrupted keeps all its text, and a progress below 100", () => {
    const { state } = begun()
      .tokens("Once", " upon")
      .step((draft) => {
        interruptAnswer(draft, { id: "a1", at: LATER });
      });
    expect([textOf(state.messages.at(-1)?.content as string), statusOf(state)]).toEqual(["Once upon", "interrupted"]);
    expect(state.streamingProperties.streamingProgress).toBeLessThan(100);
  });

  test("that begins over an answer that was never ended keeps its text and thoughts as interrupted", () => {
    const { state } = begun()
      .tokens("Once", " upon")
      .step((draft) => {
        draft.streamingProperties.partialReasoning = "a tale";
      })
      .step((draft) => {
        beginTurn(draft, { message: { id: "u2", role: "user", content: "Again", createdAt: LATER }, at: LATER });
      });
    expect(state.messages.map(({ role, status, content }) => [role, status, content])).toEqual([
      ["user", undefined, "Tell"],
      ["assistant", "interrupted", "Once upon"],
      ["user", undefined, "Again"],
    ]);
    expect([state.messages[1]?.reasoning, state.streamingProperties.partialResponse]).toEqual(["a tale", ""]);
  });

  test("that begins over one without a token adds no message", () => {
    const { state } = begun().step((draft) => {
      beginTurn(draft, { at: LATER });
    });
    expect(state.messages).toHaveLength(1);
  });

  test("that continues with tools still streams, with an empty partial answer", () => {
    const toolCalls = [{ id: "c1", name: "look", args: {} }];
    const { state } = begun()
      .tokens("Let me")
      .step((draft) => {
        endAnswer(draft, { id: "a1", status: "complete", at: LATER, toolCalls, turnContinues: true });
      });
    expect([isStreaming(state), state.streamingProperties.partialResponse, state.messages.at(-1)?.toolCalls]).toEqual([
      true,
      "",
      toolCalls,
    ]);
  });

  test("counts the tokens of each answer once", () => {
    const turn = begun().tokens("a", "b", "c");
    const streaming = tokenCountOf(turn.state);
    turn.step((draft) => {
      endAnswer(draft, { id: "a1", status: "complete", at: LATER });
    });
    expect([streaming, tokenCountOf(turn.state)]).toEqual([3, 3]);
  });
});

describe("a state that no agent made", () => {
  test("gets the fields it lacks, and keeps its own", () => {
    const container = new StateContainer({ mine: 1 });
    container.update(((draft: AgentDraft) => {
      ensureAgentFields(draft);
    }) as never);
    expect(container.state).toEqual({ mine: 1, ...initialState() });
  });

  test("takes a message", () => {
    const container = new StateContainer({});
    container.update(((draft: AgentDraft) => {
      addMessage(draft, { id: "m", role: "tool", content: "42", createdAt: AT, toolCallId: "c1" });
    }) as never);
    expect(messagesOf(container.state)).toHaveLength(1);
  });
});

describe("what is said of a conversation", () => {
  test("its title is the first line of the first question, cut at a whole character", () => {
    expect([titleFrom("\n  Tell   me\nmore"), Array.from(titleFrom("🎈".repeat(200))).length]).toEqual(["Tell me", 80]);
    expect(() => encodeURIComponent(titleFrom("🎈".repeat(200)))).not.toThrow();
  });

  test("its metadata stays small, whatever the state", () => {
    const state = { ...initialState(), messages: [{ id: "u", role: "user", content: "x".repeat(1_000_000) }] };
    const metadata = metadataOf(
      { state, info: { createdAt: AT, title: "y".repeat(100_000) }, revision: 1 },
      "chat",
      AT,
    );
    expect(JSON.stringify(metadata).length).toBeLessThan(1000);
  });

  test("tokens of messages that a caller can still change are counted each time", () => {
    const messages = Array.from({ length: 600 }, (_, index) => ({
      id: `m${index}`,
      role: "assistant",
      content: "",
      tokenCount: 2,
    }));
    const frozen = freezeJson({ messages }) as JsonObject;
    const next = {
      messages: frozen["messages"] as Json,
      streamingProperties: { tokenCount: 5, streamingStartTime: AT },
    };
    expect([tokenCountOf(frozen), tokenCountOf(next)]).toEqual([1200, 1205]);
    const [first] = messages;
    const changing = { messages };
    const before = tokenCountOf(changing);
    if (first !== undefined) first.tokenCount = 3;
    expect([before, tokenCountOf(changing)]).toEqual([1200, 1201]);
  });
});
