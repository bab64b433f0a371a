/** The tables: made once by many that start at once, by whom they may be made, of which version; and what is never printed. */
import { inspect } from "node:util";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { createPostgresStorage, type PostgresStorage } from "../../src/storage/postgres/index.js";
import { textAt } from "../contracts/storage-contract.js";
import { codeRejected, codeThrown } from "../doubles/error-code.js";
import { PostgresServer } from "./server.js";

const DEEP = process.env["DRAFTSTATE_POSTGRES_DEPTH"] === "full";
const AT_ONCE = DEEP ? 50 : 12;
const KEY = { area: "state", name: "chat.json" } as const;

let server: PostgresServer;
const opened = new Set<PostgresStorage>();

beforeAll(async () => {
  server = await PostgresServer.start({ fsync: "off" });
  await server.query(
    "create role agent login; create role nobody_at_all login; revoke all on database postgres from public; grant connect on database postgres to agent, nobody_at_all",
  );
});
afterEach(async () => {
  for (const storage of opened) await storage.close();
  opened.clear();
});
afterAll(() => server.stop());

function storageFor(schema: string, user = "postgres"): PostgresStorage {
  const storage = server.storage({ schema, connectionString: server.url(user) });
  opened.add(storage);
  return storage;
}

/** What docs/postgres.md names as the least. */
async function grantLeast(schema: string): Promise<void> {
  await server.query(`grant usage on schema ${schema} to agent`);
  await server.query(`grant select, insert, update, delete on all tables in schema ${schema} to agent`);
  await server.query(`grant usage on all sequences in schema ${schema} to agent`);
}

test(`of ${AT_ONCE} that prepare at once all find the tables, and all can write`, async () => {
  const schema = server.newSchema();
  const storages = Array.from({ length: AT_ONCE }, () => storageFor(schema));
  await Promise.all(
    storages.map(async (storage, index) => {
      await storage.prepare();
      await storage.replace({ area: "state", name: `by-${index}` }, Buffer.from("x"));
    }),
  );
  expect(await storages[0]?.list("state")).toHaveLength(AT_ONCE);
});

describe("a newer version of the tables", () => {
  async function newer(): Promise<string> {
    const schema = server.newSchema();
    const storage = storageFor(schema);
    await storage.prepare();
    await storage.replace(KEY, Buffer.from("kept"));
    await server.query(`update ${schema}.store set version = 99`);
    return schema;
  }

  test("is refused with NEWER_VERSION, to read and to write, and left as it is", async () => {
    const schema = await newer();
    const storage = storageFor(schema);
    const calls = [
      () => storage.read(KEY),
      () => storage.list("state"),
      () => storage.prepare(),
      () => storage.exists(),
      () => storage.replace(KEY, Buffer.from("x")),
      () => storage.tryLock("chat", new Date()),
      () => storage.lockHolder("chat"),
    ];
    for (const call of calls) expect(await codeRejected(call())).toBe("NEWER_VERSION");
    const rows = await server.query(`select convert_from(bytes, 'UTF8') as text from ${schema}.entries`);
    expect(rows).toEqual([{ text: "kept" }]);
  });

  test("is refused to a manager, and to one that looked before it came", async () => {
    const schema = server.newSchema();
    const manager = createDraftStatePersistenceManager({ storage: storageFor(schema), metrics: false });
    await manager.saveState("chat", { messages: [] });
    await server.query(`update ${schema}.store set version = 99`);
    expect(await codeRejected(manager.open("another"))).toBe("NEWER_VERSION");
    await manager.close();
  });
});

describe("a role that cannot create", () => {
  test("works in tables that are there, with the privileges that the docs name", async () => {
    const schema = server.newSchema();
    await storageFor(schema).prepare();
    await grantLeast(schema);
    const manager = createDraftStatePersistenceManager({ storage: storageFor(schema, "agent") });
    await manager.saveState("chat", {
      messages: [{ id: "1", role: "user", content: "Hello", createdAt: new Date().toISOString() }],
    });
    await manager.backup("chat");
    await manager.remove("chat");
    expect((await manager.undo()).conversationIds).toEqual(["chat"]);
    expect((await manager.verify()).problems).toEqual([]);
    expect((await manager.health()).status).toBe("ok");
    await manager.close();
  });

  test("is told that it may not make them", async () => {
    const storage = storageFor(server.newSchema(), "agent");
    expect(await storage.prepare().catch(String)).toMatch(/lacks a privilege.*42501/);
  });

  test("that may not even look is told so, and never that there is nothing", async () => {
    const schema = server.newSchema();
    await storageFor(schema).prepare();
    const storage = storageFor(schema, "nobody_at_all");
    expect(await codeRejected(storage.list("state"))).toBe("STORAGE");
    expect(await codeRejected(storage.read(KEY))).toBe("STORAGE");
  });
});

describe("what createPostgresStorage is given", () => {
  test.each(["Capital", "pg_mine", "with space", 'quote"', "", "x".repeat(64), "1st"])(
    "schema %j is refused",
    (schema) => {
      expect(codeThrown(() => createPostgresStorage({ connectionString: server.url(), schema }))).toBe(
        "INVALID_CONFIG",
      );
    },
  );

  test.each([
    undefined,
    "",
    "mysql://user:s3cret@host/db",
    "postgres://user:s3cret@ho st:port/db",
    "postgres://u:s3cret@h:99999999/db",
  ])("connection string %j is refused without being repeated", (connectionString) => {
    try {
      createPostgresStorage(connectionString === undefined ? {} : { connectionString });
      expect.unreachable();
    } catch (error) {
      expect([inspect(error).includes("s3cret"), (error as { code?: string }).code]).toEqual([false, "INVALID_CONFIG"]);
    }
  });

  test.each([
    "postgresql://agent:s3cret@one,two/agents",
    "postgresql://one:5432,two:5433/agents?target_session_attrs=read-write",
    "postgresql://agent:s3cret@one/agents?sslmode=disable&host=one,two",
  ])("several hosts, as in %j, are refused with what to name instead", (connectionString) => {
    try {
      createPostgresStorage({ connectionString });
      expect.unreachable();
    } catch (error) {
      expect(inspect(error)).toMatch(/several hosts: give the one address that always leads to the primary/);
      expect([inspect(error).includes("s3cret"), (error as { code?: string }).code]).toEqual([false, "INVALID_CONFIG"]);
    }
  });

  test("a password with a comma is not several hosts", async () => {
    const storage = createPostgresStorage({ connectionString: "postgresql://agent:a,b@one:5432/agents" });
    opened.add(storage);
    expect(storage.identity).toBe("postgresql://one:5432/agents/draftstate");
  });

  test("a pool of the caller's own is used, and stays open", async () => {
    const pool = new pg.Pool({ connectionString: server.url() });
    const storage = createPostgresStorage({ pool, schema: server.newSchema() });
    await storage.prepare();
    await storage.tryLock("chat", new Date());
    await storage.replace(KEY, Buffer.from("x"));
    expect(await textAt(storage, KEY)).toBe("x");
    await storage.close();
    expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    expect(pool.totalCount).toBe(pool.idleCount);
    await pool.end();
  });

  test("a pool that is too small is refused before it hangs", () => {
    const pool = new pg.Pool({ connectionString: server.url(), max: 2 });
    expect(codeThrown(() => createPostgresStorage({ pool }))).toBe("INVALID_CONFIG");
  });

  test("the identity has host, port, database and schema, and no password; nor has what is printed", async () => {
    const storage = createPostgresStorage({ connectionString: server.url("postgres:s3cret"), schema: "mine" });
    opened.add(storage);
    expect(storage.identity).toBe(`postgresql://127.0.0.1:${server.port}/postgres/mine`);
    expect(storage.describe(KEY)).toBe(`${storage.identity}/state/chat.json`);
    expect(inspect(storage, { depth: 20, showHidden: false })).not.toContain("s3cret");
  });

  test("a refused password is told without it", async () => {
    await server.query("create role locked_out nologin");
    const storage = createPostgresStorage({ connectionString: server.url("locked_out:s3cret"), schema: "mine" });
    opened.add(storage);
    const refused: unknown = await storage.list("state").catch((error: unknown) => error);
    expect([inspect(refused, { depth: 20 }).includes("s3cret"), (refused as { code?: string }).code]).toEqual([
      false,
      "STORAGE",
    ]);
  });
});
