/** Stopping stops: what was not watched to its end is an interrupted answer, two answers never mix, and nobody replaces one as it streams. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import { OfflineStoryModel } from "../../src/agent/models/offline.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";

let directory: string;
let manager: DraftStatePersistenceManager;

function createManager(): DraftStatePersistenceManager {
  return createDraftStatePersistenceManager({
    stateDir: join(directory, "state"),
    backupDir: join(directory, "backup"),
    saveOnToken: true,
  });
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "draftstate-stopping-"));
  manager = createManager();
});

afterEach(async () => {
  await manager.close();
  await rm(directory, { recursive: true });
});

function agent(tokenDelay = 0): DraftHybridStreamingAgent {
  return new DraftHybridStreamingAgent({ manager, model: new OfflineStoryModel({ tokenDelay }) });
}

interface Kept {
  readonly status: unknown;
  readonly text: string;
  readonly tokenCount: unknown;
}

async function answer(): Promise<Kept> {
  const { status, content, tokenCount } =
    (await manager.loadState("tale"))?.messages.findLast(({ role }) => role === "assistant") ?? {};
  return { status, text: typeof content === "string" ? content : "", tokenCount };
}

/** A model that is through with its whole answer while the disk takes the first token. */
describe("a model that is faster than the disk", () => {
  test("has told no whole answer to a reader who leaves in the middle", async () => {
    let seen = "";
    for await (const state of agent().streamConversation("Hi", { conversationId: "tale" })) {
      seen = state.streamingProperties.partialResponse;
      if (seen.length > 10) break;
    }
    const kept = await answer();
    expect([kept.status, kept.text.startsWith(seen)]).toEqual(["interrupted", true]);
  });

  test("is shown no more once it was told to stop", async () => {
    const stop = new AbortController();
    const after: string[] = [];
    for await (const state of agent().streamConversation("Hi", { conversationId: "tale", signal: stop.signal })) {
      if (stop.signal.aborted) after.push(state.streamingProperties.lastToken);
      else if (state.streamingProperties.tokenCount === 3) stop.abort();
    }
    // The end alone is told.
    expect([after.length, (await answer()).status]).toEqual([1, "interrupted"]);
  });

  test("is complete for a reader who watches to the end", async () => {
    let tokens = 0;
    for await (const state of agent().streamConversation("Hi", { conversationId: "tale" }))
      tokens = state.streamingProperties.tokenCount;
    expect([(await answer()).status, (await answer()).tokenCount]).toEqual(["complete", tokens]);
  });
});

describe("in the middle of an answer", () => {
  test("another turn in the same conversation is refused, and the answer continues", async () => {
    const conversation = await manager.open("tale");
    const turns = agent(1);
    let refused: unknown;
    let tokens = 0;
    for await (const event of turns.runTurn(conversation, "Hi")) {
      if (event.type === "token") tokens += 1;
      if (tokens === 3 && refused === undefined)
        refused = await turns
          .runTurn(conversation, "And you?")
          .next()
          .catch((error: unknown) => error);
    }
    expect(refused).toMatchObject({ code: "LOCKED" });
    expect(conversation.state.messages.map(({ role, status }) => [role, status])).toEqual([
      ["user", undefined],
      ["assistant", "complete"],
    ]);
    expect(conversation.state.messages[1]?.tokenCount).toBe(tokens);
    for await (const event of turns.runTurn(conversation, "And you?"))
      if (event.type === "end") expect(event.status).toBe("complete");
  });

  test("a whole state is refused, and nothing of the answer is lost", async () => {
    const refusals: unknown[] = [];
    for await (const state of agent(1).streamConversation("Hi", { conversationId: "tale" })) {
      if (state.streamingProperties.tokenCount !== 3 || refusals.length > 0) continue;
      for (const given of [{ messages: [] }, { ...state, note: "mine" }])
        refusals.push(await manager.saveState("tale", given).catch((error: unknown) => error));
    }
    expect(refusals).toMatchObject([{ code: "LOCKED" }, { code: "LOCKED" }]);
    expect((await manager.loadState("tale"))?.messages.map(({ role, status }) => [role, status])).toEqual([
      ["user", undefined],
      ["assistant", "complete"],
    ]);
  });
});

test("what the agent gave is saved already, and may be given back", async () => {
  let tokens = 0;
  for await (const state of agent().streamConversation("Hi", { conversationId: "tale" })) {
    await manager.saveStateOnToken("tale", state);
    await manager.saveState(state.conversationId, state);
    tokens = state.streamingProperties.tokenCount;
  }
  expect(await answer()).toMatchObject({ status: "complete", tokenCount: tokens });
  expect(await manager.loadState("tale")).not.toHaveProperty("conversationId");
});

describe("a new conversation", () => {
  test("whose first save is refused leaves nothing", async () => {
    await expect(manager.saveState("odd", { x: -0 })).rejects.toMatchObject({ code: "INVALID_STATE" });
    await manager.close();
    manager = createManager();
    expect(await manager.ids()).toEqual([]);
    await (await manager.open("opened")).close();
    expect(await manager.ids()).toEqual(["opened"]);
  });
});
