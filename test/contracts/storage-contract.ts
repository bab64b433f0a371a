/**
 * The contract of src/storage/storage.ts, executable: each implementation, and each wrapper that claims to change
 * nothing, runs this suite or is none. It knows no files; what an implementation must stage for it is its fixture's.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Key, Lock, LockAttempt, Storage } from "../../src/storage/storage.js";
import { AREAS } from "../../src/storage/storage.js";

export interface StorageFixture {
  /** Fresh and not yet prepared. */
  readonly storage: Storage;
  /** From outside: the lock of this name now belongs to somebody else. */
  loseLock(name: string): Promise<void>;
  dispose(): Promise<void>;
}

const SINCE = new Date("2026-01-14T21:30:00.000Z");
const KEY: Key = { area: "state", name: "chat.json" };
const OTHER: Key = { area: "trash", name: "chat-1.json" };
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export function acquired(attempt: LockAttempt): Lock {
  if (!attempt.acquired) throw new Error(`the lock was refused: ${JSON.stringify(attempt)}`);
  return attempt.lock;
}

export async function textAt(storage: Storage, key: Key): Promise<string | undefined> {
  const bytes = await storage.read(key);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8");
}

export function describeStorageContract(name: string, makeStorage: () => Promise<StorageFixture>): void {
  describe(`the storage contract, kept by ${name}`, () => {
    let fixture: StorageFixture;
    let storage: Storage;

    beforeEach(async () => {
      fixture = await makeStorage();
      storage = fixture.storage;
      await storage.prepare();
    });
    afterEach(() => fixture.dispose());

    /** A guard that runs `look` at the last moment before a replacement, and lets it pass. */
    function guardThat(look: () => Promise<void>, lock: Lock): Lock {
      return { name: lock.name, holder: lock.holder, assertHeld: look, release: () => lock.release() };
    }

    describe("prepare and exists", () => {
      test("an unprepared store does not exist, and looking does not make it", async () => {
        const { storage: fresh, dispose } = await makeStorage();
        expect(await fresh.exists()).toBe(false);
        expect(await fresh.read(KEY)).toBeUndefined();
        expect(await fresh.readEnd(KEY, 10)).toBeUndefined();
        expect(await fresh.stat(KEY)).toBeUndefined();
        expect(await fresh.lockHolder("chat")).toBeUndefined();
        for (const area of AREAS) expect(await fresh.list(area)).toEqual([]);
        expect(await fresh.exists()).toBe(false);
        await dispose();
      });

      test("a prepared store exists, and preparing again keeps what it holds", async () => {
        await storage.replace(KEY, bytesOf("kept"));
        await storage.prepare();
        expect(await storage.exists()).toBe(true);
        expect(await textAt(storage, KEY)).toBe("kept");
      });
    });

    describe("read", () => {
      test("what is absent reads as undefined", async () => {
        expect(await storage.read(KEY)).toBeUndefined();
        expect(await storage.readEnd(KEY, 4)).toBeUndefined();
        expect(await storage.stat(KEY)).toBeUndefined();
      });

      test("bytes come back as they went in, whatever they are", async () => {
        const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 31) % 256);
        await storage.replace(KEY, bytes);
        expect(Buffer.compare(Buffer.from((await storage.read(KEY)) ?? []), Buffer.from(bytes))).toBe(0);
        expect((await storage.stat(KEY))?.size).toBe(bytes.length);
      });

      test("parts come back as one, and are asked for once", async () => {
        let asked = 0;
        const parts = function* (): Generator<Uint8Array> {
          asked += 1;
          yield bytesOf("ab");
          yield new Uint8Array(100_000).fill(99);
          yield bytesOf("");
          yield bytesOf("d");
        };
        await storage.replace(KEY, parts());
        expect([await textAt(storage, KEY), asked]).toEqual([`ab${"c".repeat(100_000)}d`, 1]);
      });

      test("where a part cannot be made, what was there stays", async () => {
        await storage.replace(KEY, bytesOf("kept"));
        const parts = function* (): Generator<Uint8Array> {
          yield bytesOf("half");
          throw new Error("no more");
        };
        await expect(storage.replace(KEY, parts())).rejects.toThrow("no more");
        expect([await textAt(storage, KEY), await storage.list("state")]).toEqual(["kept", ["chat.json"]]);
      });

      test("an empty value is there, and is not absent", async () => {
        await storage.replace(KEY, bytesOf(""));
        expect(await textAt(storage, KEY)).toBe("");
        expect(await storage.list("state")).toEqual(["chat.json"]);
      });

      test("more than maxBytes is refused as CORRUPT, exactly maxBytes is not", async () => {
        await storage.replace(KEY, bytesOf("12345"));
        await expect(storage.read(KEY, { maxBytes: 4 })).rejects.toMatchObject({ code: "CORRUPT", path: storage.describe(KEY) });
        expect((await storage.read(KEY, { maxBytes: 5 }))?.length).toBe(5);
      });

      test("readEnd gives the last bytes and the size of the whole", async () => {
        await storage.replace(KEY, bytesOf("0123456789"));
        const end = await storage.readEnd(KEY, 3);
        expect(end?.size).toBe(10);
        expect(Buffer.from(end?.bytes ?? []).toString()).toBe("789");
      });

      test("readEnd of more than there is gives all there is", async () => {
        await storage.replace(KEY, bytesOf("ab"));
        const end = await storage.readEnd(KEY, 100);
        expect(end?.size).toBe(2);
        expect(Buffer.from(end?.bytes ?? []).toString()).toBe("ab");
      });

      test("the same name in another area is another value", async () => {
        for (const area of AREAS) await storage.replace({ area, name: "same" }, bytesOf(area));
        for (const area of AREAS) expect(await textAt(storage, { area, name: "same" })).toBe(area);
      });
    });

    describe("list", () => {
      test("names come in code-unit order", async () => {
        for (const name of ["b", "B", "a10", "a2", "_"]) await storage.replace({ area: "backup", name }, bytesOf(name));
        expect(await storage.list("backup")).toEqual(["B", "_", "a10", "a2", "b"]);
      });

      test("an unfinished write never shows", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        const seen: string[][] = [];
        await storage.replace(KEY, bytesOf("new"), guardThat(async () => void seen.push(await storage.list("state")), lock));
        expect(seen).toEqual([[]]);
        expect(await storage.list("state")).toEqual(["chat.json"]);
      });

      test("locks do not show", async () => {
        await storage.tryLock("chat", SINCE);
        for (const area of AREAS) expect(await storage.list(area)).toEqual([]);
      });
    });

    describe("replace", () => {
      test("the last of several replacements stays", async () => {
        for (const text of ["one", "two two", "3"]) await storage.replace(KEY, bytesOf(text));
        expect(await textAt(storage, KEY)).toBe("3");
      });

      test("a reader sees the old bytes until the new ones are there", async () => {
        await storage.replace(KEY, bytesOf("old"));
        const lock = acquired(await storage.tryLock("chat", SINCE));
        const seen: (string | undefined)[] = [];
        await storage.replace(KEY, bytesOf("new"), guardThat(async () => void seen.push(await textAt(storage, KEY)), lock));
        expect(seen).toEqual(["old"]);
        expect(await textAt(storage, KEY)).toBe("new");
      });

      test("a guard that holds lets it pass", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        await storage.replace(KEY, bytesOf("guarded"), lock);
        expect(await textAt(storage, KEY)).toBe("guarded");
      });

      test("a lost guard refuses with LOCKED, the old bytes stay and nothing is left over", async () => {
        await storage.replace(KEY, bytesOf("old"));
        const lock = acquired(await storage.tryLock("chat", SINCE));
        await fixture.loseLock("chat");
        await expect(storage.replace(KEY, bytesOf("new"), lock)).rejects.toMatchObject({ code: "LOCKED" });
        expect(await textAt(storage, KEY)).toBe("old");
        expect(await storage.list("state")).toEqual(["chat.json"]);
        expect(await storage.sweep("chat")).toEqual([]);
      });
    });

    describe("create", () => {
      test("a free name is taken", async () => {
        expect(await storage.create(KEY, bytesOf("first"))).toBe(true);
        expect(await textAt(storage, KEY)).toBe("first");
      });

      test("a taken name is left as it is", async () => {
        await storage.create(KEY, bytesOf("first"));
        expect(await storage.create(KEY, bytesOf("second"))).toBe(false);
        expect(await textAt(storage, KEY)).toBe("first");
        expect(await storage.sweep("chat")).toEqual([]);
      });

      test("of many at once exactly one wins, and its bytes are there", async () => {
        const results = await Promise.all(Array.from({ length: 8 }, (_, index) => storage.create(KEY, bytesOf(`by ${index}`))));
        expect(results.filter((won) => won)).toHaveLength(1);
        expect(await textAt(storage, KEY)).toBe(`by ${results.indexOf(true)}`);
      });
    });

    describe("move", () => {
      test("the bytes are under the new name and not under the old", async () => {
        await storage.replace(KEY, bytesOf("moved"));
        expect(await storage.move(KEY, OTHER)).toBe(true);
        expect(await textAt(storage, OTHER)).toBe("moved");
        expect(await storage.read(KEY)).toBeUndefined();
      });

      test("nothing to move is false", async () => {
        expect(await storage.move(KEY, OTHER)).toBe(false);
        expect(await storage.list("trash")).toEqual([]);
      });

      test("a taken target is never overwritten", async () => {
        await storage.replace(KEY, bytesOf("source"));
        await storage.replace(OTHER, bytesOf("target"));
        await expect(storage.move(KEY, OTHER)).rejects.toMatchObject({ code: "STORAGE" });
        expect(await textAt(storage, KEY)).toBe("source");
        expect(await textAt(storage, OTHER)).toBe("target");
      });
    });

    describe("remove", () => {
      test("what was there is gone, and was said to be there", async () => {
        await storage.replace(KEY, bytesOf("x"));
        expect(await storage.remove(KEY)).toBe(true);
        expect(await storage.read(KEY)).toBeUndefined();
        expect(await storage.remove(KEY)).toBe(false);
      });
    });

    describe("logs", () => {
      const LOG: Key = { area: "state", name: "chat.journal" };

      test("appends come back in order, synced or not", async () => {
        const log = await storage.createLog(LOG);
        await log.append(bytesOf("one,"));
        await log.sync();
        await log.append(bytesOf("two"));
        expect(await textAt(storage, LOG)).toBe("one,two");
        await log.close();
      });

      test("a new log is empty and is there", async () => {
        const log = await storage.createLog(LOG);
        expect(await textAt(storage, LOG)).toBe("");
        expect(await storage.list("state")).toEqual(["chat.journal"]);
        await log.close();
      });

      test("createLog replaces: nothing of the old log is left, and nothing more of it arrives", async () => {
        const old = await storage.createLog(LOG);
        await old.append(bytesOf("old"));
        const log = await storage.createLog(LOG);
        await old.append(bytesOf("late"));
        await log.append(bytesOf("new"));
        expect(await textAt(storage, LOG)).toBe("new");
        await old.close();
        await log.close();
      });
    });

    describe("locks", () => {
      test("a free lock is had, and its holder can be asked for", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        expect(lock.holder.since).toBe(SINCE.toISOString());
        expect(await storage.lockHolder("chat")).toEqual(lock.holder);
        await expect(lock.assertHeld()).resolves.toBeUndefined();
      });

      test("a second attempt is refused and told who holds it", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        const second = await storage.tryLock("chat", new Date(SINCE.getTime() + 1000));
        expect(second).toMatchObject({ acquired: false, holder: lock.holder });
        await expect(lock.assertHeld()).resolves.toBeUndefined();
      });

      test("of many attempts at once exactly one wins", async () => {
        const attempts = await Promise.all(Array.from({ length: 8 }, () => storage.tryLock("chat", SINCE)));
        expect(attempts.filter((attempt) => attempt.acquired)).toHaveLength(1);
      });

      test("another name is another lock, also one that begins alike", async () => {
        for (const name of ["chat", "chat.lock", "chat-2", "chat.lock.lock"]) acquired(await storage.tryLock(name, SINCE));
      });

      test("a released lock can be had again", async () => {
        await acquired(await storage.tryLock("chat", SINCE)).release();
        expect(await storage.lockHolder("chat")).toBeUndefined();
        const again = acquired(await storage.tryLock("chat", SINCE));
        await expect(again.assertHeld()).resolves.toBeUndefined();
      });

      test("a lock released twice takes nothing from the next holder", async () => {
        const first = acquired(await storage.tryLock("chat", SINCE));
        await first.release();
        const next = acquired(await storage.tryLock("chat", SINCE));
        await first.release();
        await expect(first.assertHeld()).rejects.toMatchObject({ code: "LOCKED" });
        await expect(next.assertHeld()).resolves.toBeUndefined();
      });

      test("assertHeld rejects with LOCKED once the lock was replaced", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        await fixture.loseLock("chat");
        await expect(lock.assertHeld()).rejects.toMatchObject({ code: "LOCKED" });
      });

      test("releasing a lost lock leaves it to its new owner", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        await fixture.loseLock("chat");
        await lock.release();
        expect((await storage.tryLock("chat", SINCE)).acquired).toBe(false);
      });
    });

    describe("locks that are there", () => {
      test("none, then each that is held, in order, with its owner; a released one no more", async () => {
        expect(await storage.locks()).toEqual([]);
        const second = acquired(await storage.tryLock("second", SINCE));
        const first = acquired(await storage.tryLock("first", SINCE));
        expect(await storage.locks()).toEqual([
          { name: "first", holder: first.holder, liveness: "alive" },
          { name: "second", holder: second.holder, liveness: "alive" },
        ]);
        await first.release();
        expect((await storage.locks()).map(({ name }) => name)).toEqual(["second"]);
      });

      test("a name that looks like a claim on a lock is a lock of its own", async () => {
        acquired(await storage.tryLock("a.lock.b", SINCE));
        expect((await storage.locks()).map(({ name }) => name)).toEqual(["a.lock.b"]);
      });
    });

    describe("probe and space", () => {
      test("every area of a prepared store can be written, and a probe leaves nothing", async () => {
        for (const area of AREAS) {
          expect(await storage.probe(area)).toBe(true);
          expect(await storage.list(area)).toEqual([]);
        }
        expect(await storage.sweep("probe")).toEqual([]);
      });

      test("an unprepared store has no area to write in, and a probe does not make one", async () => {
        const { storage: fresh, dispose } = await makeStorage();
        expect(await fresh.probe("state")).toBe(false);
        expect(await fresh.space("state")).toBeUndefined();
        expect(await fresh.exists()).toBe(false);
        await dispose();
      });

      test("the room left is no more than there is", async () => {
        const space = await storage.space("state");
        if (space !== undefined) {
          expect(space.freeBytes).toBeGreaterThan(0);
          expect(space.totalBytes).toBeGreaterThanOrEqual(space.freeBytes);
        }
      });
    });

    describe("sweep", () => {
      test("nothing finished and nothing held is swept", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        await storage.tryLock("chat.lock", SINCE);
        await storage.replace(KEY, bytesOf("state"));
        await storage.replace({ area: "backup", name: "chat_2026-01-14T21-30-00-000Z.json" }, bytesOf("backup"));
        expect(await storage.sweep("chat")).toEqual([]);
        await expect(lock.assertHeld()).resolves.toBeUndefined();
        expect((await storage.tryLock("chat.lock", SINCE)).acquired).toBe(false);
        expect(await storage.list("backup")).toHaveLength(1);
        expect(await textAt(storage, KEY)).toBe("state");
      });
    });
  });
}
