/** The trash: how long it keeps, and that nothing found in it harms anything, whoever put it there. */
import { describe, expect, test } from "vitest";
import { DraftstateError } from "../../src/errors.js";
import type { DraftStatePersistenceManager, ManagerOptions } from "../../src/manager.js";
import { seal } from "../../src/snapshot/checksum.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import { AREAS } from "../../src/storage/storage.js";
import { contents, textOf } from "../doubles/contents.js";
import { damage, edit, told } from "../doubles/conversations.js";
import { codeRejected } from "../doubles/error-code.js";
import { managerOver, memory, START } from "../doubles/managers.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { STATE_DIR, storageOver } from "../doubles/storage-over.js";

const DAY = 86_400_000;
const STAMP = "2026-01-14T21-30-09-000Z-abcd";

async function setting(
  options: ManagerOptions = {},
): Promise<{ storage: MemoryStorage; manager: DraftStatePersistenceManager }> {
  const storage = memory();
  const manager = managerOver(storage, options);
  await told(manager, "chat");
  return { storage, manager };
}

describe("how long it keeps", () => {
  test("what is older than trashDays goes with the next operation, and not before", async () => {
    const { storage, manager } = await setting({ trashDays: 30 });
    await told(manager, "other");
    await manager.remove("chat");
    const kept = managerOver(storage, { trashDays: 30 }, START + 29 * DAY);
    await kept.rename("other", "One");
    expect((await kept.operations()).map(({ operation }) => operation)).toEqual(["rename", "rm"]);
    await kept.close();
    const late = managerOver(storage, { trashDays: 30 }, START + 31 * DAY);
    expect((await late.operations()).map(({ operation }) => operation)).toEqual(["rename", "rm"]);
    await late.rename("other", "Two");
    expect((await late.operations()).map(({ operation }) => operation)).toEqual(["rename", "rename"]);
    expect((await storage.list("trash")).filter((name) => name.includes("_chat"))).toEqual([]);
    expect(await codeRejected(late.undo("chat"))).toBe("NOT_FOUND");
    await late.close();
  });

  test("with trashDays 0 nothing is kept: what is removed is gone for good, and the rest is not undone", async () => {
    const { storage, manager } = await setting({ trashDays: 0 });
    await manager.restore("chat", "~1");
    await manager.rename("chat", "The whale");
    await manager.close();
    await damage(storage, "chat");
    const next = managerOver(storage, { trashDays: 0 }, START + DAY);
    await next.repair("chat");
    expect((await next.prune({ max: 1 })).purged).toBe(true);
    expect((await next.remove("chat")).purged).toBe(true);
    expect([await next.operations(), await storage.list("trash")]).toEqual([[], []]);
  });

  test("emptied, it says how many bytes it held, and nothing can be undone", async () => {
    const { storage, manager } = await setting();
    await manager.prune({ max: 1 });
    await manager.remove("chat");
    const held = Object.values(await contents(storage, ["trash"])).reduce((sum, text) => sum + text.length, 0);
    expect(await manager.emptyTrash()).toBe(held);
    expect([await storage.list("trash"), await manager.operations()]).toEqual([[], []]);
  });
});

interface Record {
  readonly [field: string]: unknown;
}

/** A record as someone with an editor could make it, its checksum right. */
async function plant(storage: MemoryStorage, fields: Record, id = "chat", stamp = STAMP): Promise<void> {
  const document = { kind: "rm", conversationId: id, stamp, group: stamp, files: [], ...fields, checksum: "sha256:" };
  await storage.replace(
    { area: "trash", name: `${stamp}_operation_${id}.json` },
    seal(Buffer.from(JSON.stringify(document, null, 2))),
  );
}

describe("a record that is no honest one", () => {
  const own = { area: "state", name: "chat.json" };
  test.each<[string, Record]>([
    ["a path upwards", { files: [{ area: "state", name: "../chat.json" }] }],
    ["a folder", { files: [{ area: "state", name: "a/chat.json" }] }],
    ["another area", { files: [{ area: "trash", name: "chat.json" }] }],
    ["quarantine", { files: [{ area: "quarantine", name: "chat.json" }] }],
    ["another conversation's snapshot", { files: [own, { area: "state", name: "other.json" }] }],
    ["another conversation's backup", { files: [{ area: "backup", name: "other_2026-01-14T21-30-00-000Z.json" }] }],
    [
      "a backup of one whose id begins alike",
      { files: [{ area: "backup", name: "chat_2_2026-01-14T21-30-00-000Z.json" }] },
    ],
    ["a snapshot for a prune", { kind: "prune", files: [own] }],
    ["a snapshot for a rename", { kind: "rename", files: [own] }],
    ["another id inside", { conversationId: "other" }],
    ["another time inside", { stamp: STAMP.replace("09", "08") }],
    ["no operation", { kind: undefined }],
    ["a version that is none", { version: "2" }],
    ["version 0", { version: 0 }],
    ["no files", { files: "all" }],
    ["a file that is no object", { files: [null] }],
    ["a prototype", { files: [{ area: "__proto__", name: "chat.json" }] }],
  ])("%s: undoes nothing, moves nothing, and is said", async (_what, fields) => {
    const { storage, manager } = await setting();
    await told(manager, "other");
    for (const name of [
      "state_other.json",
      "state_chat.json",
      "state_../chat.json",
      "backup_other_2026-01-14T21-30-00-000Z.json",
    ]) {
      await storage.replace({ area: "trash", name: `${STAMP}_${name}` }, Buffer.from("theirs"));
    }
    await storage.remove({ area: "state", name: "other.json" });
    await plant(storage, fields);
    const before = await contents(storage, ["state", "backup", "quarantine", "trash"]);
    const warnings: string[] = [];
    manager.on("warning", ({ message }) => warnings.push(message));
    expect(await codeRejected(manager.undo("chat"))).toBe("NOT_FOUND");
    expect(await codeRejected(manager.undo())).toBe("NOT_FOUND");
    expect(await contents(storage, ["state", "backup", "quarantine", "trash"])).toEqual(before);
    expect(warnings).toHaveLength(1);
  });

  test("a byte that was changed: it undoes nothing, and hides no other operation", async () => {
    const { storage, manager } = await setting();
    await manager.rename("chat", "One");
    await manager.rename("chat", "Two");
    const [, name = ""] = await storage.list("trash");
    await storage.replace(
      { area: "trash", name },
      Buffer.from((await textOf(storage, "trash", name)).replace('"One"', '"Own"')),
    );
    expect(await manager.operations()).toHaveLength(1);
    await manager.undo();
    expect(await codeRejected(manager.undo())).toBe("NOT_FOUND");
  });

  test.each(["2025-99-99T99-99-99-999Z-abcd", "9999-12-31T23-59-59-999Z-zzzz", "not a stamp", ""])(
    "a name that begins with %j does not keep others from being made, found and undone",
    async (stamp) => {
      const { storage, manager } = await setting();
      await storage.replace({ area: "trash", name: `${stamp}_state_chat.json` }, Buffer.from("theirs"));
      await storage.replace({ area: "trash", name: `${stamp}_operation_chat.json` }, Buffer.from("theirs"));
      const before = await contents(storage);
      await manager.remove("chat");
      expect((await manager.undo()).operation).toBe("rm");
      expect(await contents(storage)).toEqual(before);
    },
  );

  test("a copy that was damaged: the restore is not undone, and the present stays", async () => {
    const { storage, manager } = await setting();
    await manager.restore("chat", "~1");
    const before = await manager.loadState("chat");
    const name = (await storage.list("trash")).find((each) => each.includes("_state_")) ?? "";
    await storage.replace({ area: "trash", name }, Buffer.from("{ torn"));
    expect(await codeRejected(manager.undo("chat"))).toBe("CORRUPT");
    expect(await manager.loadState("chat")).toEqual(before);
  });

  test("a directory in a record's place hides no other", async () => {
    const disk = new SimulatedFileSystem();
    const storage = storageOver(disk);
    const manager = managerOver(storage);
    await told(manager, "chat");
    await disk.makeDirectory(`${STATE_DIR}/.draftstate/trash/${STAMP}_operation_chat.json`);
    await manager.rename("chat", "One");
    expect(await manager.operations()).toHaveLength(1);
    await manager.close();
  });
});

describe("a record of a newer version", () => {
  const LATER = "2099-01-01T00-00-00-000Z-abcd";
  const newer: [string, Record][] = [
    ["an unknown operation", { kind: "chmod" }],
    ["a higher version", { version: 2 }],
    ["a higher version of another shape", { version: 2, kind: undefined, stamp: 7, files: {} }],
  ];

  test.each(newer)("(%s) is not undone, and nothing below it in its place", async (_what, fields) => {
    const { storage, manager } = await setting();
    await manager.rename("chat", "One");
    await told(manager, "other");
    await manager.rename("other", "Two");
    await plant(storage, fields, "chat", LATER);
    const before = await contents(storage, AREAS);
    expect([
      await codeRejected(manager.undo("chat")),
      await codeRejected(manager.undo()),
      await codeRejected(manager.undo("chat", { at: "2099" })),
    ]).toEqual(["NEWER_VERSION", "NEWER_VERSION", "NEWER_VERSION"]);
    expect(await contents(storage, AREAS)).toEqual(before);
    expect((await manager.undo("other")).operation).toBe("rename");
  });

  test.each(newer)("(%s) below a known one keeps nobody from undoing that", async (_what, fields) => {
    const { storage, manager } = await setting();
    await plant(storage, fields, "chat", "2026-01-13T00-00-00-000Z-abcd");
    await manager.rename("chat", "One");
    expect((await manager.undo("chat")).operation).toBe("rename");
    expect(await codeRejected(manager.undo("chat"))).toBe("NEWER_VERSION");
  });

  test("whose checksum is wrong is damaged: what is below it can be undone", async () => {
    const { storage, manager } = await setting();
    await manager.rename("chat", "One");
    await storage.replace(
      { area: "trash", name: `${LATER}_operation_chat.json` },
      Buffer.from('{ "version": 2, "checksum": "sha256:" }'),
    );
    expect((await manager.undo("chat")).operation).toBe("rename");
  });

  test("written by this version, is of version 1; one without a version is read as such", async () => {
    const { storage, manager } = await setting();
    await manager.rename("chat", "One");
    const [name = ""] = await storage.list("trash");
    const text = await textOf(storage, "trash", name);
    const { checksum: _checksum, version, ...fields } = JSON.parse(text) as Record;
    await plant(storage, fields, "chat", name.slice(0, STAMP.length));
    expect([version, (await manager.undo("chat")).operation]).toEqual([1, "rename"]);
  });
});

test("verify looks neither at the trash nor at quarantine", async () => {
  const { storage, manager } = await setting();
  await edit(storage, "chat", "upon", "under");
  await manager.repair("chat");
  for (const area of ["trash", "quarantine"] as const)
    for (const name of await storage.list(area)) await storage.replace({ area, name }, Buffer.from("torn"));
  expect(await manager.verify()).toMatchObject({ ok: true, checked: 3 });
});

test("retention at the end of a turn is nobody's command: it is not undone", async () => {
  const { manager } = await setting({ maxBackups: 1 });
  expect([await manager.operations(), (await manager.listBackups("chat")).length]).toEqual([[], 1]);
});

describe("an operation that fails before anything went", () => {
  test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>]>([
    ["rm", (manager) => manager.remove("chat")],
    ["prune", (manager) => manager.prune({ max: 0 })],
  ])("(%s) is none that could be undone", async (_name, act) => {
    const { storage, manager } = await setting();
    await manager.rename("chat", "A title");
    const before = await contents(storage, ["backup", "trash"]);
    const move = storage.move.bind(storage);
    storage.move = async (from, to) => {
      if (from.area === "backup") throw new DraftstateError("STORAGE", "permission denied");
      return move(from, to);
    };
    expect(await codeRejected(act(manager))).toBe("STORAGE");
    expect((await manager.operations()).map(({ operation }) => operation)).toEqual(["rename"]);
    expect(await contents(storage, ["backup", "trash"])).toEqual(before);
  });
});
