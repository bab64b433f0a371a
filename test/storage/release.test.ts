/** Release: the next holder keeps what it took, and a lock that could not be removed blocks nobody once its directory is back. */
import { mkdir, mkdtemp, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLocalStorage } from "../../src/storage/index.js";
import type { Lock, Storage } from "../../src/storage/storage.js";
import { acquired } from "../contracts/storage-contract.js";
import { codeRejected } from "../doubles/error-code.js";
import { intercepted, seeded, unsteady } from "../doubles/interleaving.js";
import { buildLockProgram, LockProcess } from "../doubles/lock-process.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { lockPath, storageOver } from "../doubles/storage-over.js";

const SINCE = new Date(0);

describe("contenders of the same process", () => {
  /** Two storages of one process, each call of which waits for its turn. */
  async function race(seed: number, lease?: number): Promise<void> {
    const [disk, random] = [new SimulatedFileSystem(), seeded(seed)];
    const table = new ProcessWorld().table(1);
    const [one, two] = [
      storageOver(unsteady(disk, random), table, "a"),
      storageOver(unsteady(disk, random), table, "b"),
    ];
    await one.prepare();
    const lock = acquired(await one.tryLock("chat", SINCE, lease === undefined ? {} : { lease }));
    const attempts = [one, two, one, two].map(async (storage) => {
      for (let left = Math.floor(random() * 60); left > 0; left -= 1) await Promise.resolve();
      return storage.tryLock("chat", SINCE);
    });
    const [attempted] = await Promise.all([Promise.all(attempts), lock.release()]);
    const winners = attempted.filter((attempt) => attempt.acquired);
    expect(winners.length, `seed ${seed}`).toBeLessThanOrEqual(1);
    for (const winner of winners)
      expect(await codeRejected(acquired(winner).assertHeld()), `seed ${seed}`).toBe("it resolved");
    if (winners.length === 0) acquired(await two.tryLock("chat", SINCE));
  }

  test("one that has the lock while it is released keeps it", async () => {
    for (let seed = 1; seed <= 600; seed += 1) await race(seed);
  });

  test("also where it is a lease", async () => {
    for (let seed = 1; seed <= 300; seed += 1) await race(seed, 1_000_000);
  });

  test("one that took a given-up lock keeps it, though the old holder releases once more", async () => {
    const [disk, table] = [new SimulatedFileSystem(), new ProcessWorld().table(1)];
    let refused = true;
    const through = intercepted(disk, async (call, paths, act) => {
      if (refused && call === "unlink" && paths[0] === lockPath("chat"))
        throw Object.assign(new Error("not now"), { code: "EIO" });
      return act();
    });
    const storage = storageOver(through, table, "a");
    await storage.prepare();
    const lock = acquired(await storage.tryLock("chat", SINCE));
    expect(await codeRejected(lock.release())).toBe("STORAGE");
    expect(await storageOver(disk, new ProcessWorld().table(2), "other").tryLock("chat", SINCE)).toMatchObject({
      acquired: false,
    });
    const taken = await storageOver(disk, table, "b").tryLock("chat", SINCE);
    expect(taken).toMatchObject({ acquired: true, takenOverFrom: lock.holder });
    refused = false;
    await lock.release();
    await acquired(taken).assertHeld();
  });

  test("is had by one alone, also where a given-up lock is released again meanwhile", async () => {
    for (let seed = 1; seed <= 600; seed += 1) {
      const [disk, random, table] = [new SimulatedFileSystem(), seeded(seed), new ProcessWorld().table(1)];
      let refused = true;
      const through = intercepted(unsteady(disk, random), async (call, paths, act) => {
        if (refused && call === "unlink" && paths[0] === lockPath("chat"))
          throw Object.assign(new Error("not now"), { code: "EIO" });
        return act();
      });
      const storage = storageOver(through, table, "a");
      await storage.prepare();
      const lock = acquired(await storage.tryLock("chat", SINCE));
      expect(await codeRejected(lock.release())).toBe("STORAGE");
      refused = false;
      const others = ["b", "c"].map((prefix) =>
        storageOver(unsteady(disk, random), table, prefix).tryLock("chat", SINCE),
      );
      const [attempts] = await Promise.all([Promise.all(others), lock.release()]);
      const winners = attempts.filter((attempt) => attempt.acquired);
      expect(winners.length, `seed ${seed}`).toBeLessThanOrEqual(1);
      for (const winner of winners)
        expect(await codeRejected(acquired(winner).assertHeld()), `seed ${seed}`).toBe("it resolved");
    }
  });

  test("a lock whose removal failed guards nothing any more", async () => {
    const disk = new SimulatedFileSystem();
    const storage = storageOver(
      intercepted(disk, async (call, paths, act) => {
        if (call === "unlink" && paths[0] === lockPath("chat"))
          throw Object.assign(new Error("not now"), { code: "EIO" });
        return act();
      }),
    );
    await storage.prepare();
    const lock = acquired(await storage.tryLock("chat", SINCE));
    expect(await codeRejected(lock.release())).toBe("STORAGE");
    expect(await codeRejected(lock.assertHeld())).toBe("LOCKED");
    expect(await codeRejected(storage.replace({ area: "state", name: "chat.json" }, Buffer.from("x"), lock))).toBe(
      "LOCKED",
    );
  });

  test("a lock whose removal failed is removed by the next release", async () => {
    const disk = new SimulatedFileSystem();
    let refusals = 1;
    const through = intercepted(disk, async (call, paths, act) => {
      if (call === "unlink" && paths[0] === lockPath("chat") && (refusals -= 1) >= 0)
        throw Object.assign(new Error("not now"), { code: "EIO" });
      return act();
    });
    const storage = storageOver(through);
    await storage.prepare();
    const lock = acquired(await storage.tryLock("chat", SINCE));
    expect(await codeRejected(lock.release())).toBe("STORAGE");
    await lock.release();
    expect(await disk.stat(lockPath("chat"))).toBeUndefined();
  });
});

describe("a directory that is away while its lock is released", () => {
  let root: string;
  let storage: Storage;
  let lock: Lock;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "draftstate-away-"));
    storage = here();
    await storage.prepare();
    lock = acquired(await storage.tryLock("chat", SINCE));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  function here(): Storage {
    return createLocalStorage({ stateDir: join(root, "state"), backupDir: join(root, "backup"), command: "test" });
  }

  const AWAY: Readonly<
    Record<string, { readonly go: () => Promise<unknown>; readonly comeBack: () => Promise<unknown> }>
  > = {
    renamed: {
      go: () => rename(join(root, "state"), join(root, "away")),
      comeBack: () => rename(join(root, "away"), join(root, "state")),
    },
    "replaced by a file": {
      go: async () => {
        await rename(join(root, "state"), join(root, "away"));
        await writeFile(join(root, "state"), "");
      },
      comeBack: async () => {
        await rm(join(root, "state"));
        await rename(join(root, "away"), join(root, "state"));
      },
    },
    "replaced by an empty directory, as an unmounted disk leaves": {
      go: async () => {
        await rename(join(root, "state"), join(root, "away"));
        await mkdir(join(root, "state"));
      },
      comeBack: async () => {
        await rmdir(join(root, "state"));
        await rename(join(root, "away"), join(root, "state"));
      },
    },
  };

  describe.each(Object.entries(AWAY))("%s", (_name, { go, comeBack }) => {
    beforeEach(async () => {
      await go();
      await expect(lock.assertHeld()).rejects.toMatchObject({ code: "LOCKED" });
      await lock.release().catch(() => undefined);
      await comeBack();
    });

    test("its own storage has the lock again", async () => {
      await acquired(await storage.tryLock("chat", SINCE)).assertHeld();
    });

    test("another storage of this process has it", async () => {
      await acquired(await here().tryLock("chat", SINCE)).assertHeld();
    });

    test("a second release removes it", async () => {
      await lock.release();
      expect(await readdir(join(root, "state/.draftstate/locks"))).toEqual([]);
    });

    test("another process has it after this one's next attempt at any lock there", { timeout: 20_000 }, async () => {
      const child = await LockProcess.start(
        await buildLockProgram(join(root, "program")),
        join(root, "state"),
        join(root, "backup"),
      );
      try {
        expect(await child.tryLock()).toMatchObject({ acquired: false, liveness: "alive" });
        await acquired(await here().tryLock("another", SINCE)).release();
        expect(await child.tryLock()).toMatchObject({ acquired: true });
      } finally {
        await child.kill();
      }
    });
  });
});
