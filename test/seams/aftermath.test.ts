/** What is left when something went wrong half-way: it is settled as it came out, and nothing is built upon what is gone. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { DraftStatePersistenceManager } from "../../src/index.js";
import {
  add,
  cleanUp,
  CONTENT,
  Disk,
  fallbackIn,
  filesBelow,
  found,
  ID,
  managerIn,
  noRoom,
  outcome,
  temporaryDirectory,
  texts,
  textsInBackups,
  told,
  turnedStorage,
  turns,
  type Turn,
} from "./seam.js";

afterEach(cleanUp);

async function kinds(manager: DraftStatePersistenceManager): Promise<string[]> {
  return (await manager.operations()).map(({ operation }) => operation);
}

function nameOf(key: unknown): string {
  return String(Reflect.get(key as object, "name"));
}

function removeNewestBackup(directory: string): void {
  const backups = join(directory, "backup");
  rmSync(join(backups, readdirSync(backups).sort().at(-1) ?? ""));
}

describe("a backup that was removed by hand under an open session", () => {
  test("is made again when a backup is asked for", async () => {
    const directory = temporaryDirectory();
    const manager = managerIn(directory);
    const conversation = await manager.open(ID);
    await turns(conversation, "one");
    removeNewestBackup(directory);
    const timestamp = await conversation.backup();
    expect((await manager.listBackups(ID)).map((backup) => backup.timestamp)).toEqual([timestamp]);
  });

  test("does not stand for the present that an undo replaces", async () => {
    const directory = temporaryDirectory();
    const manager = managerIn(directory);
    const conversation = await manager.open(ID);
    await turns(conversation, "one", "two");
    await manager.restore(ID, "@1");
    await turns(conversation, "three");
    removeNewestBackup(directory);
    await manager.undo(ID);
    await manager.close();
    expect(await textsInBackups(directory)).toContain("three");
  });
});

test("what was spilled is brought home by a backup or a restore, once the store can be written", async () => {
  for (const act of ["backup", "restore"] as const) {
    const directory = temporaryDirectory();
    const disk = new Disk(directory, CONTENT);
    const manager = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) });
    const conversation = await manager.open(ID);
    await turns(conversation, "one");
    disk.full = true;
    add(conversation, "two");
    await conversation.flush();
    disk.full = false;
    expect(await outcome(act === "backup" ? manager.backup(ID) : manager.restore(ID, "latest"))).toBe("ok");
    expect(filesBelow(join(directory, "fallback")).filter((path) => path.endsWith(".spill"))).toEqual([]);
  }
});

test("a change between a safety backup and what replaces it is in one of the two, however few microtasks it has", async () => {
  for (let microtasks = 0; microtasks < 12; microtasks += 1) {
    const directory = temporaryDirectory();
    const manager = managerIn(directory, { maxBackups: 50 });
    const conversation = await manager.open(ID);
    await turns(conversation, "one", "two");
    await manager.restore(ID, "@1");
    add(conversation, "three");
    await conversation.flush();
    let saved: Promise<void> | undefined;
    manager.on("backupCreated", async () => {
      if (saved !== undefined) return;
      saved = Promise.resolve();
      for (let each = 0; each < microtasks; each += 1) await Promise.resolve();
      add(conversation, "late");
      saved = conversation.flush();
      await saved;
    });
    await manager.undo(ID);
    await saved;
    const state = texts(conversation.state);
    await manager.close();
    expect([...state, ...(await textsInBackups(directory))], `${microtasks} microtasks`).toContain("late");
  }
});

describe("the outcome of an operation that could not be recorded", () => {
  test("of a restore that was refused: it is not offered for undo later", async () => {
    const directory = temporaryDirectory();
    let full = false;
    const refuse: Turn = (go) => (full ? Promise.reject(noRoom()) : go());
    const prepare: Turn = async (go, key) => {
      const done = await refuse(go);
      if (nameOf(key).startsWith("pending_")) full = true;
      return done;
    };
    const manager = managerIn(directory, {
      storage: turnedStorage(directory, {
        replace: prepare,
        create: refuse,
        createLog: refuse,
        remove: refuse,
        move: refuse,
      }),
    });
    const conversation = await manager.open(ID);
    await turns(conversation, "one", "two");
    expect(await outcome(manager.restore(ID, "@1"))).toBe("STORAGE");
    full = false;
    add(conversation, "three");
    await manager.close();
    expect(await found(directory)).toEqual(["one", "two", "three"]);
    const later = managerIn(directory);
    await (await later.open(ID)).close();
    expect(await kinds(later)).toEqual([]);
  });

  test("of a restore that is done: the next operation does not take its place", async () => {
    const directory = temporaryDirectory();
    let refusals = 1;
    const move: Turn = (go, from) =>
      nameOf(from).startsWith("pending_") && refusals-- > 0 ? Promise.reject(noRoom()) : go();
    const manager = managerIn(directory, { storage: turnedStorage(directory, { move }) });
    await turns(await manager.open(ID), "one", "two");
    await manager.restore(ID, "@1");
    await manager.rename(ID, "another title");
    expect((await kinds(manager)).sort()).toEqual(["rename", "restore"]);
  });

  test("of a restore that was refused after the conversation was changed on top of it: it stands, the error says so, and it can be undone", async () => {
    const directory = temporaryDirectory();
    let full = false;
    let isFirst = true;
    let wait = (): void => undefined;
    let answer = (): void => undefined;
    const waits = new Promise<void>((resolve) => {
      wait = resolve;
    });
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const refuse: Turn = async (go) => {
      if (!full) return go();
      wait();
      await answered;
      throw noRoom();
    };
    const prepare: Turn = async (go, key) => {
      const done = await refuse(go);
      if (nameOf(key).startsWith("pending_")) full = isFirst;
      if (full) isFirst = false;
      return done;
    };
    const manager = managerIn(directory, {
      storage: turnedStorage(directory, { replace: prepare, create: refuse, createLog: refuse }),
    });
    const conversation = await manager.open(ID);
    await turns(conversation, "one", "two");
    const restored = manager.restore(ID, "@1").then(() => "ok", String);
    await waits;
    add(conversation, "three");
    answer();
    expect(await restored).toContain("was replaced, but could not be saved");
    full = false;
    await manager.rename(ID, "another title");
    await manager.close();
    expect(await found(directory)).toEqual(["one", "three"]);
    const later = managerIn(directory);
    expect((await kinds(later)).sort()).toEqual(["rename", "restore"]);
    await later.undo(ID);
    await later.undo(ID);
    expect(await found(directory)).toEqual(["one", "two"]);
  });

  test("of an undone rename that was refused: the next save does not make it", async () => {
    const directory = temporaryDirectory();
    const disk = new Disk(directory, CONTENT);
    const manager = managerIn(directory, { storage: disk.storage });
    const conversation = await manager.open(ID);
    await turns(conversation, "one");
    await manager.rename(ID, "another title");
    await conversation.compact();
    disk.full = true;
    expect(await outcome(manager.undo(ID))).toBe("STORAGE");
    disk.full = false;
    add(conversation, "two");
    await manager.close();
    expect((await managerIn(directory).load(ID))?.metadata.title).toBe("another title");
  });
});

/** Of a session whose store has moved on since: it can only become a conversation of its own. */
async function diverged(directory: string): Promise<string> {
  const disk = new Disk(directory, CONTENT);
  const manager = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) });
  const conversation = await manager.open(ID);
  await turns(conversation, "one");
  disk.full = true;
  add(conversation, "spilled");
  await outcome(manager.close());
  await told(directory, ["moved on"]);
  const session =
    readdirSync(join(directory, "fallback"))
      .find((name) => name.endsWith(".spill"))
      ?.split(".")[1] ?? "";
  return `${ID}-spill-${session.slice(-12)}`;
}

test("a conversation is not removed while a spill of it has to stay: it would come back", async () => {
  const directory = temporaryDirectory();
  const fork = await diverged(directory);
  const other = managerIn(directory);
  const holder = await other.open(fork);
  const manager = managerIn(directory, fallbackIn(directory));
  expect(await outcome(manager.remove(ID))).toBe("STORAGE");
  expect(texts(await manager.loadState(ID))).toEqual(["one", "moved on"]);
  add(holder, "mine");
  await holder.close();
  await other.remove(fork, { purge: true });
  expect(await outcome(manager.remove(ID))).toBe("ok");
  expect(await manager.ids()).toEqual([fork]);
});

test("a spill of another project that is damaged or newer is neither in the way nor removed", async () => {
  for (const how of ["newer", "damaged"] as const) {
    const [a, b] = [temporaryDirectory(), temporaryDirectory()];
    const shared = fallbackIn(temporaryDirectory());
    const disk = new Disk(b, CONTENT);
    const manager = managerIn(b, { storage: disk.storage, ...shared });
    const conversation = await manager.open(ID);
    await turns(conversation, "of B");
    disk.full = true;
    add(conversation, "spilled");
    await outcome(manager.close());
    const [spill = ""] = filesBelow(shared.fallbackDir).filter((path) => path.endsWith(".spill"));
    const text = readFileSync(spill, "utf8");
    writeFileSync(
      spill,
      how === "newer" ? text.replace(/("version": ")[^"]*/, "$199.0.0") : text.replace("spilled", "spoiled"),
    );
    await told(a, ["of A"], shared);
    const ours = managerIn(a, shared);
    await ours.remove(ID, { purge: true });
    expect(filesBelow(shared.fallbackDir).filter((path) => path.endsWith(".spill"))).toEqual([spill]);
  }
});
