/** Appends of many logs share statements, and nothing else: each has its own guard, its own place and its own outcome. */
import { setImmediate as endOfTurn } from "node:timers/promises";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createPostgresStorage, type PostgresStorage } from "../../src/storage/postgres/index.js";
import type { Key, Log } from "../../src/storage/storage.js";
import { acquired, textAt } from "../contracts/storage-contract.js";
import { CuttingProxy } from "./cutting-proxy.js";
import { takeLockAway } from "./lose-lock.js";
import { PostgresServer } from "./server.js";

const MANY = 30;

let server: PostgresServer;
let proxy: CuttingProxy;
let statements: string[];
let schema: string;
let storage: PostgresStorage;
const ends: (() => Promise<unknown>)[] = [];

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

async function open(url = server.url()): Promise<void> {
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => undefined);
  pool.on("connect", (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown;
    const noting = (...given: unknown[]): unknown => {
      statements.push((given[0] as pg.QueryConfig).text);
      return query(...given);
    };
    Object.assign(client, { query: noting });
  });
  schema = server.newSchema();
  statements = [];
  storage = createPostgresStorage({ pool, schema });
  ends.push(
    () => pool.end(),
    () => storage.close(),
  );
  await storage.prepare();
}

const keyOf = (name: string): Key => ({ area: "state", name: `${name}.journal` });
const bytesOf = (text: string): Uint8Array => Buffer.from(text);

async function logOf(name: string): Promise<Log> {
  return storage.createLog(keyOf(name), bytesOf("first;"), acquired(await storage.tryLock(name, new Date(0))));
}

async function logsOf(count: number): Promise<Log[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => logOf(`chat-${index}`)));
}

const inserts = (): string[] => statements.filter((text) => /insert into "\w+"."parts"/.test(text));
const texts = (count: number): Promise<(string | undefined)[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => textAt(storage, keyOf(`chat-${index}`))));
const codeOf = (outcome: PromiseSettledResult<void>): unknown =>
  outcome.status === "fulfilled" ? "written" : (outcome.reason as { code?: unknown }).code;

describe("appends of many logs at once", () => {
  test(`are one statement for ${MANY} logs, also for those that its answer wakes, and each is in its own log`, async () => {
    await open();
    const logs = await logsOf(MANY);
    statements.length = 0;
    await Promise.all(
      logs.map(async (log, index) => {
        await log.appendDurably(bytesOf(`${index};`));
        await log.appendDurably(bytesOf("more;"));
      }),
    );
    expect(await texts(MANY)).toEqual(logs.map((_, index) => `first;${index};more;`));
    expect(inserts().length).toBe(2);
  });

  test("are one statement for what waited and for what the answer before it wakes", async () => {
    await open();
    const [first, second] = [await logOf("chat-0"), await logOf("chat-1")];
    statements.length = 0;
    const woken = first.appendDurably(bytesOf("a;")).then(() => first.appendDurably(bytesOf("b;")));
    while (inserts().length === 0) await endOfTurn();
    await Promise.all([woken, second.appendDurably(bytesOf("c;"))]);
    expect([inserts().length, await texts(2)]).toEqual([2, ["first;a;b;", "first;c;"]]);
  });

  test("do not wait for long for one whose lock is being changed", { timeout: 15_000 }, async () => {
    await open();
    const [held, free] = [await logOf("chat-0"), await logOf("chat-1")];
    const other = await server.client();
    ends.push(() => other.end());
    await other.query(`begin; select 1 from ${schema}.locks where name = 'chat-0' for update`);
    let isHeld = true;
    const waiting = held.appendDurably(bytesOf("a;")).then(() => isHeld);
    while (inserts().length === 0) await endOfTurn();
    await free.appendDurably(bytesOf("b;"));
    await free.appendDurably(bytesOf("c;"));
    isHeld = false;
    await other.query("rollback");
    expect([await waiting, await texts(2)]).toEqual([false, ["first;a;", "first;b;c;"]]);
  });

  test("keep back the one whose lock was lost, and no other", async () => {
    await open();
    const logs = await logsOf(MANY);
    ends.push(await takeLockAway(server, schema, "chat-20"));
    const outcomes = await Promise.allSettled(logs.map((log) => log.appendDurably(bytesOf("x;"))));
    expect(outcomes.map(codeOf)).toEqual(logs.map((_, index) => (index === 20 ? "LOCKED" : "written")));
    expect(await texts(MANY)).toEqual(logs.map((_, index) => (index === 20 ? "first;" : "first;x;")));
  });

  test("reject the one that the server refuses, and no other", async () => {
    await open();
    const logs = await logsOf(MANY);
    await server.query(`alter table ${schema}.parts add check (bytes <> 'refused')`);
    const outcomes = await Promise.allSettled(
      logs.map((log, index) => log.append(bytesOf(index === 20 ? "refused" : "x;"))),
    );
    expect(outcomes.map(codeOf)).toEqual(logs.map((_, index) => (index === 20 ? "STORAGE" : "written")));
    expect(await texts(MANY)).toEqual(logs.map((_, index) => (index === 20 ? "first;" : "first;x;")));
  });

  test("are there once where the connections are cut instead of an answer", async () => {
    await open(server.url("postgres", proxy.port));
    const logs = await logsOf(MANY);
    await new Promise((quiet) => setTimeout(quiet, 120));
    proxy.cutNextAnswer();
    await Promise.all(logs.map((log) => log.appendDurably(bytesOf("x;"))));
    await Promise.all(logs.map((log) => log.append(bytesOf("y;"))));
    expect([proxy.cuts, await texts(MANY)]).toEqual([1, logs.map(() => "first;x;y;")]);
  });

  test("of one log are there in their order, small and large", async () => {
    await open();
    const log = await logOf("chat-0");
    const parts = ["a;", "b".repeat(100_000), "c;", "", "d;"];
    await Promise.all(
      parts.map((part, index) => (index % 2 === 0 ? log.append(bytesOf(part)) : log.appendDurably(bytesOf(part)))),
    );
    expect(await texts(1)).toEqual([`first;${parts.join("")}`]);
  });
});

describe("an append behind what is not there", () => {
  test("is never acknowledged: the server lost the row before it, which nothing had waited for", async () => {
    await open();
    const log = await logOf("chat-0");
    await log.append(bytesOf("lost;"));
    // As a crash of the server does to what no commit waited for.
    await server.query(`delete from ${schema}.parts`);
    await expect(log.appendDurably(bytesOf("behind;"))).rejects.toMatchObject({ code: "STORAGE" });
    await expect(log.append(bytesOf("more;"))).rejects.toMatchObject({ code: "STORAGE" });
    expect(await texts(1)).toEqual(["first;"]);
  });

  test.each([
    ["replaced", (key: Key) => storage.createLog(key, bytesOf("second;")), "second;"],
    ["removed", (key: Key) => storage.remove(key), undefined],
  ])("is never acknowledged: the log was %s", async (_what, act, left) => {
    await open();
    const guarded = await logOf("chat-0");
    const free = await storage.createLog(keyOf("chat-1"), bytesOf("first;"));
    await guarded.append(bytesOf("x;"));
    for (const [index, log] of [guarded, free].entries()) {
      await act(keyOf(`chat-${index}`));
      await expect(log.appendDurably(bytesOf("late;"))).rejects.toMatchObject({ code: "STORAGE" });
    }
    expect(await texts(2)).toEqual([left, left]);
    expect(await server.query(`select convert_from(bytes, 'UTF8') as late from ${schema}.parts`)).toEqual([]);
  });
});
