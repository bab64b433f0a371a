/** Whatever lies where a lock file should be has a clear outcome, and soon: taken over, or LOCKED with what to do. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { hostname, platform, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DraftstateError } from "../../src/errors.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { SystemProcessTable } from "../../src/storage/process-table.js";
import { lockRecord } from "../doubles/lock-record.js";
import { Victim } from "./victim.js";

const ID = "chat";
const onPosix = platform() !== "win32";
const NONCE = "0011223344556677";

let directory: string;
let lock: string;
let manager: DraftStatePersistenceManager;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "draftstate-locks-"));
  const stateDir = join(directory, "state");
  lock = join(stateDir, ".draftstate", "locks", `${ID}.lock`);
  manager = createDraftStatePersistenceManager({ stateDir, backupDir: join(directory, "backup"), autoSave: false });
  const conversation = await manager.open(ID);
  await conversation.flush();
  await conversation.close();
});

afterEach(async () => {
  await manager.close();
  await rm(directory, { recursive: true, force: true });
});

const UNREADABLE: Readonly<Record<string, () => Promise<unknown>>> = {
  "an empty file": () => writeFile(lock, ""),
  "binary noise": () => writeFile(lock, Buffer.from([0, 255, 254, 27, 91, 50, 74, 10, 0xc3, 0x28])),
  "JSON that is no lock": () => writeFile(lock, '{"pid":"1","__proto__":{"host":"here"}}'),
  "a lock with a nonce that is a path": () =>
    writeFile(lock, JSON.stringify({ pid: 1, host: hostname(), since: "x", nonce: "../../x" })),
  "JSON nested beyond reason": () => writeFile(lock, "[".repeat(10_000)),
  "a file that is too large": () => writeFile(lock, " ".repeat(20_000)),
  "a directory": () => mkdir(lock),
  "a symbolic link to a lock": async () => {
    await writeFile(
      join(directory, "elsewhere"),
      lockRecord({ pid: 1, host: hostname(), bootId: "", pidNamespace: "", startTime: "" }, NONCE),
    );
    await symlink(join(directory, "elsewhere"), lock);
  },
  "a symbolic link to nothing": () => symlink(join(directory, "nothing"), lock),
  ...(onPosix
    ? { "a FIFO": () => promisify(execFile)("mkfifo", [lock]), "a link to a device": () => symlink("/dev/zero", lock) }
    : {}),
};

describe.each(Object.entries(UNREADABLE))("%s in the place of a lock", (_name, plant) => {
  test(
    "is LOCKED, with its path and what to do; readers do not mind; removed, all continues",
    { timeout: 30_000 },
    async () => {
      await plant();
      const error: unknown = await manager.open(ID).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DraftstateError);
      expect(error).toMatchObject({
        code: "LOCKED",
        path: lock,
        message: expect.stringContaining(`remove ${lock}`) as string,
      });
      expect(await manager.loadState(ID)).not.toBeNull();
      expect((await manager.verify()).ok).toBe(true);
      await rm(lock, { recursive: true });
      await (await manager.open(ID, { expect: "existing" })).close();
    },
  );
});

test("an unreadable lock is exit 5 of the command, which changes nothing", { timeout: 30_000 }, async () => {
  await writeFile(lock, Buffer.from([0, 27, 91, 50, 74]));
  const chat = Victim.cli(["chat", "--resume", ID, "Go on"], {}, directory);
  await chat.ended();
  expect([chat.status, chat.lines]).toEqual([5, []]);
  expect(chat.stderr).toContain(`remove ${join("state", ".draftstate", "locks", `${ID}.lock`)}`);
});

describe("the lock of a process", () => {
  const self = new SystemProcessTable().self();

  test("whose pid is used again by another is taken over", async () => {
    await writeFile(lock, lockRecord({ ...(await self), startTime: "1" }, NONCE));
    await (await manager.open(ID, { expect: "existing" })).close();
  });

  test("of an earlier boot is taken over", async () => {
    await writeFile(lock, lockRecord({ ...(await self), bootId: "another" }, NONCE));
    const taken = manager.open(ID, { expect: "existing" });
    if ((await self).bootId === "") await expect(taken).rejects.toMatchObject({ code: "LOCKED" });
    else await (await taken).close();
  });

  test("of this very process that is still there is LOCKED", async () => {
    await writeFile(lock, lockRecord(await self, NONCE));
    await expect(manager.open(ID)).rejects.toMatchObject({ code: "LOCKED" });
  });

  test.each(["of another host", "in another container"])("%s is LOCKED, whatever its age", async (where) => {
    const elsewhere =
      where === "of another host"
        ? { host: "another.example", bootId: "another", machineId: "another" }
        : { pidNamespace: "pid:[1]" };
    await writeFile(lock, lockRecord({ ...(await self), pid: 2 ** 22 + 1, ...elsewhere }, NONCE));
    await expect(manager.open(ID)).rejects.toMatchObject({
      code: "LOCKED",
      message: expect.stringContaining("left behind (pid 4194305 on") as string,
    });
  });

  test("with a pid that is none is taken over", async () => {
    for (const pid of [0, -1, 1.5, 1e300]) {
      await writeFile(lock, lockRecord({ ...(await self), pid }, NONCE));
      await (await manager.open(ID, { expect: "existing" })).close();
    }
  });
});
