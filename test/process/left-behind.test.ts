/** What a process that was killed at the wrong moment leaves, and what the next one makes of it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLocalStorage } from "../../src/storage/index.js";
import type { FileSystem } from "../../src/storage/file-system.js";
import { acquired } from "../contracts/storage-contract.js";
import { codeRejected } from "../doubles/error-code.js";
import { plant } from "../doubles/lock-record.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { STATE_DIR, storageOver } from "../doubles/storage-over.js";

const LOCKS = `${STATE_DIR}/.draftstate/locks`;
const QUARANTINE = `${STATE_DIR}/.draftstate/quarantine`;

test("a lock record that its writer was killed over, empty or torn, is swept", async () => {
  const disk = new SimulatedFileSystem();
  const storage = storageOver(disk);
  await storage.prepare();
  const left = [`${LOCKS}/.tmp-aaaa-chat`, `${LOCKS}/.tmp-bbbb-chat`];
  await plant(disk, left[0] as string, "");
  await plant(disk, left[1] as string, '{"pid":1,"ho');
  acquired(await storage.tryLock("chat", new Date(0)));
  for (const path of left) expect(await disk.stat(path)).toBeUndefined();
});

test("a contender whose record, still empty, was swept away by another begins again and gets its lock", async () => {
  const disk = new SimulatedFileSystem();
  let lost = 0;
  const losing: FileSystem = new Proxy(disk, {
    get: (target, name) => {
      if (name !== "link") return (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target);
      return async (from: string, to: string) => {
        if ((lost += 1) === 1) await target.unlink(from);
        return target.link(from, to);
      };
    },
  });
  const storage = storageOver(losing);
  await storage.prepare();
  await acquired(await storage.tryLock("chat", new Date(0))).assertHeld();
  expect(lost).toBe(2);
});

test("a copy to quarantine that was cut short is swept, and only that of its own conversation", async () => {
  const disk = new SimulatedFileSystem();
  const storage = storageOver(disk);
  await storage.prepare();
  const left = [`${QUARANTINE}/.tmp-r1-chat`, `${QUARANTINE}/.tmp-r2-chat`];
  const others = [`${QUARANTINE}/.tmp-r3-chat.json`, `${QUARANTINE}/.tmp-r4-chat2`];
  for (const path of [...left, ...others]) await plant(disk, path, "half");
  expect((await storage.sweep("chat")).sort()).toEqual(left);
  for (const path of others) expect(await disk.stat(path)).toBeDefined();
});

test("a log whose file was removed under it says so at its next append and sync, and acknowledges nothing", async () => {
  const directory = await mkdtemp(join(tmpdir(), "draftstate-removed-"));
  const storage = createLocalStorage({
    stateDir: join(directory, "state"),
    backupDir: join(directory, "backup"),
    command: "test",
  });
  await storage.prepare();
  const log = await storage.createLog({ area: "state", name: "chat.journal" });
  await log.append(Buffer.from("one"));
  await log.sync();
  await rm(join(directory, "state"), { recursive: true });
  expect(await codeRejected(log.append(Buffer.from("two")))).toBe("STORAGE");
  expect(await codeRejected(log.sync())).toBe("STORAGE");
  await log.close();
  await rm(directory, { recursive: true, force: true });
});
