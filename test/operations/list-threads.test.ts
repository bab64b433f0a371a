/** The list of threads: the same from the ends of logs as from the whole of them, at a cost that no length of a thread changes. */
import { describe, expect, test } from "vitest";
import { encodeStream, encodeToken } from "../../src/checkpoints/token-record.js";
import { encodeEnd } from "../../src/checkpoints/record.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { listThreads } from "../../src/operations/graph-threads/list-threads.js";
import { MemoryStorage } from "../../src/storage/memory.js";
import { segmentKey, threadName } from "../../src/store/names.js";
import { copyInto } from "../../src/threads/copy.js";
import { byPolicy, prune } from "../../src/threads/prune.js";
import { repairThread } from "../../src/threads/repair.js";
import { undoThread } from "../../src/threads/undo.js";
import { managerWithin } from "../doubles/managers.js";
import { damage, json, message, putLine, putRequest } from "../doubles/threads.js";

/** Says how much is read of it. */
class CountedStorage extends MemoryStorage {
  bytesRead = 0;

  constructor() {
    super({ now: () => new Date(), command: "test" });
  }

  override async read(...given: Parameters<MemoryStorage["read"]>): Promise<Uint8Array | undefined> {
    const bytes = await super.read(...given);
    this.bytesRead += bytes?.length ?? 0;
    return bytes;
  }

  override async readEnd(...given: Parameters<MemoryStorage["readEnd"]>): ReturnType<MemoryStorage["readEnd"]> {
    const end = await super.readEnd(...given);
    this.bytesRead += end?.bytes.length ?? 0;
    return end;
  }
}

const HELLO = [message("Human", "Hello"), message("AI", "Hi"), message("Human", "Bye")];

async function rowsOf(storage: CountedStorage, everything = false) {
  const manager = managerWithin(storage, undefined);
  storage.bytesRead = 0;
  const rows = await listThreads(manager.store, await storage.list("state"), { everything });
  const { bytesRead } = storage;
  await manager.close();
  return { rows, bytesRead };
}

async function withThread(play: (manager: DraftStatePersistenceManager) => Promise<unknown>): Promise<CountedStorage> {
  const storage = new CountedStorage();
  const manager = managerWithin(storage, undefined);
  await play(manager);
  await manager.close();
  return storage;
}

describe("the cost of a row", () => {
  const long = "Thread ".repeat(60);

  test.each(["t", long])("hardly depends on how many checkpoints the thread has", async (threadId) => {
    const costs: number[] = [];
    for (const length of [5, 80]) {
      const messages = Array.from({ length }, (_, at) => message("Human", `${at} ${"m".repeat(200)}`));
      const storage = await withThread((manager) => putLine(manager.threads.get(threadId), messages, 10));
      const { rows, bytesRead } = await rowsOf(storage);
      expect(rows).toMatchObject([{ conversationId: threadId, messageCount: length, backupCount: length }]);
      costs.push(bytesRead);
    }
    const [few = 0, many = 0] = costs;
    expect(many).toBeLessThanOrEqual(8192);
    expect(many - few).toBeLessThan(2000);
  });

  test("is the same after a prune, its undo, and in a copy", async () => {
    const messages = Array.from({ length: 60 }, (_, at) => message("Human", `${at} ${"m".repeat(200)}`));
    const pruned = await withThread(async (manager) => {
      await putLine(manager.threads.get("t"), messages);
      await manager.threads.get("copy").exclusive((locked) => copyInto(locked, manager.threads.get("t")));
      await manager.threads.get("t").exclusive((locked) => prune(locked, byPolicy({ max: 50 }, new Date())));
    });
    const counts = ({ rows }: Awaited<ReturnType<typeof rowsOf>>) => rows.map(({ backupCount }) => backupCount).sort();
    const listed = await rowsOf(pruned);
    expect([counts(listed), listed.bytesRead <= 8192]).toEqual([[50, 60], true]);
    const manager = managerWithin(pruned, undefined);
    await undoThread(manager.store, manager.threads.get("t"));
    await manager.close();
    const undone = await rowsOf(pruned);
    expect([counts(undone), undone.bytesRead <= 8192]).toEqual([[60, 60], true]);
  });
});

const stream = { kind: "stream", number: 90, at: 5, run: "r", ns: "", node: "n", tasks: ["a"], message: "m" } as const;
const token = { kind: "token", stream: 90, at: 7, text: "Once", calls: [] } as const;
const writes = (channel: string, value: unknown) => ({
  ...{ ns: "", checkpoint: "c3", task: "b", path: "" },
  writes: [{ idx: channel.startsWith("__") ? -1 : 0, channel, data: json(value) }],
});

const PLAYS: Readonly<Record<string, (manager: DraftStatePersistenceManager) => Promise<unknown>>> = {
  "messages of a person": () => Promise.resolve(),
  "no messages": (manager) => manager.threads.get("t").put(putRequest("c4", { values: { n: 1 }, step: 4 })),
  "messages of an unknown form": (manager) =>
    manager.threads.get("t").put(putRequest("c4", { values: { messages: [1, { lc: 1 }] }, step: 4, parent: "c3" })),
  "a question to a person": (manager) =>
    manager.threads.get("t").putWrites(writes("__interrupt__", [{ value: "Who?" }])),
  "a node that failed": (manager) => manager.threads.get("t").putWrites(writes("__error__", { message: "oh" })),
  "a subgraph's checkpoint": (manager) =>
    manager.threads.get("t").put(putRequest("s1", { values: { messages: [] }, ns: "sub:1" })),
  "an answer that no node has written": (manager) =>
    manager.threads.get("t").append(() =>
      Promise.resolve([
        { record: stream, bytes: encodeStream(stream) },
        { record: token, bytes: encodeToken(token) },
      ]),
    ),
  "nothing but a subgraph": async (manager) => {
    await manager.threads.get("sub").put(putRequest("s1", { values: { messages: HELLO }, ns: "sub:1" }));
  },
  "a repaired thread": async (manager) => {
    await manager.threads.release();
    await damage(manager.storage, "t", (text) => text.replace('"checkpoint":"c2"', '"checkpoint":"cX"'));
    await manager.threads.get("t").holding(repairThread);
  },
};

test.each(Object.entries(PLAYS))("tells the same as the whole log: %s", async (_name, play) => {
  const storage = await withThread(async (manager) => {
    await putLine(manager.threads.get("t"), HELLO);
    await play(manager);
  });
  const [told, whole] = [await rowsOf(storage), await rowsOf(storage, true)];
  expect(told.rows).toEqual(whole.rows);
  expect(told.bytesRead).toBeLessThan(whole.bytesRead);
});

describe("the log itself is read", () => {
  const three = () => withThread((manager) => putLine(manager.threads.get("t"), HELLO));

  test("where its end tells nothing, as that of an earlier version", async () => {
    const storage = await three();
    await damage(storage, "t", (text) => text.replace(/[^\n]*"end":true[^\n]*\n$/, encodeEnd().toString()));
    expect((await rowsOf(storage)).rows).toMatchObject([{ status: "complete", backupCount: 3, title: "Hello" }]);
  });

  test.each<[string, number, (text: string) => string]>([
    ["was edited a while after it was written", 40, (text) => text.replace('"checkpoint":"c2"', '"checkpoint":"cX"')],
    ["has another length", 0, (text) => text.replace('"checkpoint":"c2"', '"checkpoint":"c2222"')],
  ])("where it %s", async (_name, wait, change) => {
    const storage = await three();
    await new Promise((resolve) => setTimeout(resolve, wait));
    await damage(storage, "t", change);
    expect((await rowsOf(storage)).rows).toMatchObject([{ status: "corrupt", error: { code: "CORRUPT" } }]);
  });

  test("where a part of it is missing", async () => {
    const big = "x".repeat(70_000);
    const storage = await withThread(async (manager) => {
      await manager.threads.get("t").put(putRequest("c1", { values: { big } }));
      await manager.threads.release();
      await manager.threads.get("t").put(putRequest("c2", { values: { big: `${big}2` }, step: 2, parent: "c1" }));
    });
    expect((await rowsOf(storage)).rows).toMatchObject([{ status: "complete", backupCount: 2 }]);
    await storage.remove(segmentKey(threadName("t"), 1));
    expect((await rowsOf(storage)).rows).toMatchObject([{ status: "corrupt", error: { code: "CORRUPT" } }]);
  });

  test("while an answer streams", async () => {
    const storage = new CountedStorage();
    const manager = managerWithin(storage, undefined);
    await PLAYS["an answer that no node has written"]?.(manager);
    expect((await rowsOf(storage)).rows).toMatchObject([{ status: "streaming", messageCount: 1 }]);
    await manager.close();
    expect((await rowsOf(storage)).rows).toMatchObject([{ status: "interrupted", messageCount: 1 }]);
  });
});
