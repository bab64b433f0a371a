/** What is durable when: told by how far the server's write-ahead log has been flushed, with a WAL writer that sleeps. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresStorage } from "../../src/storage/postgres/index.js";
import type { Key, Lock, Log } from "../../src/storage/storage.js";
import { acquired, textAt } from "../contracts/storage-contract.js";
import { PostgresServer } from "./server.js";

const KEY: Key = { area: "state", name: "chat.json" };
const LOG: Key = { area: "state", name: "chat.journal" };
const bytesOf = (text: string): Uint8Array => Buffer.from(text);

let server: PostgresServer;
let storage: PostgresStorage;

beforeAll(async () => {
  server = await PostgresServer.start({ synchronous_commit: "off", wal_writer_delay: "10s", autovacuum: "off" });
  storage = server.storage();
  await storage.prepare();
});
afterAll(async () => {
  await storage.close();
  await server.stop();
});

/** Commits something that no commit waits for; tells whether it is durable: then all that was committed after it and waited is. */
async function unflushed(): Promise<() => Promise<boolean>> {
  await server.query("create table if not exists unflushed (x int)");
  await server.query("insert into unflushed values (1)");
  const [row] = await server.query<{ lsn: string }>("select pg_current_wal_insert_lsn()::text as lsn");
  return async () => {
    const found = await server.query<{ flushed: boolean }>(
      "select pg_current_wal_flush_lsn() >= $1::pg_lsn as flushed",
      [row?.lsn],
    );
    return found[0]?.flushed === true;
  };
}

describe("whatever the server's default for synchronous_commit is", () => {
  test.each<[string, (storage: PostgresStorage) => Promise<unknown>]>([
    ["replace", (storage) => storage.replace(KEY, bytesOf("x"))],
    ["create", (storage) => storage.create({ area: "backup", name: String(Math.random()) }, bytesOf("x"))],
    ["a large replace", (storage) => storage.replace(KEY, new Uint8Array(3_000_000))],
    ["move", async (storage) => storage.move({ area: "state", name: "moving" }, { area: "trash", name: "moved" })],
    ["createLog", (storage) => storage.createLog(LOG, bytesOf("x"))],
    ["settle", (storage) => storage.settle()],
    ["probe", (storage) => storage.probe()],
  ])("%s is durable when it resolves", async (_call, act) => {
    await storage.replace({ area: "state", name: "moving" }, bytesOf("x"));
    const isFlushed = await unflushed();
    await act(storage);
    expect(await isFlushed()).toBe(true);
  });

  test("a durable append is, a relaxed one is not until sync", async () => {
    const lock = acquired(await storage.tryLock("appends", new Date(0)));
    const log = await storage.createLog(LOG, bytesOf("x"), lock);
    let isFlushed = await unflushed();
    await log.append(bytesOf("relaxed"));
    expect(await isFlushed()).toBe(false);
    await log.sync();
    expect(await isFlushed()).toBe(true);
    isFlushed = await unflushed();
    await log.append(bytesOf("relaxed"));
    await log.appendDurably(bytesOf("strict"));
    expect(await isFlushed()).toBe(true);
    await log.close();
  });

  test("what was appended durably needs no commit to be synced", async () => {
    const lock = acquired(await storage.tryLock("nothing to sync", new Date(0)));
    const log = await storage.createLog(LOG, bytesOf("x"), lock);
    await log.appendDurably(bytesOf("strict"));
    const isFlushed = await unflushed();
    await log.sync();
    expect(await isFlushed()).toBe(false);
    await log.close();
  });

  test("a removal is not until its area is settled", async () => {
    await storage.replace(KEY, bytesOf("x"));
    const isFlushed = await unflushed();
    await storage.remove(KEY);
    expect(await isFlushed()).toBe(false);
    await storage.settle();
    expect(await isFlushed()).toBe(true);
  });
});

describe("a crash of the server takes what no commit waited for", () => {
  const logOf = async (name: string): Promise<{ readonly key: Key; readonly log: Log }> => {
    const key = { area: "state", name } as const;
    const lock = acquired(await storage.tryLock(name, new Date(0)));
    return { key, log: await storage.createLog(key, bytesOf("first;"), lock) };
  };
  let relaxed: Awaited<ReturnType<typeof logOf>>;
  let strict: Awaited<ReturnType<typeof logOf>>;
  let unused: Lock;

  beforeAll(async () => {
    [strict, relaxed] = [await logOf("strict"), await logOf("relaxed")];
    await storage.replace(KEY, bytesOf("before"));
    await relaxed.log.append(bytesOf("lost;"));
    unused = acquired(await storage.tryLock("unused", new Date(0)));
    await server.crash();
    await server.begin();
  });

  test("sync tells of an append that was lost", async () => {
    await expect(relaxed.log.sync()).rejects.toMatchObject({ code: "STORAGE" });
    expect(await textAt(storage, relaxed.key)).toBe("first;");
  });

  test("a lock under which nothing durable was written may be lost: its holder is told, and it is free", async () => {
    await expect(storage.replace(KEY, bytesOf("after"), unused)).rejects.toMatchObject({ code: "LOCKED" });
    expect(await textAt(storage, KEY)).toBe("before");
    const again = acquired(await storage.tryLock("unused", new Date(0)));
    await storage.replace(KEY, bytesOf("after"), again);
    expect(await textAt(storage, KEY)).toBe("after");
  });

  test("a lock under which something durable was written is held on", async () => {
    await strict.log.appendDurably(bytesOf("second;"));
    expect(await textAt(storage, strict.key)).toBe("first;second;");
  });
});
