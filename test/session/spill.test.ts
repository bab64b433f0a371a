/**
 * While the state directory refuses every write, the whole state is spilled to the fallback directory, loudly; it is brought
 * home by the next save that works, or by the next open.
 */
import { describe, expect, test } from "vitest";
import type { Conversation } from "../../src/session/conversation.js";
import type { ManagerEvents } from "../../src/store/events.js";
import { DraftStatePersistenceManager } from "../../src/manager.js";
import { MemoryStorage } from "../../src/storage/memory.js";
import { codeRejected } from "../doubles/error-code.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { leaveSpill } from "../doubles/spills.js";
import { versionAt } from "../doubles/snapshots.js";
import { storageOver } from "../doubles/storage-over.js";

const KEY = { area: "state", name: "chat.json" } as const;

/** What the fallback directory holds, as text; undefined where it is empty. */
async function spilled(fallback: MemoryStorage): Promise<string | undefined> {
  const names = await fallback.list("state");
  expect(names.length).toBeLessThanOrEqual(1);
  const [name] = names;
  return name === undefined ? undefined : Buffer.from((await fallback.read({ area: "state", name })) ?? []).toString();
}

interface Setting {
  readonly fs: FaultyFileSystem;
  readonly fallback: MemoryStorage;
  readonly manager: DraftStatePersistenceManager;
  readonly told: ManagerEvents["fallback"][];
}

function setting(): Setting {
  const fs = new FaultyFileSystem(new SimulatedFileSystem());
  const fallback = new MemoryStorage({ now: () => new Date(), command: "test" });
  const manager = new DraftStatePersistenceManager(
    { storage: storageOver(fs), fallback, now: () => new Date(), elapsed: () => performance.now(), random: () => 0 },
    { fallbackDir: "elsewhere", retryDelay: 0, autoSave: false },
  );
  const told: ManagerEvents["fallback"][] = [];
  manager.on("fallback", (event) => told.push(event));
  return { fs, fallback, manager, told };
}

function fillDisk(fs: FaultyFileSystem): void {
  fs.setFault({ code: "ENOSPC", at: 1, lasting: "from-then-on", only: ["write", "createFile"] });
}

async function say(conversation: Conversation, text: string): Promise<void> {
  conversation.update((draft) => {
    draft.currentNarrative = text;
  });
  await conversation.flush();
}

describe("a state directory that cannot be written", () => {
  test("a save is spilled, and that is told", async () => {
    const { fs, fallback, manager, told } = setting();
    const conversation = await manager.open("chat");
    await say(conversation, "before");
    fillDisk(fs);
    await say(conversation, "in need");
    expect(told).toMatchObject([{ conversationId: "chat", active: true, directory: "elsewhere" }]);
    expect(await spilled(fallback)).toContain("in need");
    expect(await manager.loadState("chat")).toMatchObject({ currentNarrative: "in need" });
  });

  test("the next save that works brings everything home", async () => {
    const { fs, fallback, manager, told } = setting();
    const conversation = await manager.open("chat");
    await say(conversation, "before");
    fillDisk(fs);
    await say(conversation, "in need");
    fs.clearFault();
    await say(conversation, "after");
    expect(told.map(({ active }) => active)).toEqual([true, false]);
    expect(await spilled(fallback)).toBeUndefined();
    expect(Buffer.from((await manager.storage.read(KEY)) ?? []).toString()).toContain("after");
  });

  test("the next open brings it home, and no revision is used twice", async () => {
    const { fs, fallback, manager } = setting();
    const conversation = await manager.open("chat");
    await say(conversation, "before");
    fillDisk(fs);
    await say(conversation, "in need");
    const revision = conversation.revision;
    await conversation.close();
    fs.clearFault();
    const again = await manager.open("chat");
    expect(again.state).toMatchObject({ currentNarrative: "in need" });
    expect(again.revision).toBeGreaterThanOrEqual(revision);
    expect(await spilled(fallback)).toBeUndefined();
  });

  test("a new conversation that could never be saved is spilled, listed, and brought home", async () => {
    const { fs, fallback, manager } = setting();
    const conversation = await manager.open("chat");
    fillDisk(fs);
    await say(conversation, "new");
    expect(await spilled(fallback)).toContain("new");
    expect((await manager.list()).map(({ conversationId }) => conversationId)).toEqual(["chat"]);
    expect(await manager.ids()).toEqual(["chat"]);
    await conversation.close();
    fs.clearFault();
    expect((await manager.open("chat")).state).toMatchObject({ currentNarrative: "new" });
    expect(await spilled(fallback)).toBeUndefined();
  });

  test("nothing is opened where the store cannot even hold a lock", async () => {
    const { fs, fallback, manager } = setting();
    await manager.storage.prepare();
    fillDisk(fs);
    expect(await codeRejected(manager.open("chat"))).toBe("STORAGE");
    expect(await fallback.list("state")).toEqual([]);
  });

  test("where the fallback directory refuses too, the save rejects", async () => {
    const { fs, fallback, manager } = setting();
    const conversation = await manager.open("chat");
    await say(conversation, "before");
    fillDisk(fs);
    fallback.replace = () => Promise.reject(new Error("full as well"));
    expect(await codeRejected(say(conversation, "lost"))).toBe("STORAGE");
  });
});

test("a spill whose content another holds stays as long as that one does: until it is durable in the store", async () => {
  const { fallback, manager } = setting();
  const conversation = await manager.open("chat");
  await say(conversation, "ours");
  await conversation.close();
  const { storage } = manager;
  await leaveSpill(fallback, storage, { id: "chat", version: versionAt(70), session: "other1" });
  const holds = [{ session: "other1", revision: 70 }];
  await leaveSpill(fallback, storage, { id: "chat", version: versionAt(71), session: "other2", holds });
  // The fork that the second one would become is in use: it stays for now.
  const attempt = await storage.tryLock("chat-spill-other2", new Date());
  await (await manager.open("chat")).close();
  expect(await fallback.list("state")).toHaveLength(2);
  if (attempt.acquired) await attempt.lock.release();
  await (await manager.open("chat")).close();
  expect(await fallback.list("state")).toEqual([]);
  expect(await manager.ids()).toEqual(["chat", "chat-spill-other2"]);
});
