/** A conversation goes away by rm and nothing else: whole, in whatever state it is, and comes back as it was. */
import { describe, expect, test } from "vitest";
import { DraftstateError } from "../../src/errors.js";
import { DraftStatePersistenceManager } from "../../src/manager.js";
import { SPILL_FORMAT } from "../../src/model/conversation.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import { contents } from "../doubles/contents.js";
import { cutOff, damage, edit, told } from "../doubles/conversations.js";
import { codeRejected } from "../doubles/error-code.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { managerOver, memory, START } from "../doubles/managers.js";
import { versionAt } from "../doubles/snapshots.js";
import { leaveSpill } from "../doubles/spills.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";

const KEY = { area: "state", name: "chat.json" } as const;
const JOURNAL = { area: "state", name: "chat.journal" } as const;

async function setting(): Promise<{ storage: MemoryStorage; manager: DraftStatePersistenceManager }> {
  const storage = memory();
  const manager = managerOver(storage);
  await told(manager, "chat");
  return { storage, manager };
}

test("what comes back from backups that were away while it was removed uses no revision of it again", async () => {
  const { storage, manager } = await setting();
  const [first] = await storage.list("backup");
  if (first === undefined) throw new RangeError("no backup");
  const key = { area: "backup", name: first } as const;
  const bytes = (await storage.read(key)) ?? new Uint8Array();
  for (const name of await storage.list("backup")) await storage.remove({ area: "backup", name });
  const removed = (await manager.load("chat"))?.metadata.revision ?? 0;
  await manager.remove("chat");
  await storage.create(key, bytes);
  const recovered = await manager.open("chat");
  expect(recovered.revision).toBe(removed + 1);
  await recovered.close();
  await manager.remove("chat");
  await manager.undo();
  expect((await manager.load("chat"))?.metadata.revision).toBe(removed + 1);
});

describe("what is removed", () => {
  test("is every file of the conversation and no file of another whose id begins alike", async () => {
    const { storage, manager } = await setting();
    for (const id of ["chat_2", "chat.json", "chat_2026-01-14T21-30-00-000Z"]) await told(manager, id);
    const before = await contents(storage);
    const { removed, bytes, purged } = await manager.remove("chat");
    const left = await contents(storage);
    expect([removed.length, purged, Object.keys(before).length - Object.keys(left).length]).toEqual([3, false, 3]);
    expect(bytes).toBe(
      Object.entries(before)
        .filter(([name]) => !(name in left))
        .reduce((sum, [, text]) => sum + text.length, 0),
    );
    expect(before).toMatchObject(left);
    expect(await manager.ids()).toEqual(["chat.json", "chat_2", "chat_2026-01-14T21-30-00-000Z"]);
  });

  test("a dry run tells, takes no lock and changes nothing", async () => {
    const { storage, manager } = await setting();
    const before = await contents(storage, ["state", "backup", "trash"]);
    const conversation = await manager.open("chat");
    const planned = await manager.remove("chat", { dryRun: true });
    expect(await contents(storage, ["state", "backup", "trash"])).toEqual(before);
    await conversation.close();
    expect({ ...(await manager.remove("chat")), dryRun: true }).toEqual(planned);
  });

  test("an id that is not there is not found, and several are removed all or not at all", async () => {
    const { storage, manager } = await setting();
    expect(await codeRejected(manager.remove("nobody"))).toBe("NOT_FOUND");
    expect(await codeRejected(manager.remove("../chat"))).toBe("INVALID_ID");
    await told(manager, "other");
    const held = await storage.tryLock("other", new Date(START));
    const before = await contents(storage, ["state", "backup", "trash"]);
    expect(await codeRejected(manager.removeAll(["chat", "other"]))).toBe("LOCKED");
    expect(await contents(storage, ["state", "backup", "trash"])).toEqual(before);
    expect(held.acquired).toBe(true);
  });

  test("one that vanished between two others is said together with what went before it, which comes back", async () => {
    const { storage, manager } = await setting();
    const before = await contents(storage);
    await expect(manager.removeAll(["chat", "nobody"])).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining("chat went before it") as unknown,
    });
    await manager.undo();
    expect(await contents(storage)).toEqual(before);
  });
});

describe("in whatever state it is", () => {
  test("a journal is folded in first, so that there is one file to move", async () => {
    const storage = memory();
    const manager = await cutOff(storage, "chat");
    const seen = await manager.loadState("chat");
    await manager.remove("chat");
    expect((await storage.list("trash")).filter((name) => name.endsWith(".journal"))).toEqual([]);
    await manager.undo();
    expect(await manager.loadState("chat")).toEqual(seen);
    expect(seen?.messages.at(-1)).toMatchObject({ status: "interrupted", content: "half an" });
  });

  test.each(["damaged", "edited", "newer", "lost"])(
    "%s, its files are moved as they are, and come back as they were",
    async (state) => {
      const { storage, manager } = await setting();
      if (state === "damaged") await damage(storage, "chat");
      if (state === "edited") await edit(storage, "chat", "upon", "under");
      if (state === "newer") await edit(storage, "chat", '"version": "1.0.0"', '"version": "2.0.0"');
      if (state === "lost")
        for (const name of await storage.list("backup"))
          await storage.replace({ area: "backup", name }, Buffer.from("torn"));
      if (state === "lost") await damage(storage, "chat");
      await storage.replace(JOURNAL, Buffer.from("no journal\n"));
      const before = await contents(storage);
      const events: unknown[] = [];
      manager.on("recovered", (event) => events.push(event));
      await manager.remove("chat");
      expect(await contents(storage)).toEqual({});
      await manager.undo();
      // Damaged, with a valid backup, it is recovered on the way: what was damaged is in quarantine then.
      if (events.length === 0) expect(await contents(storage)).toEqual(before);
      else
        expect(Object.values(await contents(storage, ["quarantine"]))).toEqual(
          expect.arrayContaining(["{ torn", "no journal\n"]),
        );
    },
  );

  test("only backups left: these go and come back", async () => {
    const { storage, manager } = await setting();
    await storage.remove(KEY);
    const before = await contents(storage);
    expect((await manager.remove("chat")).removed).toHaveLength(2);
    expect(await manager.ids()).toEqual([]);
    await manager.undo();
    expect(await contents(storage)).toEqual(before);
  });
});

describe("spilled", () => {
  function withFallback(settings: { trashDays?: number } = {}): {
    storage: MemoryStorage;
    fallback: MemoryStorage;
    manager: DraftStatePersistenceManager;
  } {
    const [storage, fallback] = [memory(), memory()];
    let at = START;
    const manager = new DraftStatePersistenceManager(
      { storage, fallback, now: () => new Date((at += 1)), elapsed: () => performance.now(), random: () => 0.5 },
      { fallbackDir: "elsewhere", autoSave: false, ...settings },
    );
    return { storage, fallback, manager };
  }

  test("it is brought home and removed, and does not come back by itself", async () => {
    const { storage, fallback, manager } = withFallback();
    await leaveSpill(fallback, storage, { id: "chat", version: versionAt(7, { said: "elsewhere" }) });
    await manager.remove("chat");
    expect(await manager.ids()).toEqual([]);
    await manager.undo();
    expect(await manager.loadState("chat")).toMatchObject({ said: "elsewhere" });
  });

  test("it is gone from there too, by a purge", async () => {
    const { storage, fallback, manager } = withFallback();
    await told(manager, "chat");
    await leaveSpill(fallback, storage, { id: "chat", version: versionAt(70), base: 5 });
    await manager.remove("chat", { purge: true });
    expect([await manager.ids(), await fallback.list("state")]).toEqual([[], []]);
  });

  test.each<[string, { trashDays?: number }, { purge?: boolean }]>([
    ["to the trash", {}, {}],
    ["for good", {}, { purge: true }],
    ["for good, since there is no trash", { trashDays: 0 }, {}],
  ])("a newer version's is not removed %s, and nothing else is then", async (_how, settings, options) => {
    const { storage, fallback, manager } = withFallback(settings);
    await told(manager, "another");
    await told(manager, "chat");
    await leaveSpill(fallback, storage, { id: "chat", version: versionAt(70), base: 5, format: SPILL_FORMAT + 1 });
    const before = [await contents(storage, ["state", "backup", "trash"]), await contents(fallback)];
    expect(await codeRejected(manager.removeAll(["another", "chat"], options))).toBe("NEWER_VERSION");
    expect([await contents(storage, ["state", "backup", "trash"]), await contents(fallback)]).toEqual(before);
  });

  test("that cannot be removed is not said to be: the purge is refused, and nothing else is removed", async () => {
    const { storage, fallback, manager } = withFallback();
    await told(manager, "chat");
    await leaveSpill(fallback, storage, { id: "chat", version: versionAt(70), base: 5 });
    const before = await contents(storage);
    fallback.remove = () => Promise.reject(new DraftstateError("STORAGE", "read-only"));
    expect(await codeRejected(manager.remove("chat", { purge: true }))).toBe("STORAGE");
    expect(await contents(storage)).toEqual(before);
  });

  test("what cannot be brought home, since the snapshot here was edited, is not removed by half", async () => {
    const { storage, fallback, manager } = withFallback();
    await told(manager, "chat");
    await edit(storage, "chat", "upon", "under");
    await leaveSpill(fallback, storage, { id: "chat", version: versionAt(70), base: 5 });
    const before = await contents(storage);
    expect(await codeRejected(manager.remove("chat"))).toBe("CORRUPT");
    expect(await contents(storage)).toEqual(before);
  });
});

describe("purged", () => {
  test("what quarantine holds of it goes too, and of another whose id begins alike stays", async () => {
    const { storage, manager } = await setting();
    const stamp = "2026-01-14T21-30-00-000Z";
    const own = [
      `chat.json.${stamp}`,
      `chat.journal.${stamp}-1`,
      `chat_${stamp}.json.gz.${stamp}`,
      `chat.ab12.spill.${stamp}`,
    ];
    const other = [
      `chat.json.json.${stamp}`,
      `chat_2.json.${stamp}`,
      `chat_${stamp}.json.${stamp}.json.${stamp}`,
      "chat.json",
    ];
    for (const name of [...own, ...other]) await storage.replace({ area: "quarantine", name }, Buffer.from("canary"));
    const preview = await manager.removeAll(["chat"], { purge: true, dryRun: true });
    const { removed } = await manager.remove("chat", { purge: true });
    expect(preview[0]?.removed.length).toBe(removed.length);
    expect((await storage.list("quarantine")).sort()).toEqual(other.sort());
  });

  test("it is gone for good, with what was done to it, and an earlier one of its id that was removed stays undoable", async () => {
    const { storage, manager } = await setting();
    const old = await contents(storage);
    await manager.remove("chat");
    await told(manager, "chat", 3);
    await manager.rename("chat", "New");
    await manager.restore("chat", "~1");
    await manager.prune({ id: "chat", max: 1 });
    expect(await manager.remove("chat", { purge: true })).toMatchObject({ purged: true });
    expect((await manager.operations()).map(({ operation }) => operation)).toEqual(["rm"]);
    expect((await storage.list("trash")).filter((name) => name.includes("state_"))).toHaveLength(1);
    await manager.undo("chat");
    expect(await contents(storage)).toEqual(old);
  });

  test.each(["rm", "prune"] as const)(
    "%s of a disk that fills up needs no room; without --purge it says so and moves nothing",
    async (kind) => {
      const fs = new FaultyFileSystem(new SimulatedFileSystem());
      const storage = storageOver(fs);
      const manager = managerOver(storage);
      await told(manager, "chat", 3);
      const before = await contents(storage);
      const tryLock = storage.tryLock.bind(storage);
      storage.tryLock = async (name, since) => {
        const attempt = await tryLock(name, since);
        fs.setFault({ code: "ENOSPC", at: 1, lasting: "from-then-on", only: ["write", "createFile"] });
        return attempt;
      };
      const act = (purge: boolean): Promise<unknown> =>
        kind === "rm" ? manager.remove("chat", { purge }) : manager.prune({ max: 0, purge });
      await expect(act(false)).rejects.toMatchObject({
        code: "STORAGE",
        message: expect.stringContaining("{ purge: true }") as unknown,
      });
      expect(await contents(storage)).toEqual(before);
      fs.clearFault();
      await act(true);
      expect(Object.keys(await contents(storage))).toEqual(kind === "rm" ? [] : ["state/chat.json"]);
    },
  );
});
