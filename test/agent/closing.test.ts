/** A conversation that is closed under an answer: whoever watches hears of it, the process lives, nothing streamed is lost. */
import { tool } from "@langchain/core/tools";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import type { Approve } from "../../src/agent/approval.js";
import { OfflineStoryModel } from "../../src/agent/models/offline.js";
import { DraftstateError } from "../../src/errors.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { AgentState } from "../../src/model/conversation.js";
import type { Conversation } from "../../src/session/conversation.js";
import { MemoryStorage } from "../../src/storage/memory.js";
import type { Log } from "../../src/storage/storage.js";
import { managerOver, memory } from "../doubles/managers.js";
import { ScriptedModel } from "../doubles/scripted-model.js";

test("closing the manager in the middle of an answer ends the loop with an error that can be caught", async () => {
  const storage = memory();
  const manager = managerOver(storage);
  const agent = new DraftHybridStreamingAgent({ manager, model: new OfflineStoryModel({ tokenDelay: 1 }) });
  let partial = "";
  const watch = async (): Promise<void> => {
    let seen = 0;
    for await (const state of agent.streamConversation("Tell me a story", { conversationId: "tale" })) {
      partial = state.streamingProperties.partialResponse;
      if ((seen += 1) === 5) await manager.close();
    }
  };
  await expect(watch()).rejects.toMatchObject({ name: "DraftstateError" });
  expect(partial).not.toBe("");
  const found = await managerOver(storage).load("tale");
  expect(found?.metadata.status).toBe("interrupted");
  expect(JSON.stringify(found?.state)).toContain(JSON.stringify(partial).slice(1, -1));
});

class LeavableStorage extends MemoryStorage {
  isAway = false;

  constructor() {
    super({ now: () => new Date(0), command: "test" });
  }

  override async replace(...given: Parameters<MemoryStorage["replace"]>): Promise<void> {
    this.#assertThere();
    return super.replace(...given);
  }

  override async createLog(...given: Parameters<MemoryStorage["createLog"]>): Promise<Log> {
    this.#assertThere();
    const log = await super.createLog(...given);
    const append = async (bytes: Uint8Array): Promise<void> => {
      this.#assertThere();
      return log.append(bytes);
    };
    return { ...log, append, appendDurably: append };
  }

  #assertThere(): void {
    if (this.isAway) throw new DraftstateError("STORAGE", "the store is away");
  }
}

describe("a turn that waits for something else than the disk", () => {
  const LOOK = { id: "c1", name: "look", args: {} };
  const forever = new Promise<never>(() => undefined);

  /** A turn that waits: for a decision, or for a tool that never answers; with what ends its conversation. */
  async function waiting(where: "asked" | "called", end: (at: Ends) => unknown, decide?: Approve) {
    const storage = new LeavableStorage();
    const manager = managerOver(storage);
    const called: string[] = [];
    let reached: () => void = () => undefined;
    const isThere = new Promise<void>((resolve) => (reached = resolve));
    const look = tool(
      () => {
        called.push("look");
        reached();
        return forever;
      },
      { name: "look", description: "look", schema: z.looseObject({}) },
    );
    const approve: Approve = (request) => {
      if (where === "called") return "run";
      reached();
      return decide?.(request) ?? forever;
    };
    const agent = new DraftHybridStreamingAgent({
      manager,
      model: new ScriptedModel([[LOOK]]),
      tools: [look],
      approve,
    });
    const conversation = await manager.open("tale");
    const watched = (async () => {
      for await (const event of agent.runTurn(conversation, "Go")) if (event.type === "end") return event;
      return undefined;
    })();
    const ended = watched.then(
      (event) => event?.error ?? event?.status,
      (error: unknown) => error,
    );
    await isThere;
    await end({ storage, manager, conversation });
    return { ended: await ended, called, found: await managerOver(storage).load("tale") };
  }

  interface Ends {
    readonly storage: LeavableStorage;
    readonly manager: DraftStatePersistenceManager;
    readonly conversation: Conversation;
  }

  const callIn = (found: Awaited<ReturnType<typeof waiting>>["found"]) =>
    ((found?.state ?? { messages: [] }) as unknown as AgentState).messages.flatMap(
      ({ toolCalls = [] }) => toolCalls,
    )[0];

  const closings: readonly [string, (at: Ends) => unknown][] = [
    ["its handle", ({ conversation }) => conversation.close()],
    ["its manager", ({ manager }) => manager.close()],
  ];

  test.each(closings)("ends when %s closes while a question pends, and its call waits", async (_what, close) => {
    const { ended, called, found } = await waiting("asked", close);
    expect(ended).toMatchObject({ name: "DraftstateError", code: "USAGE" });
    expect([called, callIn(found)?.startedAt]).toEqual([[], undefined]);
  });

  test.each(closings)(
    "ends when %s closes while a tool never answers, and its call has begun",
    async (_what, close) => {
      const { ended, called, found } = await waiting("called", close);
      expect(ended).toMatchObject({ name: "DraftstateError", code: "USAGE" });
      expect([called, callIn(found)?.startedAt]).toEqual([["look"], expect.any(String)]);
    },
  );

  test.each([
    ["its lock is lost", "LOCKED", ({ storage }: Ends) => storage.breakLock("tale")],
    [
      "its store is away",
      "STORAGE",
      async ({ storage }: Ends) => {
        storage.isAway = true;
      },
    ],
  ])("makes no call once %s, and says so", async (_what, code, lose) => {
    let allow: (decision: "run") => void = () => undefined;
    const allowed = new Promise<"run">((resolve) => (allow = resolve));
    const loseAndAllow = (at: Ends): void => {
      void lose(at).then(() => {
        allow("run");
      });
    };
    const { ended, called } = await waiting("asked", loseAndAllow, () => allowed);
    expect(ended).toMatchObject({ code });
    expect(called).toEqual([]);
  });
});
