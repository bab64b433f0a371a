/**
 * A standby without the last changes takes over, under storages that were at the old primary: what it hands out again, and what it
 * lacks, is never taken for the same. Here its tables are set back by hand; `standby.deep.ts` lets a real one take over.
 */
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { PostgresPool, PostgresStorage, PostgresStorageOptions } from "../../src/storage/postgres/index.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { Conversation } from "../../src/session/conversation.js";
import type { Key, Log } from "../../src/storage/storage.js";
import { acquired, textAt } from "../contracts/storage-contract.js";
import { codeRejected } from "../doubles/error-code.js";
import { CuttingProxy } from "./cutting-proxy.js";
import { PostgresServer } from "./server.js";

let server: PostgresServer;
let proxy: CuttingProxy;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = PostgresServer.shared();
  proxy = await CuttingProxy.start(server.port);
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});

const THEIRS: Key = { area: "state", name: "theirs.journal" };

function storageOn(schema: string, options: Partial<PostgresStorageOptions> = {}): PostgresStorage {
  const storage = server.storage({ schema, ...options });
  ends.push(() => storage.close());
  return storage;
}

async function logOf(storage: PostgresStorage, name: string, first: string): Promise<Log> {
  const lock = acquired(await storage.tryLock(name, new Date(0)));
  return storage.createLog({ area: "state", name: `${name}.journal` }, Buffer.from(first), lock);
}

/** As on a standby that has our lock, and never heard of our log: its number is given to another's. */
async function takeOver(
  schema: string,
  first: string,
): Promise<{ readonly after: PostgresStorage; readonly log: Log }> {
  await server.query(
    `with log as (delete from ${schema}.entries where name = 'ours.journal' returning blob),
       lost as (delete from ${schema}.parts using log where parts.blob = log.blob)
     select setval('${schema}.blobs', blob, false) from log`,
  );
  const after = storageOn(schema);
  return { after, log: await logOf(after, "theirs", first) };
}

describe("a log whose number another log has after a failover", () => {
  test("writes nothing into that one", async () => {
    const schema = server.newSchema();
    const before = storageOn(schema);
    await before.prepare();
    const ours = await logOf(before, "ours", "first;");
    const { after, log: theirs } = await takeOver(schema, "other;");
    const appends = await Promise.all([
      codeRejected(ours.appendDurably(Buffer.from("ours;"))),
      theirs.appendDurably(Buffer.from("theirs;")),
    ]);
    expect([appends[0], await textAt(after, THEIRS)]).toEqual(["STORAGE", "other;theirs;"]);
  });

  test("does not take the other's row for its own, whose answer was lost", async () => {
    const schema = server.newSchema();
    let taken: ReturnType<typeof takeOver> | undefined;
    const onRetry = (): void => {
      taken ??= takeOver(schema, "other;").then(async (over) => {
        await over.log.appendDurably(Buffer.from("same;"));
        return over;
      });
    };
    const pool = new pg.Pool({ connectionString: server.url("postgres", proxy.port) });
    // It is let in again once the other server has taken over.
    const patient: PostgresPool = {
      options: pool.options,
      on: (event, listener) => pool.on(event, listener),
      end: () => pool.end(),
      connect: async () => (await taken, pool.connect()),
    };
    ends.push(() => pool.end());
    const before = storageOn(schema, { pool: patient, retry: { attempts: 8, delay: 1, random: () => 1, onRetry } });
    await before.prepare();
    const ours = await logOf(before, "ours", "first;");
    // What is told beside the change is told.
    await new Promise((resolve) => setTimeout(resolve, 120));
    proxy.cutNextAnswer();
    expect(await codeRejected(ours.appendDurably(Buffer.from("ours;")))).toBe("STORAGE");
    expect(await textAt((await taken)?.after ?? before, THEIRS)).toBe("other;same;");
  });
});

describe("an open conversation whose turn end the new primary lacks", () => {
  /** Two turns, of which the new primary has the first. */
  async function goneBack() {
    const schema = server.newSchema();
    const storage = storageOn(schema);
    const manager = createDraftStatePersistenceManager({ storage, metrics: false, autoSave: false });
    const warnings: string[] = [];
    manager.on("warning", ({ message }) => warnings.push(message));
    ends.push(() => manager.close().catch(() => undefined));
    const conversation = await manager.open("chat");
    await turn(conversation, "one ");
    await server.query(`create table ${schema}.kept as table ${schema}.entries`);
    await turn(conversation, "two ");
    await server.query(
      `delete from ${schema}.entries; delete from ${schema}.parts; insert into ${schema}.entries select * from ${schema}.kept`,
    );
    const reader = createDraftStatePersistenceManager({ storage: storageOn(schema), metrics: false });
    const found = async (): Promise<unknown> => [
      (await reader.loadState("chat"))?.currentNarrative,
      (await reader.verify()).problems,
    ];
    return { schema, manager, conversation, warnings, found };
  }

  async function turn(conversation: Conversation, text: string): Promise<void> {
    conversation.update((draft) => {
      draft.currentNarrative += text;
    });
    await conversation.endTurn();
  }

  test("is written whole again before it continues, and that is told", async () => {
    const { manager, conversation, warnings, found } = await goneBack();
    conversation.update((draft) => {
      draft.currentNarrative += "three";
    });
    await conversation.flush();
    expect(await found()).toEqual(["one two three", []]);
    expect(warnings.join()).toMatch(/took over; all of it is written anew/);
    await manager.close();
  });

  test("is written whole again when it closes", async () => {
    const { manager, warnings, found } = await goneBack();
    await manager.close();
    expect([await found(), warnings.length]).toEqual([["one two ", []], 1]);
  });

  test("is written whole over what it found there, which it did not write itself", async () => {
    const { schema, manager, conversation, found } = await goneBack();
    await server.query(`update ${schema}.entries set version = 'of another process' where name = 'chat.json'`);
    conversation.update((draft) => {
      draft.currentNarrative += "three";
    });
    await conversation.flush();
    expect(await found()).toEqual(["one two three", []]);
    await manager.close();
  });
});
