/**
 * LangGraph's threads and namespaces when a standby without the last changes takes over: its tables are set back by hand, as in
 * `failover.test.ts`. What the new primary lacks may be gone; nothing is acknowledged on top of a gap.
 */
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { DraftstateSaver, DraftstateStore } from "../../src/langgraph/index.js";
import type { PostgresStorage } from "../../src/storage/postgres/index.js";
import { codeRejected } from "../doubles/error-code.js";
import { PostgresServer } from "./server.js";

let server: PostgresServer;
const ends: (() => Promise<void>)[] = [];

beforeAll(() => {
  server = PostgresServer.shared();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end().catch(() => undefined);
});
afterAll(() => server.stop());

function managerOn(schema: string) {
  const storage = server.storage({ schema });
  const manager = createDraftStatePersistenceManager({ storage, metrics: false });
  const warnings: string[] = [];
  manager.on("warning", ({ message }) => warnings.push(message));
  ends.push(
    () => storage.close(),
    () => manager.close(),
  );
  return { storage, manager, warnings };
}

const TABLES = ["entries", "parts"];

/** What the standby has. */
async function keep(schema: string): Promise<void> {
  for (const table of TABLES) await server.query(`create table ${schema}.kept_${table} as table ${schema}.${table}`);
}

async function takeOver(schema: string): Promise<void> {
  await server.query(
    TABLES.map(
      (table) =>
        `delete from ${schema}.${table}; insert into ${schema}.${table} select * from ${schema}.kept_${table};`,
    ).join(""),
  );
}

/** In the middle of a write: between what was read and the log that is begun on it. */
function takeOverBeforeLog(storage: PostgresStorage, schema: string): void {
  const createLog = storage.createLog.bind(storage);
  let isFirst = true;
  storage.createLog = async (...given) => {
    if (isFirst) await takeOver(schema);
    isFirst = false;
    return createLog(...given);
  };
}

/** Behind a snapshot that was written, before it is looked at. */
function takeOverBehindSnapshot(storage: PostgresStorage, schema: string): void {
  const replace = storage.replace.bind(storage);
  let isFirst = true;
  storage.replace = async (...given) => {
    await replace(...given);
    if (isFirst) await takeOver(schema);
    isFirst = false;
  };
}

describe("a thread whose last checkpoint the new primary lacks", () => {
  type Values = Readonly<Record<string, string>>;

  /** Each step writes one channel; its checkpoint holds all that were written before. */
  function threadOn(schema: string) {
    const { storage, manager, warnings } = managerOn(schema);
    const saver = new DraftstateSaver({ manager });
    ends.push(() => saver.close());
    const put = async (step: number, values: Values, written: string, parent?: number): Promise<void> => {
      const checkpoint = {
        ...emptyCheckpoint(),
        id: idOf(step),
        channel_values: { ...values },
        channel_versions: Object.fromEntries(Object.keys(values).map((name) => [name, Number(values[name])])),
      };
      const config = {
        configurable: {
          thread_id: "t",
          checkpoint_ns: "",
          ...(parent === undefined ? {} : { checkpoint_id: idOf(parent) }),
        },
      };
      await saver.put(
        config,
        checkpoint,
        { source: "loop", step, parents: {} },
        { [written]: Number(values[written]) },
      );
    };
    return { storage, saver, warnings, put };
  }

  const ids = new Map<number, string>();
  function idOf(step: number): string {
    const id = ids.get(step) ?? uuid6(step);
    ids.set(step, id);
    return id;
  }

  async function found(schema: string): Promise<unknown> {
    const { manager } = managerOn(schema);
    const saver = new DraftstateSaver({ manager });
    ends.push(() => saver.close());
    const values: unknown[] = [];
    for await (const { checkpoint } of saver.list({ configurable: { thread_id: "t" } }))
      values.push(checkpoint.channel_values);
    return [values, (await manager.verify()).problems];
  }

  test("rejects the next while it is open, and goes on from what is there", async () => {
    const schema = server.newSchema();
    const { put } = threadOn(schema);
    await put(1, { a: "1" }, "a");
    await keep(schema);
    await put(2, { a: "1", b: "2" }, "b", 1);
    await takeOver(schema);
    expect(await codeRejected(put(3, { a: "1", b: "2", c: "3" }, "c", 2))).toBe("STORAGE");
    expect(await found(schema)).toEqual([[{ a: "1" }], []]);
    await put(4, { a: "1", d: "4" }, "d", 1);
    expect(await found(schema)).toEqual([[{ a: "1", d: "4" }, { a: "1" }], []]);
  });

  test("keeps none that continues it, whose other values are gone with it", async () => {
    const schema = server.newSchema();
    const { put } = threadOn(schema);
    await put(1, { a: "1" }, "a");
    await keep(schema);
    await put(2, { a: "1", b: "2" }, "b", 1);
    await takeOver(schema);
    for (const step of [3, 4])
      expect(await codeRejected(put(step, { a: "1", b: "2", c: "3" }, "c", 2))).toBe("STORAGE");
    expect(await found(schema)).toEqual([[{ a: "1" }], []]);
  });

  test("begins no file on one that lacks its end", async () => {
    const schema = server.newSchema();
    const before = threadOn(schema);
    // Another file continues one that is as large.
    const large = "1".padEnd(70_000);
    await before.put(1, { a: large }, "a");
    await keep(schema);
    await before.put(2, { a: large, b: "2" }, "b", 1);
    for (const end of ends.splice(0).reverse()) await end();
    const { storage, put } = threadOn(schema);
    takeOverBeforeLog(storage, schema);
    expect(await codeRejected(put(3, { a: large, b: "2", c: "3" }, "c", 2))).toBe("STORAGE");
    expect(await found(schema)).toEqual([[{ a: large }], []]);
  });

  test("of which it never heard begins anew", async () => {
    const schema = server.newSchema();
    const { storage, put } = threadOn(schema);
    await storage.prepare();
    await keep(schema);
    await put(1, { a: "1" }, "a");
    await takeOver(schema);
    expect(await codeRejected(put(2, { a: "1", b: "2" }, "b", 1))).toBe("STORAGE");
    expect(await found(schema)).toEqual([[], []]);
    await put(3, { a: "1" }, "a");
    expect(await found(schema)).toEqual([[{ a: "1" }], []]);
  });
});

describe("answers that stream into a thread whose last tokens the new primary lacks", () => {
  async function streaming() {
    const schema = server.newSchema();
    const { storage, manager } = managerOn(schema);
    const saver = new DraftstateSaver({ manager });
    ends.push(() => saver.close());
    await storage.prepare();
    const tokens = saver.tokens({ threadId: "t" });
    const begin = (run: string) => tokens.handleChatModelStart({} as never, [], run);
    const add = async (run: string, text: string): Promise<void> => {
      await tokens.handleLLMNewToken(text, { prompt: 0, completion: 0 }, run);
      await tokens.durable().catch(() => undefined);
    };
    const texts = async (): Promise<unknown> => {
      await tokens.durable();
      return (await saver.partials({ configurable: { thread_id: "t" } })).map(({ text }) => text).sort();
    };
    for (const run of ["one", "two", "three"]) begin(run);
    return { schema, saver, add, texts };
  }

  test.each([
    ["open", () => Promise.resolve()],
    ["closed for a while", (saver: DraftstateSaver) => saver.repair("t")],
  ])("are there with all of them: a log that is %s", async (_state, rest) => {
    const { schema, saver, add, texts } = await streaming();
    await add("one", "a ");
    await keep(schema);
    for (const [run, text] of [
      ["one", "b "],
      ["two", "x "],
      ["three", "k "],
    ] as const)
      await add(run, text);
    await rest(saver);
    await takeOver(schema);
    // Its number is the second's now.
    for (const [run, text] of [
      ["three", "l "],
      ["two", "y "],
      ["one", "c "],
    ] as const)
      await add(run, text);
    expect(await texts()).toEqual(["a b c ", "k l ", "x y "]);
  });
});

describe("a namespace whose last item the new primary lacks", () => {
  /** A snapshot of its own is made for as much. */
  const LARGE = "x".repeat(70_000);

  function itemsOn(schema: string) {
    const { storage, manager, warnings } = managerOn(schema);
    const store = new DraftstateStore({ manager });
    ends.push(async () => store.stop());
    const put = (key: string, text = "") => store.put(["memories"], key, { text });
    return { storage, warnings, store, put };
  }

  async function found(schema: string): Promise<unknown> {
    const { store } = itemsOn(schema);
    return (await store.search(["memories"])).map(({ key }) => key).sort();
  }

  test("is written whole again, and that is told", async () => {
    const schema = server.newSchema();
    const { put, warnings } = itemsOn(schema);
    await put("a");
    await keep(schema);
    await put("b");
    await takeOver(schema);
    await put("c");
    expect(await found(schema)).toEqual(["a", "b", "c"]);
    expect(warnings.join()).toMatch(/goes to a new snapshot/);
  });

  test("is written whole again when it closes", async () => {
    const schema = server.newSchema();
    const { put, warnings } = itemsOn(schema);
    await put("a");
    await keep(schema);
    await put("b");
    await takeOver(schema);
    for (const end of ends.splice(0).reverse()) await end();
    expect([await found(schema), warnings.length]).toEqual([["a", "b"], 1]);
  });

  test("begins no journal on a snapshot that is not there: it is written whole", async () => {
    const schema = server.newSchema();
    const before = itemsOn(schema);
    await before.put("a", LARGE);
    await keep(schema);
    await before.put("b", LARGE + LARGE);
    for (const end of ends.splice(0).reverse()) await end();
    const { storage, put } = itemsOn(schema);
    takeOverBeforeLog(storage, schema);
    await put("c");
    expect(await found(schema)).toEqual(["a", "b", "c"]);
  });

  test.each([
    ["before it was looked at", takeOverBehindSnapshot],
    ["before its journal was begun", takeOverBeforeLog],
  ])("begins none on a new one that is gone again, %s, either", async (_when, takeOverIn) => {
    const schema = server.newSchema();
    const { storage, put } = itemsOn(schema);
    await put("a", LARGE);
    await keep(schema);
    takeOverIn(storage, schema);
    await put("b", LARGE + LARGE);
    for (const key of ["c", "d"]) await put(key);
    expect(await found(schema)).toEqual(["a", "b", "c", "d"]);
  });
});
