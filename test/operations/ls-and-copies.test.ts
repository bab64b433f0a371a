/** A list never calls a snapshot complete that is not what was saved; second copies that sync tools make are told, and damaged backups cleared away. */
import { describe, expect, test } from "vitest";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import { parseConflictCopy } from "../../src/store/conflict-copies.js";
import { isConversationId } from "../../src/store/names.js";
import { contents, textOf } from "../doubles/contents.js";
import { cutOff, told } from "../doubles/conversations.js";
import { codeRejected } from "../doubles/error-code.js";
import { managerOver, memory } from "../doubles/managers.js";

const SNAPSHOT = { area: "state", name: "chat.json" } as const;

async function setting(): Promise<{ storage: MemoryStorage; manager: DraftStatePersistenceManager }> {
  const storage = memory();
  const manager = managerOver(storage);
  await told(manager, "chat", 2);
  return { storage, manager };
}

async function statusOf(manager: DraftStatePersistenceManager): Promise<unknown> {
  const [row] = await manager.list();
  return [row?.status, row?.error?.code];
}

const DAMAGES: Readonly<Record<string, (text: string) => string>> = {
  empty: () => "",
  "cut in half": (text) => text.slice(0, text.length / 2),
  "cut at the last byte but two": (text) => text.slice(0, -3),
  "edited to another length": (text) => text.replace("upon 1", "under 1"),
  "with its beginning cut off": (text) => text.slice(40),
  "edited in its title": (text) => text.replace(/"title": "[^"]*"/, '"title": "Another one"'),
};

describe("a snapshot", () => {
  test.each(Object.keys(DAMAGES))("%s is no complete conversation in the list, whatever its time", async (name) => {
    const { storage, manager } = await setting();
    // The clock of this storage stands still: only the content tells.
    await storage.replace(SNAPSHOT, Buffer.from(DAMAGES[name]?.(await textOf(storage, "state", "chat.json")) ?? ""));
    expect(await statusOf(manager)).toEqual(["corrupt", "CORRUPT"]);
  });

  test.each(Object.keys(DAMAGES))("%s is none beside the journal of a killed writer either", async (name) => {
    const storage = memory();
    const manager = await cutOff(storage, "chat");
    const text = (await textOf(storage, "state", "chat.json")).replaceAll("Tell me", "upon 1");
    await storage.replace(SNAPSHOT, Buffer.from(DAMAGES[name]?.(text) ?? ""));
    expect(await statusOf(manager)).toEqual(["corrupt", "CORRUPT"]);
  });

  test("tells its own length, at every number of digits", async () => {
    const storage = memory();
    const manager = managerOver(storage);
    for (const length of [1, 8_990, 9_000, 9_010, 9_011, 9_012, 99_000]) {
      await manager.saveState("chat", { text: "x".repeat(length) });
      const text = await textOf(storage, "state", "chat.json");
      const document = JSON.parse(text) as { readonly _metadata: { readonly fileBytes: number } };
      expect(document._metadata.fileBytes).toBe(Buffer.byteLength(text));
      expect(await statusOf(manager)).toEqual(["complete", undefined]);
    }
    await manager.close();
  });

  test("of an older version, which does not tell its length, is complete", async () => {
    const { storage, manager } = await setting();
    const bytes = (await storage.read(SNAPSHOT)) ?? new Uint8Array();
    const { seal } = await import("../../src/snapshot/checksum.js");
    const older = Buffer.from(bytes)
      .toString()
      .replace(/\n {4}"fileBytes": \d+,/, "")
      .replace(/sha256:[0-9a-f]{64}/, "sha256:");
    await storage.replace(SNAPSHOT, seal(Buffer.from(older)));
    expect(await statusOf(manager)).toEqual(["complete", undefined]);
  });
});

describe("the second copy of a file", () => {
  const COPIES = [
    "chat (conflicted copy).json",
    "chat (conflicted copy 2026-01-01).json",
    "chat (Ann's conflicted copy 2026-01-01).journal",
    "chat.sync-conflict-20260101-120000-ABCDEFG.json",
    "chat.sync-conflict-20260101-120000-ABCDEFG.journal",
    "chat_conflict-20260101-120000.json",
    "chat 2.json",
    "chat (1).json",
    "chat copy.json",
    "chat - Copy.json",
  ];

  test.each(COPIES)("%s is told by verify and health, and is no conversation", async (name) => {
    const { storage, manager } = await setting();
    const bytes = (await storage.read(SNAPSHOT)) ?? new Uint8Array();
    await storage.replace({ area: "state", name }, bytes);
    expect((await manager.list()).map(({ conversationId, status }) => [conversationId, status])).toEqual([
      ["chat", "complete"],
    ]);
    expect(await manager.ids()).toEqual(["chat"]);
    const { ok, problems } = await manager.verify();
    expect([ok, problems.map(({ kind, conversationId }) => [kind, conversationId])]).toEqual([
      false,
      [["conflict-copy", "chat"]],
    ]);
    expect(problems[0]?.detail).toMatch(name.endsWith(".json") ? /readImport.+ or remove/ : /remove the file/);
    for (const quick of [false, true]) {
      const { checks } = await manager.health({ quick });
      expect(checks.find((check) => check.name === "damaged-files")).toMatchObject({ status: "warn" });
    }
  });

  test("of a backup and of a thread's segment is told too; what only looks like one is not", async () => {
    const { storage, manager } = await setting();
    const [backup = ""] = await storage.list("backup");
    const copy = backup.replace(".json", " (conflicted copy).json");
    await storage.replace({ area: "backup", name: copy }, new Uint8Array([1]));
    await storage.replace({ area: "state", name: "t.000001 (1).thread" }, new Uint8Array([1]));
    await storage.replace({ area: "state", name: "package 2.json" }, new Uint8Array([1]));
    expect((await manager.verify()).problems.map(({ path }) => path.split(/[/:]/).at(-1))).toEqual([
      expect.stringContaining("conflicted copy"),
    ]);
    expect(await manager.listBackups("chat")).toHaveLength(2);
  });

  test.each(["chat 2.json", "chat (1).json", "chat copy.json", COPIES[3] ?? ""])(
    "%s is told where it is all that is left, and may have the id again",
    async (name) => {
      const storage = memory();
      const bytes = (await (await setting()).storage.read(SNAPSHOT)) ?? new Uint8Array();
      await storage.prepare();
      await storage.replace({ area: "state", name }, bytes);
      await storage.replace({ area: "state", name: "package 2.json" }, Buffer.from('{"name": "package"}'));
      const { problems } = await managerOver(storage).verify();
      expect(problems.map(({ kind, conversationId }) => [kind, conversationId])).toEqual([["conflict-copy", "chat"]]);
      expect(problems[0]?.detail).toContain('manager.import() as "chat")');
    },
  );

  test("has a name that no conversation can have", () => {
    expect(COPIES.map((name) => isConversationId(name.replace(/\.\w+$/, "")))).toEqual(COPIES.map(() => false));
    expect(parseConflictCopy("chat.json")).toBeUndefined();
    expect(isConversationId("sync-conflict")).toBe(true);
  });
});

describe("a damaged backup", () => {
  test("is moved away by repair, with a copy in quarantine; undo brings it back, redo clears it again", async () => {
    const { storage, manager } = await setting();
    const [name = ""] = await storage.list("backup");
    await storage.replace({ area: "backup", name }, Buffer.from("{ torn"));
    const before = await contents(storage);
    expect((await manager.verify()).problems).toMatchObject([{ kind: "backup-damaged", repairable: true }]);
    const result = await manager.repair("chat");
    expect(result).toMatchObject({ repaired: true, problems: [{ kind: "backup-damaged" }] });
    expect(result.quarantined).toHaveLength(1);
    expect(await storage.list("quarantine")).toHaveLength(1);
    expect(await manager.verify()).toMatchObject({ ok: true });
    expect(await storage.list("backup")).toHaveLength(1);
    expect(await manager.undo()).toMatchObject({ operation: "repair", conversationId: "chat" });
    expect(await contents(storage)).toEqual(before);
    await manager.redo();
    expect(await manager.verify()).toMatchObject({ ok: true });
  });

  test.each([
    ["damaged", ["backup-damaged", "snapshot-damaged"]],
    ["missing", ["backup-damaged"]],
  ])(
    "is cleared in one operation with a %s snapshot: one undo takes both back, one redo does both",
    async (harm, problems) => {
      const { storage, manager } = await setting();
      const [name = ""] = await storage.list("backup");
      await storage.replace({ area: "backup", name }, Buffer.from("{ torn"));
      if (harm === "damaged") await storage.replace(SNAPSHOT, Buffer.from("{ torn too"));
      else await storage.remove(SNAPSHOT);
      const before = await contents(storage);
      const result = await manager.repair("chat");
      const kinds = result.problems.map(({ kind }) => kind).filter((kind) => kind !== "snapshot-missing");
      expect(kinds.sort()).toEqual(problems);
      expect(result.quarantined).toHaveLength(problems.length);
      expect(await manager.verify()).toMatchObject({ ok: true });
      expect(await manager.operations()).toMatchObject([{ operation: "repair" }]);
      const { restored } = await manager.undo();
      expect(restored.some((path) => path.includes(name))).toBe(true);
      expect(await contents(storage)).toMatchObject(before);
      expect(await contents(storage, ["state"])).toEqual(
        harm === "damaged" ? { [`state/${SNAPSHOT.name}`]: "{ torn too" } : {},
      );
      expect(await manager.operations()).toEqual([]);
      await manager.redo();
      expect(await manager.verify()).toMatchObject({ ok: true });
      expect(await manager.operations()).toMatchObject([{ operation: "repair" }]);
    },
  );

  test("of a newer version, and one of a conversation that cannot be repaired, stays", async () => {
    const { storage, manager } = await setting();
    const [name = "", other = ""] = await storage.list("backup");
    const newer = (await textOf(storage, "backup", name)).replace('"version": "1.0.0"', '"version": "9.0.0"');
    await storage.replace({ area: "backup", name }, Buffer.from(newer));
    expect(await manager.repair("chat")).toMatchObject({ repaired: false });
    await storage.replace({ area: "backup", name: other }, Buffer.from("{ torn"));
    await storage.replace(SNAPSHOT, Buffer.from("{ torn"));
    const before = await contents(storage);
    expect(await codeRejected(manager.repair("chat"))).toMatch(/CORRUPT|NEWER_VERSION/);
    expect(await contents(storage)).toEqual(before);
  });
});
