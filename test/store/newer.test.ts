/** G8: what a newer version wrote is refused with `NEWER_VERSION` by every reader and writer, and not one byte of the store changes. */
import { describe, expect, test } from "vitest";
import { encodeLine } from "../../src/journal/framing.js";
import type { JsonObject } from "../../src/model/json.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { seal } from "../../src/snapshot/checksum.js";
import { readMetadataOnly } from "../../src/store/read.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import { AREAS } from "../../src/storage/storage.js";
import { contents } from "../doubles/contents.js";
import { cutOff, damage, edit } from "../doubles/conversations.js";
import { codeRejected } from "../doubles/error-code.js";
import { memory } from "../doubles/managers.js";

const SNAPSHOT = { area: "state", name: "chat.json" } as const;
const JOURNAL = { area: "state", name: "chat.journal" } as const;
const LINE = encodeLine({ rev: 99, at: 1, checkpoint: {} });

async function bytesOf(
  storage: MemoryStorage,
  key: { readonly area: "state" | "backup"; readonly name: string },
): Promise<Buffer> {
  return Buffer.from((await storage.read(key)) ?? []);
}

async function newerJournal(storage: MemoryStorage): Promise<void> {
  await storage.replace(JOURNAL, Buffer.concat([await bytesOf(storage, JOURNAL), Buffer.from(LINE)]));
}

/** The newest backup as a newer version would have written it. */
async function newerBackup(storage: MemoryStorage): Promise<void> {
  const [name = ""] = (await storage.list("backup")).slice(-1);
  const document = JSON.parse((await bytesOf(storage, { area: "backup", name })).toString()) as {
    _metadata: JsonObject;
  };
  const text = JSON.stringify(
    { ...document, _metadata: { ...document._metadata, version: "2.0.0", revision: 999, checksum: "sha256:" } },
    null,
    2,
  );
  await storage.replace({ area: "backup", name: "chat_2099-01-01T00-00-00-000Z.json" }, seal(Buffer.from(text)));
}

const NEWER: Readonly<Record<string, (storage: MemoryStorage) => Promise<void>>> = {
  "a snapshot": (storage) => edit(storage, "chat", '"version": "1.0.0"', '"version": "2.0.0"'),
  "a journal": newerJournal,
  async "a journal beside an edited snapshot"(storage) {
    await edit(storage, "chat", "Tell", "Sell");
    await newerJournal(storage);
  },
  async "a journal beside a damaged snapshot"(storage) {
    await damage(storage, "chat");
    await newerJournal(storage);
  },
  async "a journal without a snapshot"(storage) {
    await storage.remove(SNAPSHOT);
    await newerJournal(storage);
  },
  async "the newest backup beside a damaged snapshot"(storage) {
    await damage(storage, "chat");
    await newerBackup(storage);
  },
  async "the newest backup without a snapshot"(storage) {
    await storage.remove(SNAPSHOT);
    await storage.remove(JOURNAL);
    await newerBackup(storage);
  },
};

const WAYS: Readonly<Record<string, (manager: DraftStatePersistenceManager) => Promise<unknown>>> = {
  load: (manager) => manager.loadState("chat"),
  open: (manager) => manager.open("chat"),
  save: (manager) => manager.saveState("chat", { a: 1 }),
  rename: (manager) => manager.rename("chat", "Mine"),
  restore: (manager) => manager.restore("chat", "latest"),
  fork: (manager) => manager.fork("chat", { newId: "other" }),
  repair: (manager) => manager.repair("chat"),
  "repair --accept": (manager) => manager.repair("chat", { accept: true }),
};

describe.each(Object.entries(NEWER))("%s of a newer version", (_what, make) => {
  test.each(Object.entries(WAYS))("is refused by %s, and nothing changes", async (_way, act) => {
    const storage = memory();
    const manager = await cutOff(storage, "chat");
    await make(storage);
    const before = await contents(storage, AREAS);
    expect(await codeRejected(act(manager))).toBe("NEWER_VERSION");
    await manager.close();
    expect(await contents(storage, AREAS)).toEqual(before);
  });

  test("is a row and a problem that say so", async () => {
    const storage = memory();
    const manager = await cutOff(storage, "chat");
    await make(storage);
    expect((await manager.list()).map(({ error }) => error?.code)).toEqual(["NEWER_VERSION"]);
    expect(
      (await manager.verify()).problems.map(({ kind, repairable }) => [kind.endsWith("-newer"), repairable]),
    ).toContainEqual([true, false]);
  });
});

test("the end of a snapshot of a newer version is not read as one of ours", async () => {
  const storage = memory();
  await (await cutOff(storage, "chat")).close();
  const before = await readMetadataOnly(storage, "chat");
  await edit(storage, "chat", '"version": "1.0.0"', '"version": "2.0.0"');
  expect([before?.metadata.version, await readMetadataOnly(storage, "chat")]).toEqual(["1.0.0", undefined]);
});

test("a backup of a newer version is not restored, and nothing changes", async () => {
  const storage = memory();
  const manager = await cutOff(storage, "chat");
  await newerBackup(storage);
  const before = await contents(storage, AREAS);
  expect(await codeRejected(manager.restore("chat", "2099"))).toBe("NEWER_VERSION");
  expect(await contents(storage, AREAS)).toEqual(before);
});

test("a repair is not undone over what a newer version has written since", async () => {
  const storage = memory();
  const manager = await cutOff(storage, "chat");
  await edit(storage, "chat", "Tell", "Sell");
  await manager.repair("chat", { accept: true });
  await storage.replace(JOURNAL, Buffer.from(LINE));
  const before = await contents(storage, AREAS);
  expect(await codeRejected(manager.undo("chat"))).toBe("NEWER_VERSION");
  expect(await contents(storage, AREAS)).toEqual(before);
});
