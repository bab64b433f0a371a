/**
 * A connection that is cut after n bytes, n swept over a workload of every kind of change: each call gives what it would have
 * given, nothing is lost and nothing is applied twice. `DRAFTSTATE_POSTGRES_DEPTH=full` takes a cut at every few bytes.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresStorage } from "../../src/storage/postgres/index.js";
import type { Key } from "../../src/storage/storage.js";
import { acquired, textAt } from "../contracts/storage-contract.js";
import { CuttingProxy } from "./cutting-proxy.js";
import { PostgresServer } from "./server.js";

const DEEP = process.env["DRAFTSTATE_POSTGRES_DEPTH"] === "full";
const POINTS = DEEP ? 1500 : 16;

let server: PostgresServer;
let proxy: CuttingProxy;

beforeAll(async () => {
  server = PostgresServer.shared();
  proxy = await CuttingProxy.start(server.port);
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});

const STATE: Key = { area: "state", name: "chat.json" };
const LOG: Key = { area: "state", name: "chat.journal" };
const BACKUP: Key = { area: "backup", name: "chat_1.json" };
const TRASH: Key = { area: "trash", name: "chat_1.json" };
const bytesOf = (text: string): Uint8Array => Buffer.from(text);

/** What every call gave, and what is there at the end. */
async function work(storage: PostgresStorage): Promise<unknown> {
  const given: unknown[] = [];
  await storage.prepare();
  const lock = acquired(await storage.tryLock("chat", new Date(0)));
  const log = await storage.createLog(LOG, bytesOf("first;"), lock);
  for (let batch = 0; batch < 5; batch += 1) {
    await log.appendDurably(bytesOf(`strict ${batch};`));
    await log.append(bytesOf(`relaxed ${batch};`));
  }
  await storage.replace(STATE, bytesOf("one"), lock);
  given.push(await storage.create(BACKUP, bytesOf("backup"), lock));
  given.push(await storage.create(BACKUP, bytesOf("another"), lock));
  given.push(await storage.move(BACKUP, TRASH, lock));
  given.push(await storage.move(BACKUP, TRASH, lock));
  await storage.replace(STATE, bytesOf("two"));
  given.push(await storage.remove(TRASH, lock), await storage.remove(TRASH, lock));
  await storage.replace(BACKUP, new Uint8Array(2_100_000).fill(7), lock);
  given.push((await storage.read(BACKUP))?.length);
  await log.appendDurably(bytesOf("last"));
  await log.close();
  await lock.assertHeld();
  await lock.release();
  given.push(await textAt(storage, STATE), await textAt(storage, LOG));
  for (const area of ["state", "backup", "trash"] as const) given.push(await storage.list(area));
  return given;
}

async function cutAfter(bytes: number): Promise<{ readonly result: unknown; readonly left: unknown }> {
  const schema = server.newSchema();
  proxy.cutAfter(bytes);
  const storage = server.storage({ connectionString: server.url("postgres", proxy.port), schema });
  const result = await work(storage).catch((error: unknown) => error);
  await storage.close();
  const [left] = await server.query(
    `select (select count(*)::int from ${schema}.parts p where not exists (select 1 from ${schema}.entries e where e.blob = p.blob)) as orphans,
       (select count(*)::int from ${schema}.staged) as staged, (select count(*)::int from ${schema}.locks) as locks,
       (select count(*)::int from ${schema}.outcomes) as outcomes`,
  );
  await server.query(`drop schema ${schema} cascade`);
  return { result, left };
}

describe("an answer that is cut off", () => {
  /** Long enough for all that is told beside a change to be told. */
  const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 120));

  async function opened() {
    const schema = server.newSchema();
    const storage = server.storage({ connectionString: server.url("postgres", proxy.port), schema });
    await storage.prepare();
    const lock = acquired(await storage.tryLock("chat", new Date(0)));
    const log = await storage.createLog(LOG, bytesOf("first;"), lock);
    await storage.replace(STATE, bytesOf("old"), lock);
    return { schema, storage, lock, log };
  }
  type Opened = Awaited<ReturnType<typeof opened>>;

  test.each<[string, (on: Opened) => Promise<unknown>, unknown, (on: Opened) => Promise<unknown>, unknown]>([
    ["append", ({ log }) => log.append(bytesOf("x;")), undefined, ({ storage }) => textAt(storage, LOG), "first;x;"],
    [
      "appendDurably",
      ({ log }) => log.appendDurably(bytesOf("x;")),
      undefined,
      ({ storage }) => textAt(storage, LOG),
      "first;x;",
    ],
    [
      "replace",
      ({ storage, lock }) => storage.replace(STATE, bytesOf("new"), lock),
      undefined,
      ({ storage }) => textAt(storage, STATE),
      "new",
    ],
    [
      "create",
      ({ storage, lock }) => storage.create(BACKUP, bytesOf("new"), lock),
      true,
      ({ storage }) => textAt(storage, BACKUP),
      "new",
    ],
    [
      "move",
      ({ storage, lock }) => storage.move(STATE, TRASH, lock),
      true,
      ({ storage }) => textAt(storage, TRASH),
      "old",
    ],
    [
      "remove",
      ({ storage, lock }) => storage.remove(STATE, lock),
      true,
      ({ storage }) => textAt(storage, STATE),
      undefined,
    ],
    [
      "createLog",
      async ({ storage, lock }) => (await storage.createLog(LOG, bytesOf("second;"), lock)).append(bytesOf("y;")),
      undefined,
      ({ storage }) => textAt(storage, LOG),
      "second;y;",
    ],
    [
      "tryLock",
      async ({ storage }) => (await storage.tryLock("other", new Date(0))).acquired,
      true,
      async ({ storage }) => (await storage.locks()).map(({ name }) => name),
      ["chat", "other"],
    ],
    ["release", ({ lock }) => lock.release(), undefined, ({ storage }) => storage.locks(), []],
    ["assertHeld", ({ lock }) => lock.assertHeld(), undefined, ({ storage }) => textAt(storage, STATE), "old"],
  ])("of %s changes nothing of what it gives and what comes of it", async (_call, act, gives, look, found) => {
    const on = await opened();
    await quiet();
    proxy.cutNextAnswer();
    expect([await act(on), proxy.cuts]).toEqual([gives, 1]);
    await on.storage.settle();
    expect(await look(on)).toEqual(found);
    await on.storage.close();
  });
});

describe("a connection that is cut", { timeout: 3_000_000 }, () => {
  test(`at any of ${POINTS} points of a workload changes nothing of what comes of it`, async () => {
    const { result: expected, left: nothing } = await cutAfter(Infinity);
    expect(nothing).toEqual({ orphans: 0, staged: 0, locks: 0, outcomes: 0 });
    const batches = Array.from({ length: 5 }, (_, batch) => `strict ${batch};relaxed ${batch};`).join("");
    expect(expected).toEqual([
      ...[true, false, true, false, true, false, 2_100_000, "two", `first;${batches}last`],
      ...[["chat.journal", "chat.json"], ["chat_1.json"], []],
    ]);
    const total = proxy.passed;
    // The megabytes of one value are one statement after another of the same kind: few cuts there.
    const points = Array.from({ length: POINTS }, (_, index) => Math.floor((index * total) / POINTS));
    const early = Array.from({ length: POINTS }, (_, index) => Math.floor((index * 60_000) / POINTS));
    for (const bytes of [...early, ...points.filter((_, index) => index % 8 === 0)]) {
      const { result, left } = await cutAfter(bytes);
      expect([bytes, result, left, proxy.cuts]).toEqual([bytes, expected, nothing, 1]);
    }
  });
});
