/**
 * A standby without the last changes takes over, under storages that were at the old primary: what it hands out again, and what it
 * lacks, is never taken for the same. Here its tables are set back by hand; `standby.deep.ts` lets a real one take over.
 */
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { PostgresPool, PostgresStorage, PostgresStorageOptions } from "../../src/storage/postgres/index.js";
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
