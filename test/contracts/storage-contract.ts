/**
 * The contract of src/storage/storage.ts, executable: each implementation, and each wrapper that claims to change
 * nothing, runs this suite or is none. It knows no files; what an implementation must stage for it is its fixture's.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Area, Content, Key, Lock, LockAttempt, Storage } from "../../src/storage/storage.js";
import { AREAS } from "../../src/storage/storage.js";

export interface StorageFixture {
  /** Fresh and not yet prepared. */
  readonly storage: Storage;
  /** From outside: the lock of this name now belongs to somebody else. */
  loseLock(name: string): Promise<void>;
  dispose(): Promise<void>;
  /** The same store as another process would open it. Left out where a store lives in one instance. */
  readonly again?: () => Storage;
  /** From outside: the value's bytes are overwritten where they are, at the same size, and its times set back. Left out where nobody can. */
  readonly editInPlace?: (key: Key, bytes: Uint8Array) => Promise<void>;
  /** What a writer that held this lock and died left unfinished in the area; how it is told. Left out where nothing can be left. */
  readonly leaveUnfinished?: (area: Area, lockName: string) => Promise<string>;
  /** Whether locks of this implementation are leases where that is asked for. */
  readonly leases: boolean;
}

/** Every call that takes a guard. Each changes something, so that a refusal can be told from success. */
const GUARDED: Readonly<Record<string, (storage: Storage, guard: Lock, content?: Content) => Promise<unknown>>> = {
  replace: (storage, guard, content = bytesOf("new")) => storage.replace(KEY, content, guard),
  create: (storage, guard, content = bytesOf("new")) =>
    storage.create({ area: "backup", name: "new.json" }, content, guard),
  move: (storage, guard) => storage.move(KEY, OTHER, guard),
  remove: (storage, guard) => storage.remove(KEY, guard),
  createLog: async (storage, guard) => (await storage.createLog(LOG, bytesOf("new"), guard)).close(),
};

const SINCE = new Date("2026-01-14T21:30:00.000Z");
const KEY: Key = { area: "state", name: "chat.json" };
const OTHER: Key = { area: "trash", name: "chat-1.json" };
const LOG: Key = { area: "state", name: "chat.journal" };
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

    /** Content that runs `look` when half of it is on its way. */
    async function* contentThat(look: () => Promise<void>): AsyncGenerator<Uint8Array> {
      yield bytesOf("n");
      await look();
      yield bytesOf("ew");
    }

    /** Everything that a guarded call could have changed. */
    async function everything(): Promise<unknown> {
      const found: Record<string, string | undefined> = {};
      for (const area of AREAS)
        for (const name of await storage.list(area)) found[`${area}/${name}`] = await textAt(storage, { area, name });
      return found;
    }

    async function another(): Promise<StorageFixture> {
      const made = await makeStorage();
      await made.storage.prepare();
      return made;
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

      test.each([1_048_576, 1_048_577, 5_000_000])(
        "%d bytes, in one piece and in many, come back with their end",
        async (size) => {
          const bytes = Buffer.from(Uint8Array.from({ length: size }, (_, index) => (index * 7 + (index >> 10)) % 256));
          const pieces = function* (): Generator<Uint8Array> {
            for (let from = 0; from < size; from += 70_001) yield bytes.subarray(from, from + 70_001);
          };
          await storage.replace(KEY, bytes);
          await storage.create(OTHER, pieces());
          for (const key of [KEY, OTHER]) {
            expect(Buffer.compare(Buffer.from((await storage.read(key)) ?? []), bytes)).toBe(0);
            expect((await storage.stat(key))?.size).toBe(size);
            for (const length of [1, 8192, 1_048_576])
              expect(
                Buffer.compare(
                  Buffer.from((await storage.readEnd(key, length))?.bytes ?? []),
                  bytes.subarray(size - length),
                ),
              ).toBe(0);
          }
          await storage.replace(KEY, bytesOf("small again"));
          expect(await textAt(storage, KEY)).toBe("small again");
        },
      );

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
        await expect(storage.read(KEY, { maxBytes: 4 })).rejects.toMatchObject({
          code: "CORRUPT",
          path: storage.describe(KEY),
        });
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

      test("readEnds gives many ends in the order of the keys, absent ones as undefined, one asked for twice twice", async () => {
        const keys = Array.from({ length: 100 }, (_, index): Key => ({ area: "backup", name: `b${index}` }));
        for (const key of keys.filter((_, index) => index % 3 !== 0))
          await storage.replace(key, bytesOf(`the end of ${key.name}`));
        const ends = await storage.readEnds([...keys, ...keys.slice(0, 2)], 4);
        const texts = ends.map((end) => (end === undefined ? undefined : Buffer.from(end.bytes).toString()));
        const expected = keys.map(({ name }, index) => (index % 3 === 0 ? undefined : `the end of ${name}`.slice(-4)));
        expect(texts).toEqual([...expected, ...expected.slice(0, 2)]);
        expect(ends[1]?.size).toBe("the end of b1".length);
        expect(await storage.readEnds([], 4)).toEqual([]);
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
        const seen: string[][] = [];
        await storage.replace(
          KEY,
          contentThat(async () => void seen.push(await storage.list("state"))),
        );
        expect(seen).toEqual([[]]);
        expect(await storage.list("state")).toEqual(["chat.json"]);
      });

      test("a prefix gives the names that begin with it, its own included", async () => {
        for (const name of ["a", "ab", "ab.json", "b", "aB"])
          await storage.replace({ area: "backup", name }, bytesOf(name));
        expect(await storage.list("backup", { prefix: "ab" })).toEqual(["ab", "ab.json"]);
        expect(await storage.list("backup", { prefix: "c" })).toEqual([]);
      });

      test("a prefix is text and no pattern", async () => {
        for (const name of ["a_b", "a-b", "a%b", "axb"]) await storage.replace({ area: "backup", name }, bytesOf(name));
        expect(await storage.list("backup", { prefix: "a_" })).toEqual(["a_b"]);
        expect(await storage.list("backup", { prefix: "a%" })).toEqual(["a%b"]);
      });

      test("pages of a listing are the listing: none twice, none left out", async () => {
        const names = Array.from({ length: 25 }, (_, index) => `n${index}`);
        for (const name of [...names, "other"]) await storage.replace({ area: "backup", name }, bytesOf(name));
        const pages: string[][] = [];
        for (
          let page = await storage.list("backup", { prefix: "n", limit: 7 });
          page.length > 0;
          page = await storage.list("backup", { prefix: "n", limit: 7, after: page.at(-1) ?? "" })
        )
          pages.push(page);
        expect(pages.map((page) => page.length)).toEqual([7, 7, 7, 4]);
        expect(pages.flat()).toEqual([...names].sort());
      });

      test("after a name that is not there the listing continues where it would be", async () => {
        for (const name of ["a", "c"]) await storage.replace({ area: "backup", name }, bytesOf(name));
        expect(await storage.list("backup", { after: "b" })).toEqual(["c"]);
        expect(await storage.list("backup", { limit: 0 })).toEqual([]);
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
        const seen: (string | undefined)[] = [];
        await storage.replace(
          KEY,
          contentThat(async () => void seen.push(await textAt(storage, KEY))),
        );
        expect(seen).toEqual(["old"]);
        expect(await textAt(storage, KEY)).toBe("new");
      });
    });

    describe("replaceAs", () => {
      test("replaces as replace does, whatever holds the writer's name as a lock", async () => {
        acquired(await storage.tryLock("writer", SINCE));
        const seen: (string | undefined)[] = [];
        await storage.replaceAs("writer", KEY, bytesOf("old"));
        await storage.replaceAs(
          "writer",
          KEY,
          contentThat(async () => void seen.push(await textAt(storage, KEY))),
        );
        expect([...seen, await textAt(storage, KEY), await storage.list("state")]).toEqual([
          "old",
          "new",
          ["chat.json"],
        ]);
        expect(await storage.sweep("writer")).toEqual([]);
      });

      test("that fails leaves the old bytes, and nothing unfinished", async () => {
        await storage.replaceAs("writer", KEY, bytesOf("old"));
        await expect(
          storage.replaceAs(
            "writer",
            KEY,
            contentThat(() => Promise.reject(new Error("no more"))),
          ),
        ).rejects.toThrow("no more");
        expect([await textAt(storage, KEY), await storage.sweep("writer")]).toEqual(["old", []]);
      });
    });

    describe.each(Object.entries(GUARDED))("the guard of %s", (_call, act) => {
      beforeEach(() => storage.replace(KEY, bytesOf("old")));

      test("lets it pass while it is held", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        const before = await everything();
        await act(storage, lock);
        expect(await everything()).not.toEqual(before);
      });

      test("refuses with LOCKED once it is lost, and leaves everything as it is", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        const before = await everything();
        await fixture.loseLock("chat");
        await expect(act(storage, lock)).rejects.toMatchObject({ code: "LOCKED" });
        expect(await everything()).toEqual(before);
        expect(await storage.sweep("chat")).toEqual([]);
      });

      test("refuses with LOCKED once it is released", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        const before = await everything();
        await lock.release();
        await expect(act(storage, lock)).rejects.toMatchObject({ code: "LOCKED" });
        expect(await everything()).toEqual(before);
      });

      test("must be a lock of this storage: another's is a TypeError, held or not, before anything happens", async () => {
        const { storage: elsewhere, dispose } = await another();
        const lock = acquired(await elsewhere.tryLock("chat", SINCE));
        const before = await everything();
        await expect(act(storage, lock)).rejects.toThrow(TypeError);
        await lock.release();
        await expect(act(storage, lock)).rejects.toThrow(TypeError);
        // One that looks right, as a proxy or a copy would.
        const own = acquired(await storage.tryLock("chat", SINCE));
        await expect(act(storage, { ...own, name: own.name })).rejects.toThrow(TypeError);
        expect(await everything()).toEqual(before);
        await dispose();
      });
    });

    describe.each(["replace", "create"])("the guard of %s with streamed content", (call) => {
      test("is looked at after the last part: lost on the way, it refuses", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        const before = await everything();
        await expect(
          GUARDED[call]?.(
            storage,
            lock,
            contentThat(() => fixture.loseLock("chat")),
          ),
        ).rejects.toMatchObject({ code: "LOCKED" });
        expect(await everything()).toEqual(before);
        expect(await storage.sweep("chat")).toEqual([]);
      });

      test("of another storage is refused before a part is asked for", async () => {
        const { storage: elsewhere, dispose } = await another();
        const lock = acquired(await elsewhere.tryLock("chat", SINCE));
        let asked = false;
        const content = contentThat(async () => void (asked = true));
        await expect(GUARDED[call]?.(storage, lock, content)).rejects.toThrow(TypeError);
        expect(asked).toBe(false);
        await dispose();
      });
    });

    describe("streams", () => {
      test("parts may come later, one after the other", async () => {
        await storage.create(
          KEY,
          contentThat(() => new Promise((resolve) => setTimeout(resolve, 5))),
        );
        expect(await textAt(storage, KEY)).toBe("new");
      });

      test("a stream that fails creates nothing", async () => {
        await expect(
          storage.create(
            KEY,
            contentThat(() => Promise.reject(new Error("no more"))),
          ),
        ).rejects.toThrow("no more");
        expect(await storage.list("state")).toEqual([]);
      });
    });

    describe("version tokens", () => {
      async function version(key = KEY): Promise<string | undefined> {
        const [stat, end, ends] = [
          await storage.stat(key),
          await storage.readEnd(key, 1),
          await storage.readEnds([key], 1),
        ];
        expect([end?.version, ends[0]?.version]).toEqual([stat?.version, stat?.version]);
        return stat?.version;
      }

      test("two looks give one token, however it is asked for", async () => {
        await storage.replace(KEY, bytesOf("same"));
        expect(await version()).toBe(await version());
        expect(await version()).toBeTypeOf("string");
      });

      test("content of the same size, written at once, has another", async () => {
        const seen = new Set<string | undefined>();
        for (let round = 0; round < 20; round += 1) {
          await storage.replace(KEY, bytesOf(String(round % 10)));
          seen.add(await version());
        }
        expect(seen.size).toBe(20);
      });

      test("what was removed and created anew has another", async () => {
        await storage.create(KEY, bytesOf("one"));
        const before = await version();
        await storage.remove(KEY);
        await storage.create(KEY, bytesOf("two"));
        expect(await version()).not.toBe(before);
      });

      test("each append gives another", async () => {
        const log = await storage.createLog(LOG, bytesOf("first"));
        const seen = [await version(LOG)];
        for (const part of ["a", "b"]) {
          await log.append(bytesOf(part));
          seen.push(await version(LOG));
        }
        await log.close();
        expect(new Set(seen).size).toBe(3);
        expect(await version(LOG)).toBe(seen.at(-1));
      });

      test("an edit in place of the same size, with its times set back, gives another", async () => {
        await storage.replace(KEY, bytesOf("before"));
        const before = await version();
        await fixture.editInPlace?.(KEY, bytesOf("edited"));
        if (fixture.editInPlace !== undefined) expect(await version()).not.toBe(before);
      });

      test("what was moved, and came back, has other content only under another token", async () => {
        await storage.replace(KEY, bytesOf("one"));
        const before = await version();
        await storage.move(KEY, OTHER);
        await storage.replace(KEY, bytesOf("two"));
        expect(await version()).not.toBe(before);
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
        const results = await Promise.all(
          Array.from({ length: 8 }, (_, index) => storage.create(KEY, bytesOf(`by ${index}`))),
        );
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
      test("large contents, parts and ends of a log of many appends come back as they went in", async () => {
        const log = await storage.createLog(LOG, new Uint8Array(1000).fill(1));
        const parts = [
          new Uint8Array(2_500_000).fill(2),
          ...Array.from({ length: 50 }, (_, at) => new Uint8Array(at).fill(at)),
        ];
        for (const part of parts) await log.append(part);
        const whole = Buffer.concat([new Uint8Array(1000).fill(1), ...parts]);
        expect(Buffer.compare(Buffer.from((await storage.read(LOG)) ?? []), whole)).toBe(0);
        for (const length of [0, 1, 48, 49, 50, 1224, 1225, 1226, 2_501_225, 2_502_224, 2_502_225, 3_000_000]) {
          const end = await storage.readEnd(LOG, length);
          expect([
            length,
            end?.size,
            Buffer.compare(Buffer.from(end?.bytes ?? []), whole.subarray(Math.max(0, whole.length - length))),
          ]).toEqual([length, whole.length, 0]);
        }
        await log.close();
      });

      test("appends come back in order, synced or not", async () => {
        const log = await storage.createLog(LOG);
        await log.append(bytesOf("one,"));
        await log.sync();
        await log.appendDurably(bytesOf("two,"));
        await log.append(bytesOf("three"));
        expect(await textAt(storage, LOG)).toBe("one,two,three");
        await log.close();
      });

      test("a new log is empty and is there", async () => {
        const log = await storage.createLog(LOG);
        expect(await textAt(storage, LOG)).toBe("");
        expect(await storage.list("state")).toEqual(["chat.journal"]);
        await log.close();
      });

      test("a log begins with the bytes it was given", async () => {
        const log = await storage.createLog(LOG, bytesOf("first,"));
        await log.append(bytesOf("second"));
        expect(await textAt(storage, LOG)).toBe("first,second");
        await log.close();
      });

      test("a log under a lock rejects with LOCKED once the lock is lost, at append and at sync", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        const log = await storage.createLog(LOG, bytesOf("first,"), lock);
        await log.append(bytesOf("held,"));
        await log.sync();
        await fixture.loseLock("chat");
        await expect(log.append(bytesOf("lost"))).rejects.toMatchObject({ code: "LOCKED" });
        await expect(log.appendDurably(bytesOf("lost"))).rejects.toMatchObject({ code: "LOCKED" });
        await expect(log.sync()).rejects.toMatchObject({ code: "LOCKED" });
        expect(await textAt(storage, LOG)).toMatch(/^first,held,/);
        await log.close();
      });

      test("a log under a lock rejects with LOCKED once the lock is released", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        const log = await storage.createLog(LOG, bytesOf(""), lock);
        await lock.release();
        await expect(log.append(bytesOf("x"))).rejects.toMatchObject({ code: "LOCKED" });
        await expect(log.appendDurably(bytesOf("x"))).rejects.toMatchObject({ code: "LOCKED" });
        await expect(log.sync()).rejects.toMatchObject({ code: "LOCKED" });
        await log.close();
      });

      test("what a holder was told is written is read by the next holder, whenever the lock changed hands", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        const log = await storage.createLog(LOG, bytesOf(""), lock);
        const acknowledged: string[] = [];
        const writing = (async () => {
          for (let record = 0; ; record += 1) {
            await log.append(bytesOf(`${record}\n`));
            acknowledged.push(String(record));
            if (record % 8 === 0) await new Promise((resolve) => setTimeout(resolve));
          }
        })().catch((error: unknown) => error);
        await new Promise((resolve) => setTimeout(resolve, 10));
        await fixture.loseLock("chat");
        const read = ((await textAt(storage, LOG)) ?? "").split("\n").slice(0, -1);
        expect(await writing).toMatchObject({ code: "LOCKED" });
        expect(read.slice(0, acknowledged.length)).toEqual(acknowledged);
        await log.close();
      });

      test("a log without a lock knows none", async () => {
        acquired(await storage.tryLock("chat", SINCE));
        const log = await storage.createLog(LOG);
        await fixture.loseLock("chat");
        await log.append(bytesOf("x"));
        await log.sync();
        expect(await textAt(storage, LOG)).toBe("x");
        await log.close();
      });

      test("createLog replaces: nothing of the old log is left, and nothing more of it arrives", async () => {
        const old = await storage.createLog(LOG);
        await old.append(bytesOf("old"));
        const log = await storage.createLog(LOG);
        // A storage that can tell rejects; a file without a name takes what nobody reads.
        const late = await old.append(bytesOf("late")).catch((error: unknown) => error);
        if (late !== undefined) expect(late).toMatchObject({ code: "STORAGE" });
        await log.append(bytesOf("new"));
        expect(await textAt(storage, LOG)).toBe("new");
        await old.close();
        await log.close();
      });
    });

    describe("locks", () => {
      test("a free lock is had, and its holder can be asked for", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        expect(lock.name).toBe("chat");
        expect(lock.holder).toEqual({ holder: expect.stringMatching(/./) as string, since: SINCE.toISOString() });
        expect(await storage.lockHolder("chat")).toEqual(lock.holder);
        await expect(lock.assertHeld()).resolves.toBeUndefined();
      });

      test("a second attempt is refused and told who holds it", async () => {
        const lock = acquired(await storage.tryLock("chat", SINCE));
        const second = await storage.tryLock("chat", new Date(SINCE.getTime() + 1000));
        expect(second).toMatchObject({
          acquired: false,
          holder: lock.holder,
          liveness: "alive",
          where: expect.stringMatching(/./) as string,
        });
        await expect(lock.assertHeld()).resolves.toBeUndefined();
      });

      test("of many attempts at once exactly one wins", async () => {
        const attempts = await Promise.all(Array.from({ length: 8 }, () => storage.tryLock("chat", SINCE)));
        expect(attempts.filter((attempt) => attempt.acquired)).toHaveLength(1);
      });

      test("another name is another lock, also one that begins alike", async () => {
        for (const name of ["chat", "chat.lock", "chat-2", "chat.lock.lock"])
          acquired(await storage.tryLock(name, SINCE));
      });

      test("a released lock can be had again", async () => {
        await acquired(await storage.tryLock("chat", SINCE)).release();
        expect(await storage.lockHolder("chat")).toBeUndefined();
        const again = acquired(await storage.tryLock("chat", SINCE));
        await expect(again.assertHeld()).resolves.toBeUndefined();
      });

      test("while it is released, exactly one of many who try has it next, and keeps it", async () => {
        let lock = acquired(await storage.tryLock("chat", SINCE));
        for (let round = 0; round < 20; round += 1) {
          const [, , ...attempts] = await Promise.all([
            lock.release(),
            lock.release(),
            ...Array.from({ length: 6 }, () => storage.tryLock("chat", SINCE)),
          ]);
          const winners = attempts.filter((attempt) => attempt.acquired);
          expect(winners.length).toBeLessThanOrEqual(1);
          lock = acquired(winners[0] ?? (await storage.tryLock("chat", SINCE)));
          await lock.assertHeld();
        }
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

    describe("leases", () => {
      const LEASE = 600;

      test("a lease says when it ends, and a lock without one never does", async () => {
        const lock = acquired(await storage.tryLock("lease", new Date(), { lease: 60_000 }));
        const expiresAt = fixture.leases ? (expect.stringMatching(/^\d{4}-/) as string) : undefined;
        expect(lock.holder.expiresAt).toEqual(expiresAt);
        expect(await storage.lockHolder("lease")).toEqual(lock.holder);
        expect(await storage.tryLock("lease", new Date(), { lease: 60_000 })).toMatchObject({
          acquired: false,
          holder: lock.holder,
        });
        expect(acquired(await storage.tryLock("plain", SINCE)).holder.expiresAt).toBeUndefined();
        await lock.release();
      });

      test("its holder keeps it for longer than it lasts", async () => {
        const lock = acquired(await storage.tryLock("chat", new Date(), { lease: LEASE }));
        const first = lock.holder.expiresAt ?? "";
        await new Promise((resolve) => setTimeout(resolve, 2 * LEASE));
        await lock.assertHeld();
        await storage.replace(KEY, bytesOf("kept"), lock);
        expect(await storage.tryLock("chat", new Date())).toMatchObject({ acquired: false });
        if (fixture.leases) expect((lock.holder.expiresAt ?? "") > first).toBe(true);
        await lock.release();
        await acquired(await storage.tryLock("chat", new Date())).release();
      });
    });

    describe("the same store, opened again", () => {
      test("sees the same values, locks and identity, and its locks guard nothing of the first", async () => {
        const again = fixture.again?.();
        if (again === undefined) return;
        await Promise.all([again.prepare(), again.prepare(), storage.prepare()]);
        expect(again.identity).toBe(storage.identity);
        await storage.replace(KEY, bytesOf("shared"));
        expect(await textAt(again, KEY)).toBe("shared");
        expect((await again.stat(KEY))?.version).toBe((await storage.stat(KEY))?.version);
        const lock = acquired(await storage.tryLock("chat", SINCE));
        expect(await again.tryLock("chat", SINCE)).toMatchObject({ acquired: false, holder: lock.holder });
        await expect(again.replace(KEY, bytesOf("x"), lock)).rejects.toThrow(TypeError);
        await lock.release();
        await acquired(await again.tryLock("chat", SINCE)).release();
      });

      test("another store has another identity", async () => {
        const { storage: elsewhere, dispose } = await another();
        expect([storage.identity === "", storage.identity === elsewhere.identity, storage.identity]).toEqual([
          false,
          false,
          storage.identity,
        ]);
        await dispose();
      });

      test("a key is described, and where it has a path, that says so too", () => {
        expect(storage.describe(KEY)).toContain(KEY.name);
        if (storage.pathOf !== undefined) expect(storage.pathOf(KEY)).toContain(KEY.name);
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
      test.each(["chat", "chat.1", "chat-2", "chat.lock", "hat"])(
        "what a dead holder of %s left goes, and only that",
        async (swept) => {
          const { leaveUnfinished } = fixture;
          if (leaveUnfinished === undefined) return;
          const left = new Map<string, string[]>();
          for (const name of ["chat", "chat.1", "chat-2", "chat.lock", "chat.json", "hat", "a-chat", "_chat"])
            left.set(name, await Promise.all(AREAS.map((area) => leaveUnfinished(area, name))));
          acquired(await storage.tryLock(swept, SINCE));
          expect((await storage.sweep(swept)).sort()).toEqual(left.get(swept)?.sort());
          expect(await storage.sweep(swept)).toEqual([]);
          for (const area of AREAS) expect(await storage.list(area)).toEqual([]);
        },
      );

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
