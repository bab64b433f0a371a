/** The write path of a thread: nothing that is asked is forgotten, what fails is said, and the log grows with what is written alone. */
import { setImmediate as endOfTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { DraftstateError } from "../../src/errors.js";
import { MemoryStorage } from "../../src/storage/memory.js";
import { threadName } from "../../src/store/names.js";
import type { PutRequest } from "../../src/threads/put.js";
import type { Thread } from "../../src/threads/thread.js";
import { FaultyStorage } from "../doubles/faulty-storage.js";
import { codeRejected } from "../doubles/error-code.js";
import { managerOver, memory } from "../doubles/managers.js";

const json = (value: unknown) => ({ type: "json", bytes: Buffer.from(JSON.stringify(value)) });

function request(id: string, values: Readonly<Record<string, unknown>>, version = 1, parent?: string): PutRequest {
  const versions = new Map(Object.keys(values).map((channel) => [channel, version]));
  return {
    ns: "",
    id,
    parent,
    run: undefined,
    versions,
    newVersions: versions,
    written: new Map(Object.entries(values).map(([channel, value]) => [channel, json(value)])),
    state: json({ v: 4 }),
    metadata: json({ step: version }),
    drops: [],
  };
}

function idsOf(thread: Thread): Promise<string[]> {
  return thread.read((view) => Promise.resolve(view.index.checkpoints("").map(({ id }) => id)));
}

async function bytesIn(storage: MemoryStorage): Promise<number> {
  const names = (await storage.list("state")).filter((name) => name.endsWith(".thread"));
  const sizes = await Promise.all(names.map(async (name) => (await storage.stat({ area: "state", name }))?.size ?? 0));
  return sizes.reduce((sum, size) => sum + size, 0);
}

test("what is asked at any moment of a write is written", async () => {
  const manager = managerOver(memory());
  const thread = manager.threads.get("t");
  await thread.put(request("c0", {}));
  const asked: Promise<void>[] = [];
  for (let turn = 1; turn <= 150; turn += 1) {
    asked.push(thread.put(request(`c${turn}`, {})));
    for (let wait = 0; wait < turn; wait += 1) await Promise.resolve();
    asked.push(
      thread.putWrites({
        ns: "",
        checkpoint: `c${turn}`,
        task: "t",
        path: "",
        writes: [{ idx: 0, channel: "a", data: json(turn) }],
      }),
    );
    await Promise.all(asked.splice(0));
  }
  expect(await idsOf(thread)).toHaveLength(151);
  await manager.close();
});

test("what waited for a batch is written together with what that batch's caller asks next", async () => {
  const storage = memory();
  const createLog = storage.createLog.bind(storage);
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  storage.createLog = async (...given) => {
    const log = await createLog(...given);
    const appendDurably = async (bytes: Uint8Array): Promise<void> => {
      await gate;
      await log.appendDurably(bytes);
    };
    return { ...log, appendDurably };
  };
  const manager = managerOver(storage);
  const batches: number[] = [];
  manager.on("threadSaved", ({ records }) => batches.push(records));
  const thread = manager.threads.get("t");
  await thread.put(request("c0", {}));
  const puts = thread.put(request("c1", {})).then(() => thread.put(request("c2", { a: 1 }, 2, "c1")));
  await endOfTurn();
  const writes = [{ idx: 0, channel: "a", data: json(1) }];
  const written = thread.putWrites({ ns: "", checkpoint: "c1", task: "t", path: "", writes });
  await endOfTurn();
  release();
  await Promise.all([puts, written]);
  // The checkpoint that opens the log; the next; then the writes, with the value and the checkpoint that came when it was durable.
  expect(batches).toEqual([1, 1, 3]);
  await manager.close();
});

test("what is asked for at once of a thread that was just loaded is one more reading of its file", async () => {
  const storage = memory();
  const manager = managerOver(storage);
  await manager.threads.get("t").put(request("c0", { a: 1, b: 2, c: 3 }));
  await manager.close();
  const read = storage.read.bind(storage);
  let readings = 0;
  storage.read = (key, options) => {
    readings += 1;
    return read(key, options);
  };
  const other = managerOver(storage);
  const values = await other.threads.get("t").read((view) => Promise.all([1, 2, 3].map((at) => view.value(at))));
  expect([values.map(({ bytes }) => Buffer.from(bytes).toString()), readings]).toEqual([["1", "2", "3"], 2]);
  await other.close();
});

test("names: what a program calls its threads is spelled so that no two share a file", () => {
  expect(threadName("a3f0-11_x.y")).toBe("a3f0-11_x.y");
  expect(threadName("My/Thread")).toBe("%4dy%2f%54hread");
  expect(threadName("con")).toBe("%63on");
  expect(threadName("x".repeat(200))).toMatch(/^x{40}%-[0-9a-f]{64}$/);
});

test("a line that was edited since the log was opened is refused when it is read", async () => {
  const storage = memory();
  const manager = managerOver(storage);
  const thread = manager.threads.get("t");
  await thread.put(request("c0", { a: "twenty" }));
  await manager.close();
  const key = { area: "state", name: "t.000001.thread" } as const;
  const text = Buffer.from((await storage.read(key)) ?? "").toString("utf8");
  const other = managerOver(storage);
  const read = other.threads.get("t").read(async (view) => {
    await storage.replace(key, [Buffer.from(text.replace("twenty", "thirty"))]);
    return view.value(1);
  });
  expect(text).toContain("twenty");
  expect(await codeRejected(read)).toBe("CORRUPT");
  await other.close();
});

describe("a storage that fails", () => {
  const failing = new DraftstateError("STORAGE", "full");

  test("a batch whose append fails goes to a new file", async () => {
    const storage = memory();
    const createLog = storage.createLog.bind(storage);
    let made = 0;
    storage.createLog = async (...given) => {
      const log = await createLog(...given);
      made += 1;
      // Half of what is appended to the first arrives.
      const append = async (bytes: Uint8Array): Promise<void> => {
        await log.append(bytes.subarray(0, bytes.length / 2));
        throw failing;
      };
      return made === 1 ? { ...log, append } : log;
    };
    const manager = managerOver(storage);
    const thread = manager.threads.get("t");
    await thread.put(request("a", { n: 1 }));
    await thread.put(request("b", { n: 2 }, 2, "a"));
    expect(await idsOf(thread)).toEqual(["b", "a"]);
    await manager.close();
    const reader = managerOver(storage);
    expect(await idsOf(reader.threads.get("t"))).toEqual(["b", "a"]);
    await reader.close();
  });

  test("what cannot be written anywhere is rejected, and is not shown; the next put finds the thread as it is", async () => {
    const faulty = new FaultyStorage(memory());
    const manager = managerOver(faulty);
    const thread = manager.threads.get("t");
    faulty.setFault((call) => (call === "createLog" ? failing : undefined));
    expect(await codeRejected(thread.put(request("a", { n: 1 })))).toBe("STORAGE");
    expect(await idsOf(thread)).toEqual([]);
    faulty.setFault(undefined);
    await thread.put(request("b", { n: 1 }));
    expect(await idsOf(thread)).toEqual(["b"]);
    await manager.close();
  });

  test("a lock that another process took is noticed at the next write", async () => {
    const storage = memory();
    const manager = managerOver(storage);
    const thread = manager.threads.get("t");
    await thread.put(request("a", { n: 1 }));
    await storage.breakLock("thread~t");
    await storage.tryLock("thread~t", new Date());
    expect(await codeRejected(thread.put(request("b", { n: 2 }, 2, "a")))).toBe("LOCKED");
    expect(await idsOf(thread)).toEqual(["a"]);
    await manager.close().catch(() => undefined);
  });
});

describe("cost", () => {
  const big = "x".repeat(50_000);

  test("a channel that did not change costs at most a tenth of a copy", async () => {
    const storage = memory();
    const manager = managerOver(storage);
    const thread = manager.threads.get("t");
    await thread.put(request("c000", { big, n: 0 }));
    const before = await bytesIn(storage);
    for (let n = 1; n <= 100; n += 1) {
      const { versions, ...rest } = request(
        `c${String(n).padStart(3, "0")}`,
        { n },
        n + 1,
        `c${String(n - 1).padStart(3, "0")}`,
      );
      await thread.put({ ...rest, versions: new Map([...versions, ["big", 1]]) });
    }
    expect(((await bytesIn(storage)) - before) / 100).toBeLessThan(0.1 * big.length);
    await manager.close();
  });

  test("a list of messages that grows by one costs that message, whatever its length", async () => {
    const storage = memory();
    const manager = managerOver(storage);
    const thread = manager.threads.get("t");
    const messages: string[] = [];
    let parent: string | undefined;
    const costs: number[] = [];
    for (let n = 1; n <= 500; n += 1) {
      messages.push(`${String(n).padStart(4, "0")} ${"m".repeat(200)}`);
      const id = `c${String(n).padStart(4, "0")}`;
      const before = await bytesIn(storage);
      await thread.put(request(id, { messages }, n, parent));
      costs.push((await bytesIn(storage)) - before);
      parent = id;
    }
    const sum = (from: number, to: number) => costs.slice(from, to).reduce((total, cost) => total + cost, 0);
    expect(sum(400, 500) / sum(10, 110)).toBeLessThan(1.05);
    expect(sum(0, 500) / 500).toBeLessThan(600);
    await manager.close();
    const reader = managerOver(storage);
    const read = await reader.threads.get("t").read(async (view) => {
      const number = view.index.latest("")?.values.get("messages") ?? 0;
      return JSON.parse(Buffer.from((await view.value(number)).bytes).toString("utf8")) as unknown;
    });
    expect(read).toEqual(messages);
    await reader.close();
  });

  test("many processes that write one after another leave few files", async () => {
    const storage = memory();
    let parent: string | undefined;
    for (let n = 1; n <= 60; n += 1) {
      const manager = managerOver(storage);
      const id = `c${String(n).padStart(3, "0")}`;
      await manager.threads.get("t").put(request(id, { big: `${n}${big}${big}` }, n, parent));
      await manager.close();
      parent = id;
    }
    const names = (await storage.list("state")).filter((name) => name.endsWith(".thread"));
    expect(names.length).toBeLessThan(20);
    const reader = managerOver(storage);
    expect(await idsOf(reader.threads.get("t"))).toHaveLength(60);
    await reader.close();
  });
});
