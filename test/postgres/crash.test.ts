/**
 * The server is stopped as by a crash (`-m immediate`) in the middle of many streams and started again: nothing that was
 * acknowledged is lost, and every stream continues. Where it stays away for too long, saves spill, and come home afterwards.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { Conversation } from "../../src/session/conversation.js";
import type { PostgresStorage, PostgresStorageOptions } from "../../src/storage/postgres/index.js";
import { until } from "../e2e/cli.js";
import { PostgresServer } from "./server.js";

const DEEP = process.env["DRAFTSTATE_POSTGRES_DEPTH"] === "full";
const STREAMS = DEEP ? 100 : 20;
const ROUNDS = DEEP ? 5 : 1;

let server: PostgresServer;
let fallbackDir: string;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  // What no commit waited for is lost in a crash of the server for as long as the WAL writer sleeps.
  server = await PostgresServer.start({ synchronous_commit: "off", wal_writer_delay: "10s" });
  fallbackDir = await mkdtemp(join(tmpdir(), "draftstate-fallback-"));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close().catch(() => undefined);
});
afterAll(async () => {
  await server.stop();
  await rm(fallbackDir, { recursive: true, force: true });
});

function managerOn(
  schema: string,
  options: Partial<PostgresStorageOptions> = {},
  settings: object = {},
): DraftStatePersistenceManager {
  const storage: PostgresStorage = server.storage({ schema, ...options });
  const manager = createDraftStatePersistenceManager({ storage, saveOnToken: true, metrics: false, ...settings });
  closers.push(
    () => storage.close(),
    () => manager.close(),
  );
  return manager;
}

/** Streams numbers until told to stop; gives the numbers that were acknowledged. */
async function stream(conversation: Conversation, signal: AbortSignal): Promise<number[]> {
  const acknowledged: number[] = [];
  for (let token = 0; !signal.aborted; token += 1) {
    conversation.appendToken(`${token};`);
    await conversation.whenDurable(conversation.revision);
    acknowledged.push(token);
  }
  return acknowledged;
}

function begin(conversation: Conversation): void {
  conversation.update((draft) => {
    draft.streamingProperties.streamingProgress = 0;
    draft.streamingProperties.streamingStartTime = new Date().toISOString();
  });
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe(`${STREAMS} streams over one pool`, { timeout: 600_000 }, () => {
  test.each(Array.from({ length: ROUNDS }, (_, round) => round))(
    "and a server that crashes: nothing acknowledged is lost, all continue (round %d)",
    async (round) => {
      const schema = server.newSchema();
      const manager = managerOn(schema, {
        retry: { attempts: 60, delay: 100, random: Math.random, onRetry: () => undefined },
      });
      const ids = Array.from({ length: STREAMS }, (_, index) => `chat-${round}-${index}`);
      const conversations = await Promise.all(ids.map((id) => manager.open(id)));
      for (const conversation of conversations) begin(conversation);
      const stopping = new AbortController();
      const streaming = conversations.map((conversation) => stream(conversation, stopping.signal));
      await pause(400);
      await server.crash();
      const before = conversations.map(({ revision }) => revision);
      await pause(200);
      await server.begin();
      await until(
        () => (conversations.every(({ revision }, index) => revision > (before[index] ?? 0) + 1) ? true : undefined),
        () => "not all streams continue",
      );
      stopping.abort();
      const acknowledged = await Promise.all(streaming);
      // As another process finds it, also after one more crash.
      await server.crash();
      await server.begin();
      const reader = managerOn(schema);
      for (const [index, id] of ids.entries()) {
        const text = (await reader.loadState(id))?.streamingProperties.partialResponse ?? "";
        expect([id, text]).toEqual([id, (acknowledged[index] ?? []).map((token) => `${token};`).join("")]);
      }
    },
  );
});

describe("a server that stays away", { timeout: 120_000 }, () => {
  test("makes saves wait, then spill; what was spilled comes home, and the session continues in the store", async () => {
    const schema = server.newSchema();
    const retry = { attempts: 2, delay: 20, random: Math.random, onRetry: () => undefined };
    const manager = managerOn(schema, { retry }, { fallbackDir });
    const conversation = await manager.open("chat");
    begin(conversation);
    conversation.appendToken("in the store;");
    await conversation.flush();
    await server.crash();
    conversation.appendToken("in the spill;");
    await conversation.flush();
    await server.begin();
    conversation.appendToken("home again;");
    await conversation.flush();
    await manager.close();
    const reader = managerOn(schema);
    expect((await reader.loadState("chat"))?.streamingProperties.partialResponse ?? "").toBe(
      "in the store;in the spill;home again;",
    );
    expect((await reader.verify()).problems).toEqual([]);
  });

  test("rejects a save that cannot be kept, with what to do and without a password", async () => {
    const schema = server.newSchema();
    const retry = { attempts: 1, delay: 5, random: Math.random, onRetry: () => undefined };
    const connectionString = server.url("postgres:s3cret");
    const manager = managerOn(schema, { retry, connectionString });
    const conversation = await manager.open("chat");
    // First, or the update could be written before the server is gone.
    await server.crash();
    conversation.update((draft) => {
      draft.currentNarrative = "one";
    });
    const refused: unknown = await conversation.flush().then(
      () => undefined,
      (error: unknown) => error,
    );
    await server.begin();
    expect(refused).toMatchObject({ code: "STORAGE" });
    expect(String(refused)).toMatch(/postgresql:\/\/127\.0\.0\.1:\d+\/postgres\/test_\d+.*out of reach/);
    expect(JSON.stringify([refused, String(refused), manager.storage])).not.toContain("s3cret");
  });
});
