/** A disk that fails: nothing acknowledged is lost, a save that could not be made is said, and the next one makes up for it. */
import { describe, expect, test } from "vitest";
import type { AgentState } from "../../src/model/conversation.js";
import type { Conversation } from "../../src/session/conversation.js";
import type { DraftStatePersistenceManager, ManagerOptions } from "../../src/manager.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import { codeRejected } from "../doubles/error-code.js";
import { FaultyFileSystem, type CallKind } from "../doubles/faulty-file-system.js";
import { begin, managerOver, memory, turn } from "../doubles/managers.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";

interface Setting {
  readonly fs: FaultyFileSystem;
  readonly disk: SimulatedFileSystem;
  readonly manager: DraftStatePersistenceManager;
  readonly conversation: Conversation;
}

async function writing(options: ManagerOptions = {}): Promise<Setting> {
  const disk = new SimulatedFileSystem();
  const fs = new FaultyFileSystem(disk);
  const manager = managerOver(storageOver(fs), options);
  const conversation = await manager.open("chat");
  begin(conversation, "Tell me");
  conversation.appendToken("Once");
  await conversation.flush();
  return { fs, disk, manager, conversation };
}

/** What a new process finds after a power loss that keeps only what was synced. */
async function afterPowerLoss(disk: SimulatedFileSystem): Promise<AgentState | null> {
  const [first] = disk.crashStates();
  if (first === undefined) throw new Error("no crash state");
  return managerOver(storageOver(first.fileSystem, new ProcessWorld("boot-2").table(1), "r")).loadState("chat");
}

const CALLS: readonly CallKind[] = ["write", "sync", "createFile", "rename", "syncDirectory"];

describe("a journal that fails", () => {
  test.each<CallKind>(["write", "sync"])(
    "at its %s: the whole state goes to a new file, and the save succeeds",
    async (kind) => {
      const { fs, disk, conversation } = await writing();
      fs.setFault({ code: "EIO", at: 1, only: [kind] });
      conversation.appendToken(" upon");
      await conversation.flush();
      fs.clearFault();
      expect((await afterPowerLoss(disk))?.currentNarrative).toBe("Once upon");
    },
  );

  test("is never synced again", async () => {
    const { fs, disk, conversation } = await writing();
    conversation.appendToken(" upon");
    fs.setFault({ code: "EIO", at: 1, only: ["sync"] });
    const before = disk.operations.length;
    await conversation.flush();
    const journal = disk.operations.slice(0, before).findLast((operation) => operation.kind === "write");
    const syncs = disk.operations
      .slice(before)
      .filter(
        (operation) => operation.kind === "sync" && journal?.kind === "write" && operation.inode === journal.inode,
      );
    expect(syncs).toEqual([]);
  });

  test("half-way through a record leaves no half record to believe", async () => {
    const { fs, disk, conversation } = await writing();
    fs.setFault({ code: "ENOSPC", at: 1, lasting: "from-then-on", only: ["write"], bytesWritten: 20 });
    conversation.appendToken(" upon");
    await codeRejected(conversation.flush());
    expect(
      (await managerOver(storageOver(disk.settled(), new ProcessWorld("boot-2").table(1), "r")).loadState("chat"))
        ?.currentNarrative,
    ).toBe("Once");
  });
});

describe("a disk on which everything fails", () => {
  test("rejects the save with STORAGE, and the next one saves all once it works again", async () => {
    const { fs, disk, conversation } = await writing();
    fs.setFault({ code: "ENOSPC", at: 1, lasting: "from-then-on" });
    conversation.appendToken(" upon");
    expect(await codeRejected(conversation.flush())).toBe("STORAGE");
    conversation.appendToken(" a");
    expect(await codeRejected(conversation.flush())).toBe("STORAGE");
    fs.clearFault();
    conversation.appendToken(" time");
    await conversation.flush();
    expect((await afterPowerLoss(disk))?.currentNarrative).toBe("Once upon a time");
  });

  test("tells of it by an event", async () => {
    const { fs, manager, conversation } = await writing();
    const codes: string[] = [];
    manager.on("saveError", ({ error }) => codes.push(error.code));
    fs.setFault({ code: "EROFS", at: 1, lasting: "from-then-on" });
    conversation.appendToken(" upon");
    await codeRejected(conversation.flush());
    expect(codes).toEqual(["STORAGE"]);
  });

  test("fails the first save of a conversation, and not the second", async () => {
    const fs = new FaultyFileSystem(new SimulatedFileSystem());
    const manager = managerOver(storageOver(fs));
    const conversation = await manager.open("chat");
    fs.setFault({ code: "EIO", at: 1, lasting: "from-then-on" });
    expect(await codeRejected(conversation.flush())).toBe("STORAGE");
    fs.clearFault();
    await conversation.flush();
    expect(await manager.loadState("chat")).toEqual(conversation.state);
  });

  test("fails a saveState, and a later one succeeds, also when the handle was let go meanwhile", async () => {
    const fs = new FaultyFileSystem(new SimulatedFileSystem());
    const manager = managerOver(storageOver(fs));
    await manager.saveState("chat", { a: 1 });
    fs.setFault({ code: "ENOSPC", at: 1, lasting: "from-then-on", only: ["write", "sync", "createFile"] });
    expect(await codeRejected(manager.saveState("chat", { a: 2 }))).toBe("STORAGE");
    await new Promise((resolve) => setTimeout(resolve, 400));
    fs.clearFault();
    await manager.saveState("chat", { a: 3 });
    expect(await manager.loadState("chat")).toEqual({ a: 3 });
    await manager.close();
  });

  test("when a lock was let go of, leaves the conversation writable once it works again", async () => {
    const { fs, manager, conversation } = await writing();
    fs.setFault({ code: "EROFS", at: 1, lasting: "from-then-on", only: ["unlink"] });
    await codeRejected(conversation.close());
    fs.clearFault();
    await manager.open("chat");
  });

  test("that breaks off while a lock is taken leaves none behind once the manager is closed", async () => {
    const disk = new SimulatedFileSystem();
    const fs = new FaultyFileSystem(disk);
    const manager = managerOver(storageOver(fs));
    await manager.saveState("chat", { a: 1 });
    fs.setFault({ code: "EIO", at: 1, lasting: "from-then-on", only: ["unlink"] });
    expect(await codeRejected(manager.open("other"))).toBe("STORAGE");
    fs.clearFault();
    await manager.close();
    expect([...disk.image.entries.keys()].filter((path) => path.endsWith(".lock"))).toEqual([]);
  });
});

describe("a fault at any one call of a turn", () => {
  test.each(CALLS)("%s: what was acknowledged stays, and the conversation continues", async (kind) => {
    for (let at = 1; at <= 14; at += 1) {
      const { fs, disk, manager, conversation } = await writing();
      let acknowledged = "Once";
      fs.setFault({ code: "EIO", at, only: [kind] });
      for (const token of [" upon", " a", " time"]) {
        conversation.appendToken(token);
        await conversation.flush().then(
          () => (acknowledged = conversation.state.currentNarrative),
          () => undefined,
        );
        expect((await afterPowerLoss(disk))?.currentNarrative, `${kind} ${at}`).toMatch(new RegExp(`^${acknowledged}`));
        await conversation.compact().catch(() => undefined);
      }
      fs.clearFault();
      await turn(conversation, "And then?", "Nothing.");
      await conversation.close();
      expect(await manager.loadState("chat"), `${kind} ${at}`).toEqual(conversation.state);
      expect((await manager.listBackups("chat")).length, `${kind} ${at}`).toBeGreaterThan(0);
    }
  });
});

describe("a snapshot that took its name but whose directory could not be synced", () => {
  test("is not taken for another writer's by the next save", async () => {
    const fs = new FaultyFileSystem(new SimulatedFileSystem());
    const manager = managerOver(storageOver(fs));
    const conversation = await manager.open("chat");
    fs.setFault({ code: "EIO", at: 1, only: ["syncDirectory"] });
    expect(await codeRejected(conversation.flush())).toBe("STORAGE");
    begin(conversation, "Tell me");
    await conversation.flush();
    expect(await manager.loadState("chat")).toEqual(conversation.state);
  });

  test("is not taken for another writer's by the next compaction", async () => {
    const { fs, conversation } = await writing();
    conversation.appendToken(" upon");
    await conversation.flush();
    fs.setFault({ code: "EIO", at: 1, only: ["syncDirectory"] });
    expect(await codeRejected(conversation.compact())).toBe("STORAGE");
    conversation.appendToken(" a");
    await conversation.compact();
  });
});

test("a compaction of what is not yet flushed resolves, whatever else is under way", async () => {
  const { conversation } = await writing();
  for (let round = 0; round < 50; round += 1) {
    conversation.appendToken(" x");
    await Promise.all([conversation.compact(), round % 2 === 0 ? conversation.compact() : conversation.flush()]);
  }
  expect(conversation.durableRevision).toBe(conversation.revision);
});

describe("an error that passes", () => {
  test("is tried again, and the save succeeds", async () => {
    const { fs, manager, conversation } = await writing();
    let retries = 0;
    manager.on("retry", () => (retries += 1));
    conversation.appendToken(" upon");
    await conversation.flush();
    fs.setFault({ code: "EMFILE", at: 1, only: ["createFile"] });
    await conversation.compact();
    expect(retries).toBe(1);
  });
});

describe("a disk that stalls", () => {
  test("gets merged changes, in order and with the same effect, and few of them", async () => {
    const storage = memory();
    let release: () => void = () => undefined;
    const stalled = new Promise<void>((resolve) => (release = resolve));
    const batches: number[] = [];
    const slow = new Proxy(storage, {
      get: (target, name) => {
        if (name !== "createLog") return (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target);
        return async (...args: Parameters<MemoryStorage["createLog"]>) => {
          await stalled;
          return target.createLog(...args);
        };
      },
    });
    const manager = managerOver(slow, { maxQueuedChanges: 5, saveOnToken: true });
    manager.on("stateSaved", ({ kind, records }) => {
      if (kind === "journal") batches.push(records);
    });
    const conversation = await manager.open("chat");
    await conversation.flush();
    begin(conversation, "Tell me");
    await new Promise((resolve) => setImmediate(resolve));
    for (let index = 0; index < 1000; index += 1) conversation.appendToken(` ${index}`);
    expect(manager.getSaveStatistics().queuedSaves).toBeLessThanOrEqual(5);
    release();
    await conversation.flush();
    const other = await managerOver(storage).load("chat");
    expect(other?.state).toEqual(conversation.state);
    expect(batches.reduce((sum, records) => sum + records, 0)).toBeLessThanOrEqual(6);
  });
});
