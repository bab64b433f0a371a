/**
 * The five tests that the draft's own document names, for real: a LangGraph agent, real files, other processes.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createDraftStatePersistenceManager,
  type CreateManagerOptions,
  type DraftStatePersistenceManager,
} from "../../src/index.js";
import { DraftHybridStreamingAgent, OfflineStoryModel, type ConversationState } from "../../src/agent/index.js";

const CLI = fileURLToPath(new URL("../../bin/draftstate.js", import.meta.url));
const ID = "draft_chat_1234567890";

let directory: string;
let manager: DraftStatePersistenceManager;

function managerWith(options: CreateManagerOptions = {}): DraftStatePersistenceManager {
  return createDraftStatePersistenceManager({
    stateDir: join(directory, "state"),
    backupDir: join(directory, "backup"),
    ...options,
  });
}

async function lastState(states: AsyncIterable<ConversationState>): Promise<ConversationState> {
  let last: ConversationState | undefined;
  for await (const state of states) last = state;
  if (last === undefined) throw new Error("the agent gave no state");
  return last;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "draftstate-draft-"));
});

afterEach(async () => {
  await manager.close();
  await rm(directory, { recursive: true, force: true });
});

describe("the draft's tests", () => {
  test("a streaming conversation with real-time persistence", async () => {
    manager = managerWith({ realTimeSave: true, saveOnToken: true });
    const agent = new DraftHybridStreamingAgent({ manager });
    const onDisk: boolean[] = [];
    let id = "";
    for await (const state of agent.streamConversation("Tell me a story")) {
      id = state.conversationId;
      const { lastToken, partialResponse } = state.streamingProperties;
      if (lastToken === "" || onDisk.length >= 20) continue;
      const saved = await managerWith().loadState(id);
      onDisk.push(saved !== null && saved.streamingProperties.partialResponse.startsWith(partialResponse));
    }
    expect(id).toMatch(/^draft_chat_\d+$/);
    expect(onDisk).toEqual(Array.from({ length: 20 }, () => true));
  });

  test("saving during streaming, read from another process while the stream runs", async () => {
    manager = managerWith({ saveOnToken: true });
    const agent = new DraftHybridStreamingAgent({ manager, model: new OfflineStoryModel({ tokenDelay: 20 }) });
    const show = async (): Promise<unknown> => {
      const { stdout } = await promisify(execFile)(process.execPath, [
        CLI,
        "show",
        ID,
        "--json",
        "--state-dir",
        join(directory, "state"),
        "--backup-dir",
        join(directory, "backup"),
      ]);
      return JSON.parse(stdout);
    };
    let seen: Promise<unknown> | undefined;
    let shownBefore = "";
    for await (const state of agent.streamConversation("Tell me a story", { conversationId: ID })) {
      if (seen !== undefined || state.streamingProperties.tokenCount < 5) continue;
      shownBefore = state.streamingProperties.partialResponse;
      seen = show();
    }
    const read = await seen;
    expect(read).toMatchObject({
      _metadata: { status: "streaming", conversationId: ID },
      streamingProperties: { partialResponse: expect.stringContaining(shownBefore) as unknown },
    });
  });

  test("backup creation and cleanup", async () => {
    manager = managerWith({ maxBackups: 3 });
    const agent = new DraftHybridStreamingAgent({ manager });
    const created: string[] = [];
    manager.on("backupCreated", ({ reason, timestamp }) => {
      if (reason === "turn") created.push(timestamp);
    });
    for (let turn = 1; turn <= 5; turn += 1)
      await lastState(agent.streamConversation(`Tell me story ${turn}`, { conversationId: ID }));
    const backups = await manager.listBackups(ID);
    expect(created).toHaveLength(5);
    expect(backups.map(({ timestamp }) => timestamp)).toEqual(created.slice(2).reverse());
    expect(backups.map(({ messageCount }) => messageCount)).toEqual([10, 8, 6]);
    expect((await readdir(join(directory, "backup"))).filter((name) => !name.startsWith("."))).toEqual(
      created.slice(2).map((timestamp) => `${ID}_${timestamp}.json`),
    );
  });

  test("loading from saved state", async () => {
    manager = managerWith();
    const agent = new DraftHybridStreamingAgent({ manager });
    const last = await lastState(agent.streamConversation("Tell me a story", { conversationId: ID }));
    const loaded = await new DraftHybridStreamingAgent({ manager: managerWith() }).loadConversation(ID);
    expect(loaded).toEqual(last);
    expect(loaded?.messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
    const file: unknown = JSON.parse(await readFile(join(directory, "state", `${ID}.json`), "utf8"));
    expect(file).toMatchObject({
      currentNarrative: last.currentNarrative,
      _metadata: { version: "1.0.0", conversationId: ID, status: "complete", messageCount: 2 },
    });
    expect(await agent.loadConversation("never-was")).toBeNull();
  });

  test("statistics and metrics", async () => {
    manager = managerWith({ saveOnToken: true, autoSaveInterval: 500 });
    expect(manager.getSaveStatistics()).toMatchObject({
      queuedSaves: 0,
      isSaving: false,
      autoSaveEnabled: true,
      autoSaveInterval: 500,
      journalRecords: 0,
      lastSaveDurationMs: null,
    });
    const agent = new DraftHybridStreamingAgent({ manager });
    const last = await lastState(agent.streamConversation("Tell me a story", { conversationId: ID }));
    const { tokenCount } = last.streamingProperties;
    const statistics = manager.getSaveStatistics();
    expect(tokenCount).toBeGreaterThan(50);
    expect(statistics).toMatchObject({
      queuedSaves: 0,
      isSaving: false,
      openConversations: 0,
      backupsCreated: 1,
      saveErrors: 0,
    });
    expect(statistics.journalRecords).toBeGreaterThanOrEqual(tokenCount);
    expect(statistics.journalBatches).toBeLessThanOrEqual(statistics.journalRecords);
    expect(statistics.bytesWritten).toBeGreaterThan(last.currentNarrative.length * 2);
    expect(statistics.averageSaveDurationMs).toBeGreaterThan(0);
  });
});
