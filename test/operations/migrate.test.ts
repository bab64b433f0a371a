/**
 * Files of every schema version, kept as fixtures, become what is expected, kept beside them; each original is a backup,
 * byte for byte. What cannot be migrated is listed, stops no other, and is never written to.
 */
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/model/json.js";
import { MIGRATIONS } from "../../src/model/migrations/index.js";
import { decompress } from "../../src/store/codec.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import type { Storage } from "../../src/storage/storage.js";
import { contents, textOf } from "../doubles/contents.js";
import { codeRejected } from "../doubles/error-code.js";
import { told } from "../doubles/conversations.js";
import { managerOver, memory, START } from "../doubles/managers.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";

const OLDER = ["draft-roles", "draft-types", "draft-serialised", "draft-cut-off"] as const;

function fixture(name: string): Promise<string> {
  return readFile(new URL(`../fixtures/${name}.json`, import.meta.url), "utf8");
}

/** A fixture under another id than its `chat`. */
async function plant(storage: Storage, name: string, id = "chat"): Promise<string> {
  const text = (await fixture(name)).replace('"conversationId": "chat"', `"conversationId": "${id}"`);
  await storage.replace({ area: "state", name: `${id}.json` }, Buffer.from(text));
  return text;
}

/** Without what the time of writing decides. */
function parsed(text: string): JsonObject {
  const {
    _metadata: { savedAt: _savedAt, checksum: _checksum, fileBytes: _fileBytes, ...metadata },
    ...state
  } = JSON.parse(text) as { _metadata: JsonObject };
  return { ...state, _metadata: metadata };
}

async function withAllOlder(): Promise<{ storage: MemoryStorage; originals: Map<string, string> }> {
  const storage = memory();
  await storage.prepare();
  const originals = new Map<string, string>();
  for (const name of OLDER) originals.set(name, await plant(storage, name, name));
  return { storage, originals };
}

test("there are files of each version that a migration begins from", async () => {
  const versions = await Promise.all(
    OLDER.map(
      async (name) => (JSON.parse(await fixture(name)) as { _metadata: { version: string } })._metadata.version,
    ),
  );
  expect(new Set(versions)).toEqual(new Set(MIGRATIONS.map(({ from }) => from)));
});

describe.each(OLDER)("%s", (name) => {
  test("becomes what is expected, and the original is a backup, byte for byte", async () => {
    const storage = memory();
    await storage.prepare();
    const original = await plant(storage, name);
    const manager = managerOver(storage);
    expect(await manager.migrate()).toEqual({
      migrated: [{ conversationId: "chat", from: "1.0.0-draft", to: "1.0.0" }],
      upToDate: 0,
      failed: [],
      dryRun: false,
    });
    expect(parsed(await textOf(storage, "state", "chat.json"))).toEqual(parsed(await fixture(`${name}.migrated`)));
    expect(
      Object.values(await contents(storage, ["backup"])).map((text) => Buffer.from(text, "latin1").toString()),
    ).toEqual([original]);
    expect((await manager.verify()).ok).toBe(true);
  });

  test("is read before as it is after", async () => {
    const storage = memory();
    await storage.prepare();
    await plant(storage, name);
    const manager = managerOver(storage);
    const before = await manager.loadState("chat");
    await manager.migrate({ id: "chat" });
    expect(await manager.loadState("chat")).toEqual(before);
  });

  test("once migrated is of the current schema, and nothing is done a second time", async () => {
    const storage = memory();
    await storage.prepare();
    await plant(storage, `${name}.migrated`);
    const before = await contents(storage);
    expect(await managerOver(storage).migrate()).toEqual({ migrated: [], upToDate: 1, failed: [], dryRun: false });
    expect(await contents(storage)).toEqual(before);
  });
});

describe("all conversations", () => {
  test("a dry run tells what it would do, and changes nothing", async () => {
    const { storage } = await withAllOlder();
    const before = await contents(storage);
    const { migrated, dryRun } = await managerOver(storage).migrate({ dryRun: true });
    expect([migrated.map(({ conversationId }) => conversationId), dryRun]).toEqual([[...OLDER].sort(), true]);
    expect(await contents(storage)).toEqual(before);
  });

  test("what fails is listed with its code and stops no other; it is not written to", async () => {
    const { storage } = await withAllOlder();
    const untouched = {
      newer: await plant(storage, "newer", "newer"),
      unknown: await plant(storage, "draft-unknown-class", "unknown"),
      locked: await plant(storage, "draft-roles", "locked"),
    };
    await storage.tryLock("locked", new Date(START));
    await told(managerOver(storage), "current", 1);
    const seen: [number, number][] = [];
    const { migrated, upToDate, failed } = await managerOver(storage).migrate({
      onProgress: (done, total) => seen.push([done, total]),
    });
    expect([migrated.length, upToDate]).toEqual([OLDER.length, 1]);
    expect(failed.map(({ conversationId, code }) => [conversationId, code])).toEqual([
      ["locked", "LOCKED"],
      ["newer", "NEWER_VERSION"],
      ["unknown", "CORRUPT"],
    ]);
    for (const [id, text] of Object.entries(untouched)) expect(await textOf(storage, "state", `${id}.json`)).toBe(text);
    expect(seen.at(-1)).toEqual([8, 8]);
  });

  test.each(["gzip", "brotli"] as const)(
    "with %s the original is in its backup, byte for byte",
    async (compression) => {
      const { storage, originals } = await withAllOlder();
      await managerOver(storage, { compression }).migrate();
      for (const name of await storage.list("backup")) {
        const bytes = await decompress((await storage.read({ area: "backup", name })) ?? new Uint8Array(), compression);
        expect([...originals.values()]).toContain(Buffer.from(bytes).toString());
      }
      expect(await storage.list("backup")).toHaveLength(OLDER.length);
    },
  );

  test("the originals can be gone back to", async () => {
    const { storage } = await withAllOlder();
    const manager = managerOver(storage);
    await manager.migrate();
    await told(manager, "draft-roles", 1);
    await manager.restore("draft-roles", "~1");
    expect(parsed(JSON.stringify({ ...(await manager.loadState("draft-roles")), _metadata: {} }))["messages"]).toEqual(
      parsed(await fixture("draft-roles.migrated"))["messages"],
    );
    await manager.close();
  });
});

describe("one alone", () => {
  test.each([
    ["nobody", "NOT_FOUND"],
    ["newer", "NEWER_VERSION"],
    ["draft-unknown-class", "CORRUPT"],
    ["../chat", "INVALID_ID"],
  ])("%s is %s", async (name, code) => {
    const storage = memory();
    await storage.prepare();
    if (code !== "NOT_FOUND" && code !== "INVALID_ID") await plant(storage, name, name);
    expect(await codeRejected(managerOver(storage).migrate({ id: name }))).toBe(code);
  });

  test("whose file was put there under an open session is LOCKED, and not written to", async () => {
    const storage = memory();
    const manager = managerOver(storage);
    const conversation = await manager.open("chat");
    await conversation.endTurn();
    const original = await plant(storage, "draft-roles");
    expect(await codeRejected(manager.migrate({ id: "chat" }))).toBe("LOCKED");
    expect(await textOf(storage, "state", "chat.json")).toBe(original);
  });

  test("with only backups left has nothing to migrate", async () => {
    const storage = memory();
    const manager = managerOver(storage);
    await told(manager, "chat", 1);
    await storage.remove({ area: "state", name: "chat.json" });
    expect(await manager.migrate({ id: "chat" })).toMatchObject({ migrated: [], failed: [] });
  });
});

test("a disk that fails at any write leaves the original, or the new file with the original as a backup", async () => {
  for (let at = 1; at <= 12; at += 1) {
    const fs = new FaultyFileSystem(new SimulatedFileSystem());
    const storage = storageOver(fs);
    await storage.prepare();
    const original = await plant(storage, "draft-roles");
    fs.setFault({ code: "ENOSPC", at, only: ["write", "sync", "createFile", "rename", "link", "syncDirectory"] });
    await managerOver(storage, { retryAttempts: 0 }).migrate();
    fs.clearFault();
    const here = Object.values(await contents(storage));
    expect(here.map((text) => Buffer.from(text, "latin1").toString())).toContain(original);
    expect(await managerOver(storageOver(fs)).loadState("chat")).toMatchObject({
      currentNarrative: "Once upon a time",
    });
  }
});
