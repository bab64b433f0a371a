/** The server's clock jumps: what lives is told by connections and by what is there, so that no jump makes a change twice or takes one away. */
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { PostgresPool, PostgresStorage } from "../../src/storage/postgres/index.js";
import type { Key } from "../../src/storage/storage.js";
import { acquired, textAt } from "../contracts/storage-contract.js";
import { codeRejected } from "../doubles/error-code.js";
import { CuttingProxy } from "./cutting-proxy.js";
import { PostgresServer } from "./server.js";

const KEY: Key = { area: "state", name: "chat.json" };

let server: PostgresServer;
let proxy: CuttingProxy;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = PostgresServer.shared();
  proxy = await CuttingProxy.start(server.port);
});
afterEach(async () => {
  vi.useRealTimers();
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});

function storageOn(schema: string, options: Parameters<PostgresServer["storage"]>[0] = {}): PostgresStorage {
  const storage = server.storage({ schema, ...options });
  ends.push(() => storage.close());
  return storage;
}

/** To what is there it is as if the clock went forward. */
async function age(schema: string, days: number): Promise<void> {
  for (const table of ["outcomes", "staged"])
    await server.query(`update ${schema}.${table} set at = at - make_interval(days => $1)`, [days]);
}

/** Another process starts then, and clears away what is old. */
async function jump(schema: string, days: number): Promise<PostgresStorage> {
  await age(schema, days);
  const other = storageOn(schema);
  await other.prepare();
  return other;
}

const count = async (schema: string, table: string): Promise<unknown> =>
  (await server.query(`select count(*)::int as count from ${schema}.${table}`))[0];

test.each([
  [8, "STORAGE"],
  [-1, "it resolved"],
  [1, "it resolved"],
])("a change whose answer was lost is not made again after a jump of %d days", async (days, outcome) => {
  const schema = server.newSchema();
  let jumped: Promise<void> | undefined;
  const onRetry = (): void => {
    jumped ??= jump(schema, days).then((other) => other.replace(KEY, Buffer.from("theirs")));
  };
  const pool = new pg.Pool({ connectionString: server.url("postgres", proxy.port) });
  ends.push(() => pool.end());
  const patient: PostgresPool = {
    options: pool.options,
    on: (event, listener) => pool.on(event, listener),
    end: () => pool.end(),
    connect: async () => (await jumped, pool.connect()),
  };
  const storage = storageOn(schema, { pool: patient, retry: { attempts: 8, delay: 1, random: () => 1, onRetry } });
  await storage.prepare();
  await storage.replace(KEY, Buffer.from("before"));
  // What is told beside the change is told.
  await new Promise((resolve) => setTimeout(resolve, 120));
  proxy.cutNextAnswer();
  expect(await codeRejected(storage.replace(KEY, Buffer.from("ours")))).toBe(outcome);
  expect(await textAt(storage, KEY)).toBe("theirs");
  await storage.replace(KEY, Buffer.from("after"));
  expect(await textAt(storage, KEY)).toBe("after");
});

test("a large content of a live writer is not cleared away in the middle", async () => {
  const schema = server.newSchema();
  const storage = storageOn(schema);
  await storage.prepare();
  const lock = acquired(await storage.tryLock("chat", new Date(0)));
  const part = new Uint8Array(1024 * 1024).fill(7);
  await storage.replace(
    KEY,
    (async function* () {
      yield part;
      yield part;
      await jump(schema, 8);
      yield part;
    })(),
    lock,
  );
  expect((await storage.read(KEY))?.length).toBe(3 * part.length);
});

test("what dead processes left goes after a week, and nothing of those that live", async () => {
  const schema = server.newSchema();
  const [dead, live] = [server.storage({ schema }), storageOn(schema)];
  await dead.prepare();
  await dead.replace(KEY, Buffer.from("x"));
  await server.query(`insert into ${schema}.staged (op, blob, writer, place) values ('s', 1, 'chat', 'somewhere')`);
  await age(schema, 8);
  await live.replace(KEY, Buffer.from("x"));
  expect([await count(schema, "outcomes"), await count(schema, "staged")]).toEqual([{ count: 4 }, { count: 1 }]);
  await storageOn(schema).prepare();
  expect([await count(schema, "outcomes"), await count(schema, "staged")]).toEqual([{ count: 2 }, { count: 0 }]);
  await live.close();
  expect(await count(schema, "outcomes")).toEqual({ count: 0 });
  await dead.close();
});

test("a storage that wrote nothing for a week tells what becomes of its next change, whoever cleared its notes away", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const schema = server.newSchema();
  const pool = new pg.Pool({ connectionString: server.url("postgres", proxy.port) });
  pool.on("error", () => undefined);
  ends.push(() => pool.end());
  let isCut = true;
  pool.on("connect", (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown;
    const cutting = (...given: unknown[]): unknown => {
      // Before the server hears of it.
      if (!isCut && JSON.stringify(given[0]).includes("excluded.size")) proxy.cutNow();
      isCut ||= JSON.stringify(given[0]).includes("excluded.size");
      return query(...given);
    };
    Object.assign(client, { query: cutting });
  });
  const storage = storageOn(schema, { pool });
  await storage.prepare();
  await storage.replace(KEY, Buffer.from("before"));
  vi.setSystemTime(Date.now() + 8 * 24 * 60 * 60 * 1000);
  await jump(schema, 8);
  isCut = false;
  await storage.replace(KEY, Buffer.from("after"));
  expect(await textAt(storage, KEY)).toBe("after");
});
