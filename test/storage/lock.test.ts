/**
 * Locks between real processes: a dead owner's lock goes to exactly one heir, a living one's to nobody, whatever its
 * age, and what cannot be read or seen is left alone. Made-up processes only where real ones cannot be had.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { hostname, platform, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createLocalStorage } from "../../src/storage/index.js";
import type { ProcessIdentity } from "../../src/storage/process-table.js";
import { SystemProcessTable } from "../../src/storage/process-table.js";
import type { LockAttempt, Storage } from "../../src/storage/storage.js";
import { acquired } from "../contracts/storage-contract.js";
import { seeded, unsteady } from "../doubles/interleaving.js";
import { LockProcess, buildLockProgram } from "../doubles/lock-process.js";
import { lockRecord, plant } from "../doubles/lock-record.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { lockPath, storageOver } from "../doubles/storage-over.js";

const SINCE = new Date(0);
const ROUNDS = 10;
const onLinux = platform() === "linux";

/** The holder that process `pid` shows, whatever its host. */
function heldBy(pid: number | undefined, command = ""): { readonly holder: string } {
  return { holder: expect.stringContaining(`${command} (pid ${pid ?? "of nobody"} on `) as string };
}

let root: string;
let program: string;
let directory: string;
let stateDir: string;
let storage: Storage;
let lock: string;
let started: LockProcess[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "draftstate-lock-"));
  program = await buildLockProgram(join(root, "program"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

beforeEach(async () => {
  started = [];
  directory = await mkdtemp(join(root, "store-"));
  stateDir = join(directory, "state");
  lock = lockPath("chat", stateDir);
  storage = createLocalStorage({ stateDir, backupDir: join(directory, "backup"), command: "test" });
  await storage.prepare();
});
afterEach(async () => {
  for (const child of started) await child.kill();
});

async function start(): Promise<LockProcess> {
  const child = await LockProcess.start(program, stateDir, join(directory, "backup"));
  started.push(child);
  return child;
}

/** A process id that was alive a moment ago and is not now. */
async function deadIdentity(): Promise<ProcessIdentity> {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  return { ...(await new SystemProcessTable().self()), pid: child.pid ?? -1, startTime: "1" };
}

describe("a killed owner", () => {
  test("its lock is taken over, and the heir is told from whom", async () => {
    const owner = await start();
    expect(await owner.tryLock()).toMatchObject({ acquired: true });
    expect(await storage.tryLock("chat", SINCE)).toMatchObject({
      acquired: false,
      holder: heldBy(owner.pid, "lock-process"),
    });
    await owner.kill();
    expect(await storage.lockHolder("chat")).toBeUndefined();
    expect(await storage.tryLock("chat", SINCE)).toMatchObject({ acquired: true, takenOverFrom: heldBy(owner.pid) });
  });

  test(
    `of 8 processes that contend for its lock exactly one wins, ${ROUNDS} times over`,
    { timeout: 60_000 },
    async () => {
      let owner = await start();
      await owner.tryLock();
      const contenders = await Promise.all(Array.from({ length: 8 }, start));
      for (let round = 0; round < ROUNDS; round += 1) {
        await owner.kill();
        const attempts = await Promise.all(contenders.map((contender) => contender.tryLock()));
        const winners = contenders.filter((_, index) => attempts[index]?.acquired);
        expect(winners).toHaveLength(1);
        expect(attempts.find((attempt) => attempt.acquired)).toMatchObject({ takenOverFrom: heldBy(owner.pid) });
        const [winner] = winners;
        if (winner === undefined) throw new Error("nobody won");
        expect(await storage.lockHolder("chat")).toMatchObject(heldBy(winner.pid));
        owner = winner;
        contenders.splice(contenders.indexOf(winner), 1, await start());
      }
      await owner.kill();
      acquired(await storage.tryLock("chat", SINCE));
      await storage.sweep("chat");
      expect(await readdir(join(stateDir, ".draftstate", "locks"))).toEqual(["chat.lock"]);
    },
  );

  test.runIf(onLinux)("a zombie is dead", async () => {
    // Its child ends when the shell has become a program that takes no notice of it.
    const shell = spawn("sh", ["-c", "exec 3<&0; cat <&3 >/dev/null & echo $!; exec sleep 30"]);
    try {
      const pid = Number(String((await once(shell.stdout, "data"))[0]));
      const stat = async (): Promise<string> => readFile(`/proc/${pid}/stat`, "utf8");
      while (!(await readFile(`/proc/${shell.pid}/comm`, "utf8")).startsWith("sleep"))
        await new Promise((resolve) => setTimeout(resolve, 10));
      shell.stdin.end();
      while (!(await stat()).includes(") Z ")) await new Promise((resolve) => setTimeout(resolve, 10));
      const startTime = (await stat()).split(") ")[1]?.split(" ")[19] ?? "";
      const table = new SystemProcessTable();
      expect(await table.liveness({ ...(await table.self()), pid, startTime })).toBe("dead");
    } finally {
      shell.kill("SIGKILL");
    }
  });
});

describe("a living owner", () => {
  test.runIf(platform() !== "win32")("stopped by SIGSTOP it keeps its lock, and continues with it", async () => {
    const owner = await start();
    await owner.tryLock();
    owner.signal("SIGSTOP");
    const contenders = await Promise.all([start(), start()]);
    for (const contender of contenders)
      expect(await contender.tryLock()).toMatchObject({ acquired: false, holder: heldBy(owner.pid) });
    owner.signal("SIGCONT");
    await owner.release();
    expect(await storage.tryLock("chat", SINCE)).toMatchObject({ acquired: true });
  });

  test("a lock that is years old is not broken for its age", async () => {
    await writeFile(lock, lockRecord(await new SystemProcessTable().self(), "old").replace("2026", "1999"));
    expect(await storage.tryLock("chat", SINCE)).toMatchObject({
      acquired: false,
      holder: { ...heldBy(process.pid), since: "1999-01-01T00:00:00.000Z" },
    });
  });
});

describe("who is dead, and who cannot be known to be", () => {
  async function attemptAfter(change: Partial<ProcessIdentity>): Promise<LockAttempt> {
    await writeFile(lock, lockRecord({ ...(await new SystemProcessTable().self()), ...change }, "left"));
    return storage.tryLock("chat", SINCE);
  }

  test("a live pid with another start time is another process: the owner is dead", async () => {
    expect(await attemptAfter({ startTime: "1" })).toMatchObject({
      acquired: true,
      takenOverFrom: heldBy(process.pid),
    });
  });

  test.runIf(onLinux)("a live pid from before a reboot is dead", async () => {
    expect(await attemptAfter({ bootId: "00000000-0000-0000-0000-000000000000" })).toMatchObject({ acquired: true });
  });

  test("an owner on another machine is never taken for dead, whatever its host is called", async () => {
    const { pid } = await deadIdentity();
    for (const host of [hostname(), `not-${hostname()}`]) {
      expect(await attemptAfter({ host, machineId: "another", pid, bootId: "another", startTime: "1" })).toMatchObject({
        acquired: false,
        liveness: "unknown",
        holder: heldBy(pid),
        where: lock,
      });
      expect(await storage.lockHolder("chat")).toMatchObject(heldBy(pid));
    }
  });

  test.runIf(onLinux)("an owner that is dead on this boot is dead, though the host was renamed since", async () => {
    const { pid } = await deadIdentity();
    expect(await attemptAfter({ host: `not-${hostname()}`, pid, startTime: "1" })).toMatchObject({
      acquired: true,
      takenOverFrom: heldBy(pid),
    });
  });

  test("an owner in another pid namespace is never taken for dead", async () => {
    const { pid } = await deadIdentity();
    expect(await attemptAfter({ pidNamespace: "pid:[1]", pid })).toMatchObject({ acquired: false });
  });
});

describe("a lock file that is none", () => {
  const planted: Record<string, () => Promise<unknown>> = {
    empty: () => writeFile(lock, ""),
    binary: () =>
      writeFile(
        lock,
        Uint8Array.from({ length: 300 }, (_, index) => index % 256),
      ),
    "larger than any lock": () => writeFile(lock, " ".repeat(20_000)),
    "a record without a nonce": () => writeFile(lock, JSON.stringify({ pid: 1, host: hostname(), since: "x" })),
    "a nonce that is a path": () =>
      writeFile(lock, JSON.stringify({ pid: 0, host: hostname(), since: "x", nonce: "../../x" })),
    "a directory": () => mkdir(lock),
    "a link to nowhere": () => symlink(join(directory, "nowhere"), lock),
    "a link to a dead owner's lock": async () => {
      await writeFile(join(directory, "elsewhere"), lockRecord(await deadIdentity(), "dead"));
      await symlink(join(directory, "elsewhere"), lock);
    },
  };

  test.each(Object.keys(planted))("%s: refused with a detail, and left where it is", async (name) => {
    await planted[name]?.();
    const before = await lstat(lock);
    const attempt = await storage.tryLock("chat", SINCE);
    expect(attempt).toMatchObject({
      acquired: false,
      holder: undefined,
      liveness: "unknown",
      where: lock,
      detail: expect.stringMatching(/./) as string,
    });
    await storage.sweep("chat");
    const after = await lstat(lock);
    expect([after.ino, after.size, after.mode]).toEqual([before.ino, before.size, before.mode]);
    expect(await readdir(join(stateDir, ".draftstate", "locks"))).toEqual(["chat.lock"]);
  });
});

describe("an interrupted takeover", () => {
  async function plantChain(length: number): Promise<void> {
    const dead = await deadIdentity();
    for (let depth = 0, path = lock; depth < length; path = `${path}.n${depth}`, depth += 1)
      await writeFile(path, lockRecord(dead, `n${depth}`));
  }

  test.each([2, 3, 5])("claims of dead processes, %i files in all, do not block, and are swept", async (length) => {
    await plantChain(length);
    const heir = acquired(await storage.tryLock("chat", SINCE));
    await storage.sweep("chat");
    await heir.assertHeld();
    expect(await readdir(join(stateDir, ".draftstate", "locks"))).toEqual(["chat.lock"]);
  });

  test("a chain of claims beyond all reason is refused with a detail", async () => {
    await plantChain(12);
    expect(await storage.tryLock("chat", SINCE)).toMatchObject({
      acquired: false,
      detail: expect.stringMatching(/./) as string,
    });
  });
});

describe("contenders interleaved at random, some of them dying on the way", () => {
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  async function contend(seed: number): Promise<{
    readonly livingHolders: readonly number[];
    readonly disk: SimulatedFileSystem;
    readonly world: ProcessWorld;
  }> {
    const [disk, world, random] = [new SimulatedFileSystem(), new ProcessWorld(), seeded(seed)];
    await storageOver(disk).prepare();
    world.kill(99);
    await plant(disk, lockPath("chat"), lockRecord(world.identity(99), "dead"));
    const [holders, dead] = [new Set<number>(), new Set<number>()];
    for (const pid of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const diesAt = random() < 0.5 ? Math.ceil(random() * 25) : Infinity;
      const die = (): void => {
        world.kill(pid);
        dead.add(pid);
      };
      const contender = storageOver(unsteady(disk, random, { at: diesAt, die }), world.table(pid), `p${pid}x`);
      void contender.tryLock("chat", SINCE).then((attempt) => attempt.acquired && holders.add(pid));
    }
    for (let turns = 0; turns < 5; turns += 1) await settle();
    return { livingHolders: [...holders].filter((pid) => !dead.has(pid)), disk, world };
  }

  test("never do two living processes hold the lock, and if none does, the next one gets it", async () => {
    let [held, inherited] = [0, 0];
    for (let seed = 1; seed <= 1000; seed += 1) {
      const { livingHolders, disk, world } = await contend(seed);
      expect(livingHolders.length, `seed ${seed}`).toBeLessThanOrEqual(1);
      const next = await storageOver(disk, world.table(50), "next").tryLock("chat", SINCE);
      if (livingHolders.length === 1) {
        held += 1;
        expect(next, `seed ${seed}`).toMatchObject({ acquired: false, holder: heldBy(livingHolders[0]) });
      } else {
        inherited += 1;
        expect(next, `seed ${seed}`).toMatchObject({ acquired: true });
      }
    }
    expect(Math.min(held, inherited)).toBeGreaterThan(20);
  });
});
