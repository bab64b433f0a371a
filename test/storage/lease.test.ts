/**
 * Leases: kept while their holder renews them, free for others once they ran out, and never held by two. Time is made
 * up, but for the process that is stopped for real.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { FileSystem } from "../../src/storage/file-system.js";
import type { FileStorage } from "../../src/storage/file-storage.js";
import { createLocalStorage } from "../../src/storage/index.js";
import { MemoryStorage } from "../../src/storage/memory.js";
import type { Key } from "../../src/storage/storage.js";
import { acquired } from "../contracts/storage-contract.js";
import { intercepted, seeded, unsteady } from "../doubles/interleaving.js";
import { buildLockProgram, LockProcess } from "../doubles/lock-process.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { lockPath, storageOver, STATE_DIR } from "../doubles/storage-over.js";

const LEASE = 30_000;
const KEY: Key = { area: "state", name: "chat.json" };
const LOG: Key = { area: "state", name: "chat.journal" };
const bytesOf = (text: string): Uint8Array => Buffer.from(text);

/** Machines on one disk: each in a container of its own, so that no process can see another. */
class Machines {
  readonly disk = new SimulatedFileSystem();
  readonly world = new ProcessWorld();
  /** Milliseconds, by every clock there is. */
  time = Date.parse("2026-01-14T21:30:00.000Z");

  storage(pid: number, through: FileSystem = this.disk): FileStorage {
    return storageOver(through, this.world.table(pid), `p${pid}x`, {
      clock: { now: () => this.time, elapsed: () => this.time },
    });
  }

  async expiryOnDisk(): Promise<unknown> {
    const file = await this.disk.openForReading(lockPath("chat"));
    const record: unknown = JSON.parse(Buffer.from(await file.read(0, 10_000)).toString());
    return (record as { readonly expiresAt?: unknown }).expiresAt;
  }

  at(milliseconds: number): string {
    return new Date(this.time + milliseconds).toISOString();
  }

  locks(): Promise<string[]> {
    return this.disk.list(`${STATE_DIR}/.draftstate/locks`);
  }
}

let machines: Machines;
let holder: FileStorage;
let contender: FileStorage;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  machines = new Machines();
  [holder, contender] = [machines.storage(1001), machines.storage(2001)];
  await Promise.all([holder.prepare(), contender.prepare()]);
});
afterEach(() => {
  vi.useRealTimers();
});

/** Time passes and timers run, as in a process that lives. */
async function live(milliseconds: number): Promise<void> {
  machines.time += milliseconds;
  await vi.advanceTimersByTimeAsync(milliseconds);
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Time passes and nothing runs, as in a process that is stopped. */
function stop(milliseconds: number): void {
  machines.time += milliseconds;
}

describe("a lease", () => {
  test("cannot be had while it lasts, and the refusal says until when", async () => {
    acquired(await holder.tryLock("chat", new Date(), { lease: LEASE }));
    const until = machines.at(LEASE);
    stop(LEASE - 1);
    expect(await contender.tryLock("chat", new Date(), { lease: LEASE })).toMatchObject({
      acquired: false,
      liveness: "unknown",
      holder: { expiresAt: until },
    });
  });

  test("that ran out is taken over, and everything of its old holder is refused", async () => {
    const lock = acquired(await holder.tryLock("chat", new Date(), { lease: LEASE }));
    const log = await holder.createLog(LOG, bytesOf("first"), lock);
    stop(LEASE);
    expect(await contender.lockHolder("chat")).toBeUndefined();
    const taken = await contender.tryLock("chat", new Date(), { lease: LEASE });
    expect(taken).toMatchObject({ acquired: true, takenOverFrom: { expiresAt: machines.at(0) } });
    for (const act of [
      () => lock.assertHeld(),
      () => holder.replace(KEY, bytesOf("late"), lock),
      () => log.append(bytesOf("late")),
      () => log.sync(),
    ])
      await expect(act()).rejects.toMatchObject({ code: "LOCKED" });
    await acquired(taken).assertHeld();
    expect(await machines.locks()).toEqual(["chat.lock"]);
  });

  test("that ran out is over for its holder too, before anybody took it", async () => {
    const lock = acquired(await holder.tryLock("chat", new Date(), { lease: LEASE }));
    stop(LEASE - 1);
    await lock.assertHeld();
    stop(1);
    await expect(lock.assertHeld()).rejects.toMatchObject({ code: "LOCKED" });
    await expect(holder.replace(KEY, bytesOf("late"), lock)).rejects.toMatchObject({ code: "LOCKED" });
  });

  test("of an owner that is known to be dead is taken before it ran out", async () => {
    acquired(await machines.storage(1).tryLock("chat", new Date(), { lease: LEASE }));
    machines.world.kill(1);
    expect(await machines.storage(2).tryLock("chat", new Date())).toMatchObject({
      acquired: true,
      takenOverFrom: { expiresAt: machines.at(LEASE) },
    });
  });

  test("is renewed three times while it lasts, on disk and in its holder's words", async () => {
    const lock = acquired(await holder.tryLock("chat", new Date(), { lease: LEASE }));
    for (let round = 0; round < 10; round += 1) {
      await live(LEASE / 3);
      expect([lock.holder.expiresAt, await machines.expiryOnDisk()]).toEqual([machines.at(LEASE), machines.at(LEASE)]);
      await lock.assertHeld();
    }
    expect(await contender.tryLock("chat", new Date())).toMatchObject({
      acquired: false,
      holder: { expiresAt: machines.at(LEASE) },
    });
    expect(await machines.locks()).toEqual(["chat.lock"]);
  });

  test("that is renewed late is kept where nobody took it", async () => {
    const lock = acquired(await holder.tryLock("chat", new Date(), { lease: LEASE }));
    stop(2 * LEASE);
    await live(LEASE / 3);
    await lock.assertHeld();
    expect(await contender.tryLock("chat", new Date())).toMatchObject({ acquired: false });
  });

  test("that is renewed late is lost where another took it, and the other keeps it", async () => {
    const lock = acquired(await holder.tryLock("chat", new Date(), { lease: LEASE }));
    stop(LEASE);
    const taken = acquired(await contender.tryLock("chat", new Date()));
    await live(LEASE);
    await expect(lock.assertHeld()).rejects.toMatchObject({ code: "LOCKED" });
    await taken.assertHeld();
    await lock.release();
    await taken.assertHeld();
    await taken.release();
    expect(await machines.locks()).toEqual([]);
  });

  test("is not renewed any more once it is released, and leaves nothing", async () => {
    const lock = acquired(await holder.tryLock("chat", new Date(), { lease: LEASE }));
    await live(LEASE / 3);
    await lock.release();
    await live(LEASE);
    expect(await machines.locks()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("whose directory is away for a while is renewed when it is back", async () => {
    const { disk } = machines;
    let away = false;
    const through = intercepted(disk, async (_call, _paths, act) => {
      if (away) throw Object.assign(new Error("away"), { code: "EACCES" });
      return act();
    });
    const lock = acquired(await machines.storage(1001, through).tryLock("chat", new Date(), { lease: LEASE }));
    away = true;
    await live(LEASE / 3);
    await expect(lock.assertHeld()).rejects.toMatchObject({ code: "LOCKED" });
    away = false;
    await live(LEASE / 3);
    await live(LEASE / 3);
    await live(LEASE / 3);
    await lock.assertHeld();
  });
});

describe("stopped in the middle of a rename", () => {
  /** The process is stopped before its `at`th rename over the lock, for so long; `meanwhile` runs in that time. */
  function stoppedAtRename(at: number, milliseconds: number, meanwhile: () => Promise<unknown>): FileSystem {
    let renames = 0;
    return intercepted(machines.disk, async (call, paths, act) => {
      if (call === "rename" && paths[1] === lockPath("chat") && (renames += 1) === at) {
        stop(milliseconds);
        await meanwhile();
      }
      return act();
    });
  }

  test("a contender that comes back late does not have the lock, and takes it from nobody", async () => {
    acquired(await holder.tryLock("chat", new Date(), { lease: LEASE }));
    stop(LEASE);
    let other: Awaited<ReturnType<FileStorage["tryLock"]>> | undefined;
    const through = stoppedAtRename(
      1,
      LEASE,
      async () => (other = await machines.storage(3001).tryLock("chat", new Date(), { lease: LEASE })),
    );
    expect(await machines.storage(2001, through).tryLock("chat", new Date(), { lease: LEASE })).toMatchObject({
      acquired: false,
    });
    if (other === undefined) throw new Error("nobody came meanwhile");
    // The other swept what the contender had written aside: it has nothing left to rename.
    await expect(acquired(other).assertHeld()).resolves.toBeUndefined();
    expect(await machines.storage(4001).tryLock("chat", new Date())).toMatchObject({ acquired: false });
  });

  test("a contender that has renamed its record and comes back late does not have the lock", async () => {
    acquired(await holder.tryLock("chat", new Date(), { lease: LEASE }));
    stop(LEASE);
    let other: Awaited<ReturnType<FileStorage["tryLock"]>> | undefined;
    const through = intercepted(machines.disk, async (call, paths, act) => {
      const done = await act();
      if (call === "rename" && paths[1] === lockPath("chat") && other === undefined) {
        stop(LEASE);
        other = await machines.storage(3001).tryLock("chat", new Date(), { lease: LEASE });
      }
      return done;
    });
    const late = await machines.storage(2001, through).tryLock("chat", new Date(), { lease: LEASE });
    expect(late).toMatchObject({ acquired: false, detail: expect.stringContaining("stopped for too long") as string });
    if (other === undefined) throw new Error("nobody came meanwhile");
    await expect(acquired(other).assertHeld()).resolves.toBeUndefined();
  });

  test("a holder that comes back late is lost for good, though its record is the last one written", async () => {
    let other: Awaited<ReturnType<FileStorage["tryLock"]>> | undefined;
    const through = stoppedAtRename(1, LEASE + 1, async () => {
      other = await contender.tryLock("chat", new Date(), { lease: 10 * LEASE });
      await contender.replace(KEY, bytesOf("of the other"), acquired(other));
    });
    const lock = acquired(await machines.storage(1001, through).tryLock("chat", new Date(), { lease: LEASE }));
    await live(LEASE / 3);
    expect(other).toMatchObject({ acquired: true });
    for (let round = 0; round < 6; round += 1) {
      await expect(lock.assertHeld()).rejects.toMatchObject({ code: "LOCKED" });
      await live(LEASE / 3);
    }
  });
});

describe("renewals and takeovers interleaved at random", () => {
  test("at no time do two hold the lock", async () => {
    const outcomes = { kept: 0, taken: 0 };
    for (let seed = 1; seed <= 400; seed += 1) {
      const random = seeded(seed);
      machines = new Machines();
      const first = machines.storage(1001, unsteady(machines.disk, random));
      await machines.storage(9001).prepare();
      const lock = acquired(await first.tryLock("chat", new Date(), { lease: 40 }));
      stop(40 + Math.floor(random() * 3) - 1);
      const attempts = [2001, 3001, 4001].map((pid) =>
        machines.storage(pid, unsteady(machines.disk, random)).tryLock("chat", new Date(), { lease: 1_000_000 }),
      );
      for (let left = Math.floor(random() * 150); left > 0; left -= 1) await Promise.resolve();
      vi.advanceTimersByTime(14);
      const settled = await Promise.all(attempts);
      for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      const locks = [lock, ...settled.flatMap((attempt) => (attempt.acquired ? [attempt.lock] : []))];
      const held = await Promise.all(
        locks.map((each) =>
          each.assertHeld().then(
            () => true,
            () => false,
          ),
        ),
      );
      expect(held.filter((each) => each).length, `seed ${seed}`).toBeLessThanOrEqual(1);
      // What was given is not taken back by a renewal that was under way.
      expect(
        held.slice(1).every((each) => each),
        `seed ${seed}`,
      ).toBe(true);
      outcomes[held[0] === true ? "kept" : "taken"] += 1;
      await Promise.all(locks.map((each) => each.release()));
    }
    expect(Math.min(outcomes.kept, outcomes.taken)).toBeGreaterThan(10);
  }, 60_000);
});

describe("releases and takeovers interleaved at random", () => {
  test("one that took a lease over keeps it, though its old holder releases it meanwhile", async () => {
    vi.useRealTimers();
    let taken = 0;
    for (let seed = 1; seed <= 400; seed += 1) {
      const random = seeded(seed);
      machines = new Machines();
      await machines.storage(9001).prepare();
      const lock = acquired(
        await machines.storage(1001, unsteady(machines.disk, random)).tryLock("chat", new Date(), { lease: 1_000_000 }),
      );
      stop(1_000_000);
      const attempts = [2001, 3001].map((pid) =>
        machines.storage(pid, unsteady(machines.disk, random)).tryLock("chat", new Date()),
      );
      const [settled] = await Promise.all([Promise.all(attempts), lock.release()]);
      for (const attempt of settled.filter(({ acquired: won }) => won)) {
        taken += 1;
        await expect(acquired(attempt).assertHeld(), `seed ${seed}`).resolves.toBeUndefined();
      }
      expect(settled.filter((attempt) => attempt.acquired).length, `seed ${seed}`).toBeLessThanOrEqual(1);
    }
    expect(taken).toBeGreaterThan(20);
  }, 60_000);
});

test("a lease that is renewed while a contender is on its way to it is not taken over", async () => {
  const lock = acquired(await holder.tryLock("chat", new Date(), { lease: LEASE }));
  stop(LEASE);
  let renewed = false;
  const through = intercepted(machines.disk, async (call, paths, act) => {
    // The contender found it over, and is about to claim it.
    if (call === "link" && paths[1]?.startsWith(`${lockPath("chat")}.`) === true && !renewed) {
      renewed = true;
      await live(LEASE / 3);
    }
    return act();
  });
  expect(await machines.storage(2001, through).tryLock("chat", new Date(), { lease: LEASE })).toMatchObject({
    acquired: false,
    holder: { expiresAt: machines.at(LEASE) },
  });
  await lock.assertHeld();
});

describe("in memory", () => {
  test("a lease that nobody renews ends, and its holder is refused", async () => {
    let time = 0;
    const storage = new MemoryStorage({ now: () => new Date(time), elapsed: () => time, command: "test" });
    await storage.prepare();
    const lock = acquired(await storage.tryLock("chat", new Date(0), { lease: LEASE }));
    time += LEASE;
    expect(await storage.locks()).toMatchObject([{ name: "chat", liveness: "dead" }]);
    expect(await storage.lockHolder("chat")).toBeUndefined();
    const taken = await storage.tryLock("chat", new Date(0));
    expect(taken).toMatchObject({ acquired: true, takenOverFrom: { expiresAt: new Date(LEASE).toISOString() } });
    await expect(storage.replace(KEY, bytesOf("late"), lock)).rejects.toMatchObject({ code: "LOCKED" });
    await vi.advanceTimersByTimeAsync(LEASE);
    await acquired(taken).assertHeld();
  });
});

describe.runIf(platform() !== "win32")("a process that is really stopped", () => {
  test("loses its lease, and what it writes when it runs again is refused", { timeout: 30_000 }, async () => {
    vi.useRealTimers();
    const directory = await mkdtemp(join(tmpdir(), "draftstate-lease-"));
    const [stateDir, backupDir] = [join(directory, "state"), join(directory, "backup")];
    const storage = createLocalStorage({ stateDir, backupDir, command: "test" });
    await storage.prepare();
    const child = await LockProcess.start(await buildLockProgram(join(directory, "program")), stateDir, backupDir);
    try {
      acquired(await child.tryLock(600));
      expect(await child.write()).toBe("written");
      await new Promise((resolve) => setTimeout(resolve, 1200));
      expect(await storage.tryLock("chat", new Date())).toMatchObject({ acquired: false });
      child.signal("SIGSTOP");
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const taken = acquired(await storage.tryLock("chat", new Date()));
      await storage.replace(KEY, bytesOf("of the heir"), taken);
      child.signal("SIGCONT");
      expect(await child.write()).toBe("LOCKED");
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(await child.write()).toBe("LOCKED");
      await taken.assertHeld();
      expect(await readFile(storage.describe(KEY), "utf8")).toBe("of the heir");
    } finally {
      await child.kill();
      await rm(directory, { recursive: true, force: true });
    }
  });
});

test("a claim that ran out while its contender failed late is not taken from the one that has claimed it since", async () => {
  acquired(await holder.tryLock("chat", new Date(), { lease: LEASE }));
  stop(LEASE);
  const isClaim = (path: string | undefined): boolean => path?.startsWith(`${lockPath("chat")}.`) === true;
  let arrive = (): void => undefined;
  let goOn = (): void => undefined;
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  const gate = new Promise<void>((resolve) => (goOn = resolve));
  const other = machines.storage(
    3001,
    intercepted(machines.disk, async (call, paths, act) => {
      if (call === "rename" && paths[1] === lockPath("chat")) {
        arrive();
        await gate;
      }
      return act();
    }),
  );
  let others: ReturnType<FileStorage["tryLock"]> | undefined;
  const claimedByOther = async (): Promise<void> => {
    others ??= other.tryLock("chat", new Date());
    await arrived;
  };
  const through = intercepted(machines.disk, async (call, paths, act) => {
    if (call === "rename" && paths[1] === lockPath("chat")) {
      stop(LEASE);
      throw new Error("the disk failed");
    }
    if (call === "unlink" && isClaim(paths[0])) await claimedByOther();
    return act();
  });
  await expect(machines.storage(2001, through).tryLock("chat", new Date(), { lease: LEASE })).rejects.toThrow();
  await claimedByOther();
  expect(await machines.storage(4001).tryLock("chat", new Date())).toMatchObject({ acquired: false });
  goOn();
  await expect(acquired(await (others ?? other.tryLock("chat", new Date()))).assertHeld()).resolves.toBeUndefined();
});
