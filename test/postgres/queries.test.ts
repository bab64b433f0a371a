/** How many statements an operation takes: few, and as many in a store of many conversations as in one of few. */
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { DraftstateSaver } from "../../src/langgraph/index.js";
import { createPostgresStorage } from "../../src/storage/postgres/index.js";
import { answering } from "../doubles/answering.js";
import { PostgresServer } from "./server.js";

let server: PostgresServer;

beforeAll(() => {
  server = PostgresServer.shared();
});
afterAll(() => server.stop());

/** What tells of changes is sent beside them, a moment later: it belongs to none of the operations counted here. */
function tellsOfChanges(query: unknown): boolean {
  return JSON.stringify(query).includes("pg_notify");
}

async function storeOf(conversations: number) {
  const pool = new pg.Pool({ connectionString: server.url() });
  let statements = 0;
  pool.on("connect", (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown;
    const counting = (...given: unknown[]): unknown => {
      if (!tellsOfChanges(given[0])) statements += 1;
      return query(...given);
    };
    Object.assign(client, { query: counting });
  });
  const schema = server.newSchema();
  const storage = createPostgresStorage({ pool, schema });
  const manager = createDraftStatePersistenceManager({ storage, saveOnToken: true, metrics: false, autoSave: false });
  for (let index = 0; index < conversations; index += 1) await (await manager.open(`chat-${index}`)).close();
  // A save that took long on a busy machine looks as if it were edited later, and would be read as a whole.
  await server.query(
    `update ${schema}.entries set modified_at = (convert_from(bytes, 'UTF8')::jsonb -> '_metadata' ->> 'savedAt')::timestamptz
     where area = 'state' and name like '%.json'`,
  );
  const counted = async (act: () => Promise<unknown>): Promise<number> => {
    statements = 0;
    await act();
    return statements;
  };
  const close = async (): Promise<void> => {
    await manager.close();
    await storage.close();
    await pool.end();
  };
  return { manager, counted, close };
}

test("ls asks for the names, and once for the ends of all", async () => {
  const [few, many] = [await storeOf(2), await storeOf(50)];
  expect(await many.manager.list()).toHaveLength(50);
  expect(await few.counted(() => few.manager.list())).toBe(3);
  expect(await many.counted(() => many.manager.list())).toBe(3);
  await Promise.all([few.close(), many.close()]);
});

test("a batch of tokens is one statement", async () => {
  const { manager, counted, close } = await storeOf(1);
  const conversation = await manager.open("chat-0");
  answering(conversation);
  conversation.appendToken("first");
  await conversation.flush();
  const statements = await counted(async () => {
    for (let token = 0; token < 100; token += 1) conversation.appendToken(`${token};`);
    await conversation.flush();
  });
  expect(statements).toBe(1);
  await close();
});

test("a checkpoint of a new thread is a lock, two looks and a log; of an open one a statement, as are writes; reading it is none", async () => {
  const { manager, counted, close } = await storeOf(1);
  const saver = new DraftstateSaver({ manager });
  const put = (thread_id: string, step: number) => {
    const checkpoint = { ...emptyCheckpoint(), id: uuid6(step) };
    return saver.put({ configurable: { thread_id } }, checkpoint, { source: "loop", step, parents: {} }, {});
  };
  await put("first", 1);
  expect(await counted(() => put("second", 1))).toBe(4);
  const config = { configurable: { thread_id: "second" } };
  expect(await counted(() => put("second", 2))).toBe(1);
  const at = (await saver.getTuple(config))?.config ?? config;
  expect(await counted(() => saver.putWrites(at, [["a", 1]], "task"))).toBe(1);
  expect(await counted(() => saver.getTuple(config))).toBe(0);
  await saver.close();
  await close();
});
