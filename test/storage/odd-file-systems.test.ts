/** File systems that do less than others, or say it differently: no hard links, names in use on Windows, answers that get lost on a network. */
import { describe, expect, test } from "vitest";
import { isTransient } from "../../src/storage/retry.js";
import { RetryingFileSystem } from "../../src/storage/retrying-file-system.js";
import { storageError } from "../../src/storage/storage-error.js";
import type { Key, Storage } from "../../src/storage/storage.js";
import { writeUserFile } from "../../src/storage/user-file.js";
import { acquired, textAt } from "../contracts/storage-contract.js";
import { FaultyFileSystem, type CallKind, type Fault } from "../doubles/faulty-file-system.js";
import { intercepted } from "../doubles/interleaving.js";
import { lockRecord, plant } from "../doubles/lock-record.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { lockPath, storageOver, STATE_DIR } from "../doubles/storage-over.js";
import { systemError, type SystemErrorCode } from "../doubles/system-error.js";

const KEY: Key = { area: "state", name: "chat.json" };
const TARGET: Key = { area: "trash", name: "chat.json" };
const SINCE = new Date(0);
const bytesOf = (text: string): Uint8Array => Buffer.from(text);
const WITHOUT_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"] as const;

async function prepared(
  fault?: Fault,
): Promise<{ readonly disk: SimulatedFileSystem; readonly fs: FaultyFileSystem; readonly storage: Storage }> {
  const disk = new SimulatedFileSystem();
  const fs = new FaultyFileSystem(disk);
  const storage = storageOver(fs);
  await storage.prepare();
  await storage.replace(KEY, bytesOf("x"));
  if (fault !== undefined) fs.setFault(fault);
  return { disk, fs, storage };
}

describe.each(WITHOUT_LINKS)("a file system whose links fail with %s", (code) => {
  const fault: Fault = { code, at: 1, lasting: "from-then-on", only: ["link"] };

  test("creates, moves and locks, and leaves nothing aside", async () => {
    const { disk, storage } = await prepared(fault);
    expect(await storage.create({ area: "state", name: "new" }, bytesOf("new"))).toBe(true);
    expect(await storage.create(KEY, bytesOf("taken"))).toBe(false);
    expect(await storage.move(KEY, TARGET)).toBe(true);
    expect(await storage.move(KEY, TARGET)).toBe(false);
    const lock = acquired(await storage.tryLock("chat", SINCE));
    expect(await storage.tryLock("chat", SINCE)).toMatchObject({ acquired: false, holder: lock.holder });
    await lock.release();
    expect([await textAt(storage, TARGET), await storage.list("state")]).toEqual(["x", ["new"]]);
    expect(await disk.list(`${STATE_DIR}/.draftstate/locks`)).toEqual([]);
    expect((await disk.list(STATE_DIR)).sort()).toEqual([".draftstate", "new"]);
  });

  test("never moves over what is there", async () => {
    const { storage } = await prepared(fault);
    await storage.replace(TARGET, bytesOf("there"));
    await expect(storage.move(KEY, TARGET)).rejects.toMatchObject({ code: "STORAGE" });
    expect([await textAt(storage, KEY), await textAt(storage, TARGET)]).toEqual(["x", "there"]);
  });

  test("takes over a dead owner's lock", async () => {
    const { disk, fs } = await prepared(fault);
    const world = new ProcessWorld();
    world.kill(9);
    await plant(disk, lockPath("chat"), lockRecord(world.identity(9), "gone"));
    const attempts = await Promise.all(
      [1, 2, 3].map((pid) => storageOver(fs, world.table(pid), `p${pid}x`).tryLock("chat", SINCE)),
    );
    expect(attempts.filter((attempt) => attempt.acquired)).toHaveLength(1);
  });

  test("writes a file of the user's only where there is none", async () => {
    const { fs } = await prepared(fault);
    const request = { path: "/store/export.md", bytes: bytesOf("x"), overwrite: false, unique: "u" };
    await writeUserFile(request, fs);
    await expect(writeUserFile(request, fs)).rejects.toMatchObject({ code: "USAGE" });
  });
});

test("a file system that says EXDEV of links within a directory still gives locks and new names", async () => {
  const { storage } = await prepared({ code: "EXDEV", at: 1, lasting: "from-then-on", only: ["link"] });
  expect(await storage.create({ area: "state", name: "new" }, bytesOf("x"))).toBe(true);
  expect(await storage.move(KEY, TARGET)).toBe(true);
  await acquired(await storage.tryLock("chat", SINCE)).release();
});

describe("without hard links", () => {
  const fault: Fault = { code: "EPERM", at: 1, lasting: "from-then-on", only: ["link"] };

  test("of processes that create one name at once exactly one does, and no reader sees half of it", async () => {
    const { disk, fs } = await prepared(fault);
    const seen = new Set<string | undefined>();
    const looking = intercepted(fs, async (_call, _paths, act) => {
      const result = await act();
      seen.add(await textAt(storageOver(disk), { area: "backup", name: "b" }));
      return result;
    });
    const world = new ProcessWorld();
    const created = await Promise.all(
      [1, 2, 3, 4].map((pid) =>
        storageOver(looking, world.table(pid), `p${pid}x`).create(
          { area: "backup", name: "b" },
          bytesOf(`whole, by ${pid}`),
        ),
      ),
    );
    expect(created.filter((won) => won)).toHaveLength(1);
    expect([...seen].sort()).toEqual([`whole, by ${created.indexOf(true) + 1}`, undefined]);
  });

  test("a process that died while it created a name does not keep others from it", async () => {
    const { disk, fs } = await prepared(fault);
    const world = new ProcessWorld();
    world.kill(9);
    await plant(disk, lockPath(".create-backup-b"), lockRecord(world.identity(9), "gone"));
    expect(await storageOver(fs, world.table(1)).create({ area: "backup", name: "b" }, bytesOf("x"))).toBe(true);
  });

  test("a name whose directory cannot be synced is given back, and a move is undone", async () => {
    for (const act of [
      (storage: Storage) => storage.create({ area: "state", name: "new" }, bytesOf("x")),
      (storage: Storage) => storage.move(KEY, TARGET),
    ]) {
      const { disk } = await prepared();
      const storage = storageOver(
        intercepted(disk, async (call, paths, run) => {
          if (call === "link") throw systemError("EPERM", "link", paths[0] ?? "");
          if (call === "syncDirectory") throw systemError("EIO", "fsync", paths[0] ?? "");
          return run();
        }),
      );
      await expect(act(storage)).rejects.toMatchObject({ code: "STORAGE" });
      expect([await storage.list("state"), await storage.list("trash")]).toEqual([["chat.json"], []]);
    }
  });

  test("a guard that is lost before the rename refuses it", async () => {
    const { disk, fs } = await prepared(fault);
    const losing = intercepted(fs, async (call, paths, act) => {
      if (call === "link" && paths[1] === `${STATE_DIR}/new`) await disk.unlink(lockPath("chat"));
      return act();
    });
    const through = storageOver(losing, new ProcessWorld().table(1), "t");
    const own = acquired(await through.tryLock("chat", SINCE));
    await expect(through.create({ area: "state", name: "new" }, bytesOf("x"), own)).rejects.toMatchObject({
      code: "LOCKED",
    });
    expect(await through.list("state")).toEqual(["chat.json"]);
  });
});

describe("names in use on Windows", () => {
  const CODES = ["EPERM", "EACCES", "EBUSY"] as const;
  const quiet = { attempts: 3, delay: 0, random: () => 0.5, onRetry: () => undefined };

  test.each(CODES.flatMap((code) => (["rename", "unlink"] as const).map((call) => [code, call] as const)))(
    "%s of %s is waited out there, and nowhere else",
    async (code, call) => {
      for (const [system, outcome] of [
        ["win32", "done"],
        ["linux", code === "EBUSY" ? "done" : code],
      ] as const) {
        const { fs } = await prepared();
        const retrying = new RetryingFileSystem(fs, quiet, system);
        await plant(fs, "/store/a", "x");
        fs.setFault({ code, at: 1, only: [call] });
        const done = call === "rename" ? retrying.rename("/store/a", "/store/b") : retrying.unlink("/store/a");
        expect(
          await done.then(
            () => "done",
            (error: unknown) => (error as { code?: unknown }).code,
          ),
          system,
        ).toBe(outcome);
      }
    },
  );

  test("are told as such, without advice on owner and mode", () => {
    for (const code of CODES) {
      const error = systemError(code, "rename", "/store/a");
      expect([isTransient(error, "win32"), isTransient(error, "linux")]).toEqual([true, code === "EBUSY"]);
      expect(String(storageError("/store/a", error, "win32"))).toMatch(/another program/);
      expect(String(storageError("/store/a", error, "win32"))).not.toMatch(/owner|mode/);
    }
    expect(String(storageError("/store/a", systemError("EACCES", "rename", "/store/a"), "linux"))).toMatch(
      /owner and mode/,
    );
    expect(isTransient(systemError("EACCES", "mkdir", "/store/a"), "win32")).toBe(false);
  });
});

describe("a call that timed out", () => {
  const quiet = { attempts: 3, delay: 0, random: () => 0.5, onRetry: () => undefined };

  async function timedOut(
    only: CallKind,
    isDone: boolean,
  ): Promise<{ readonly disk: SimulatedFileSystem; readonly storage: Storage }> {
    const { disk, fs } = await prepared({ code: "ETIMEDOUT", at: 1, only: [only], isDone });
    return { disk, storage: storageOver(new RetryingFileSystem(fs, quiet, "linux"), undefined, "r") };
  }

  test.each([true, false])("creating a name: done is %s, and either way it is created once", async (isDone) => {
    const { storage } = await timedOut("link", isDone);
    expect(await storage.create({ area: "state", name: "new" }, bytesOf("x"))).toBe(true);
    expect(await storage.list("state")).toEqual(["chat.json", "new"]);
  });

  test("a name that another took meanwhile is taken, though the first answer was lost", async () => {
    const { disk, storage } = await timedOut("link", false);
    await plant(disk, `${STATE_DIR}/new`, "of another");
    expect(await storage.create({ area: "state", name: "new" }, bytesOf("x"))).toBe(false);
    expect(await textAt(storage, { area: "state", name: "new" })).toBe("of another");
  });

  test.each([true, false])("replacing a value: done is %s", async (isDone) => {
    const { storage } = await timedOut("rename", isDone);
    await storage.replace(KEY, bytesOf("new"));
    expect(await textAt(storage, KEY)).toBe("new");
  });

  test.each([true, false])("moving and removing: done is %s", async (isDone) => {
    for (const only of ["link", "unlink"] as const) {
      const { storage } = await timedOut(only, isDone);
      expect(await storage.move(KEY, TARGET)).toBe(true);
      expect([await storage.read(KEY), await textAt(storage, TARGET)]).toEqual([undefined, "x"]);
    }
    const { storage } = await timedOut("unlink", isDone);
    expect(await storage.remove(KEY)).toBe(true);
  });

  test.each([true, false])("taking a lock: done is %s, and it is held once", async (isDone) => {
    const { storage } = await timedOut("link", isDone);
    await acquired(await storage.tryLock("chat", SINCE)).assertHeld();
  });

  test("a rename whose file was taken away by another fails", async () => {
    const { disk, fs } = await prepared();
    await plant(disk, "/store/a", "x");
    await plant(disk, "/store/b", "another's");
    let calls = 0;
    const through = intercepted(fs, async (call, paths, act) => {
      if (call !== "rename" || (calls += 1) > 1) return act();
      await disk.unlink("/store/a");
      throw systemError("ETIMEDOUT", "rename", paths[0] ?? "");
    });
    const error: unknown = await new RetryingFileSystem(through, quiet, "linux")
      .rename("/store/a", "/store/b")
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "ENOENT" satisfies SystemErrorCode });
  });
});
