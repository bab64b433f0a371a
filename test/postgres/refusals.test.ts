/** What may happen to a server's user under an open conversation: each is an error that says what to do, and nothing is lost. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { Conversation } from "../../src/session/conversation.js";
import type { PostgresStorageOptions } from "../../src/storage/postgres/index.js";
import { begin } from "../doubles/managers.js";
import { PostgresServer } from "./server.js";

let server: PostgresServer;
let fallbackDir: string;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = PostgresServer.shared();
  fallbackDir = await mkdtemp(join(tmpdir(), "draftstate-fallback-"));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close().catch(() => undefined);
});
afterAll(async () => {
  await server.stop();
  await rm(fallbackDir, { recursive: true, force: true });
});

const ONCE = { attempts: 1, delay: 1, random: () => 0.5, onRetry: () => undefined };

function managerOn(options: Partial<PostgresStorageOptions>, settings: object = {}): DraftStatePersistenceManager {
  const storage = server.storage({ retry: ONCE, ...options });
  const manager = createDraftStatePersistenceManager({ storage, saveOnToken: true, metrics: false, ...settings });
  closers.push(
    () => storage.close(),
    () => manager.close(),
  );
  return manager;
}

/** A role with the least privileges on tables that are there, and these settings. */
async function roleOn(schema: string, settings: string): Promise<string> {
  const role = `role_${schema}`;
  const owner = managerOn({ schema });
  await owner.saveState("known", { messages: [] });
  await server.query(`create role ${role} login ${settings}; ${granted(schema, role)}`);
  closers.push(() => server.query(`drop owned by ${role} cascade; drop role ${role}`));
  return role;
}

function granted(schema: string, role: string): string {
  return `grant usage on schema ${schema} to ${role};
    grant select, insert, update, delete on all tables in schema ${schema} to ${role};
    grant usage on all sequences in schema ${schema} to ${role}`;
}

async function answering(manager: DraftStatePersistenceManager): Promise<Conversation> {
  const conversation = await manager.open("chat");
  begin(conversation, "Hi");
  conversation.appendToken("one ");
  await conversation.flush();
  return conversation;
}

async function refusal(of: Promise<unknown>): Promise<string> {
  const error: unknown = await of.then(
    () => undefined,
    (refused: unknown) => refused,
  );
  expect(error).toMatchObject({ code: "STORAGE" });
  return String(error);
}

/** As another process finds it. */
async function answerIn(schema: string): Promise<unknown> {
  return (await managerOn({ schema }).loadState("chat"))?.streamingProperties.partialResponse;
}

describe("an open conversation", () => {
  test("whose role loses its rights spills, and comes home when it has them again", async () => {
    const schema = server.newSchema();
    const role = await roleOn(schema, "");
    const manager = managerOn({ schema, connectionString: server.url(role) }, { fallbackDir });
    const conversation = await answering(manager);
    await server.query(`revoke all on all tables in schema ${schema} from ${role}`);
    conversation.appendToken("two ");
    await conversation.flush();
    expect(await refusal(manager.list())).toMatch(/lacks a privilege.*Privileges \(42501\)/);
    expect(await answerIn(schema)).toBe("one ");
    await server.query(granted(schema, role));
    conversation.appendToken("three");
    await manager.close();
    expect(await answerIn(schema)).toBe("one two three");
  });

  test("whose tables are dropped keeps all of it in its spill, and nothing is made in their place", async () => {
    const schema = server.newSchema();
    const manager = managerOn({ schema }, { fallbackDir });
    const conversation = await answering(manager);
    await server.query(`drop schema ${schema} cascade`);
    conversation.appendToken("two");
    await conversation.flush();
    expect(await refusal(manager.list())).toMatch(/tables are not there.*42P01/);
    await manager.close().catch(() => undefined);
    const after = managerOn({ schema }, { fallbackDir });
    for (const use of [() => after.loadState("chat"), () => after.open("chat")])
      expect(await refusal(use())).toMatch(
        /is missing, and .* holds changes.*restore its schema on the server, or give the right storage/,
      );
    const made = server.storage({ schema });
    await made.prepare();
    await made.close();
    expect((await after.loadState("chat"))?.streamingProperties.partialResponse).toBe("one two");
  });

  test("whose tables are dropped without a fallback rejects, and holds its state", async () => {
    const schema = server.newSchema();
    const conversation = await answering(managerOn({ schema }));
    await server.query(`drop schema ${schema} cascade`);
    conversation.appendToken("two");
    expect(await refusal(conversation.flush())).toMatch(/tables are not there/);
    expect(conversation.state.streamingProperties.partialResponse).toBe("one two");
  });

  test("whose pool is ended by its owner rejects with what to do, and closes", async () => {
    const schema = server.newSchema();
    const pool = new pg.Pool({ connectionString: server.url(), max: 4 });
    const manager = managerOn({ schema, pool });
    const conversation = await answering(manager);
    const ended = pool.end();
    conversation.appendToken("two");
    expect(await refusal(conversation.flush())).toMatch(/pool was ended by its owner/);
    expect(await refusal(manager.close())).toMatch(/pool was ended by its owner/);
    await (manager.storage as { close?: () => Promise<void> }).close?.();
    await ended;
    expect(await answerIn(schema)).toBe("one ");
  });
});

test("two managers on one pool are two writers, and the one that closes leaves the other its connections", async () => {
  const schema = server.newSchema();
  const pool = new pg.Pool({ connectionString: server.url(), max: 4 });
  closers.push(() => pool.end());
  const storage = server.storage({ schema, pool });
  const first = createDraftStatePersistenceManager({ storage, metrics: false });
  const second = managerOn({ schema, pool });
  await answering(first);
  await expect(second.open("chat", { lockTimeout: 0 })).rejects.toMatchObject({ code: "LOCKED" });
  const other = await second.open("other");
  await first.close();
  await storage.close();
  begin(other, "Hi");
  other.appendToken("more");
  await other.flush();
  const taken = await second.open("chat", { lockTimeout: 5000 });
  expect(taken.state.messages.at(-1)).toMatchObject({ content: "one ", status: "interrupted" });
});

describe("a role", () => {
  test("at its limit of connections is told so, and not that the server is away", async () => {
    const schema = server.newSchema();
    const role = await roleOn(schema, "connection limit 0");
    const words = await refusal(managerOn({ schema, connectionString: server.url(role) }).list());
    expect(words).toMatch(/no connection left.*max_connections.*53300/);
  });

  test("whose statements are ended while a table is locked tries again, and says which setting ended them", async () => {
    const schema = server.newSchema();
    const role = await roleOn(schema, "");
    await server.query(`alter role ${role} set statement_timeout = '100ms'`);
    const connectionString = server.url(role);
    const [patient, hasty] = [
      managerOn({ schema, connectionString, retry: { ...ONCE, attempts: 60, delay: 20 } }),
      managerOn({ schema, connectionString }),
    ];
    const conversation = await answering(patient);
    const admin = await server.client();
    await admin.query(`begin; lock table ${schema}.parts, ${schema}.entries in access exclusive mode`);
    conversation.appendToken("two");
    const saved = conversation.flush();
    expect(await refusal(hasty.list())).toMatch(/statement_timeout.*57014/);
    await admin.query("rollback");
    await admin.end();
    await saved;
    expect(await answerIn(schema)).toBe("one two");
  });

  test("on a read-only server reads, and is told to name the primary where it would write", async () => {
    const schema = server.newSchema();
    const role = await roleOn(schema, "");
    await server.query(`alter role ${role} set default_transaction_read_only = on`);
    const manager = managerOn({ schema, connectionString: server.url(role) });
    expect((await manager.list()).map(({ conversationId }) => conversationId)).toEqual(["known"]);
    expect((await manager.verify()).problems).toEqual([]);
    for (const write of [() => manager.open("chat"), () => manager.saveState("chat", { messages: [] })])
      expect(await refusal(write())).toMatch(/read-only.*name the primary \(25006\)/);
  });
});
