/** Each health check is made to fail for real where this machine allows: files, a mounted disk, a killed process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Health, HealthCheck } from "../../src/monitoring/health.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { DraftStatePersistenceManager, type ManagerOptions } from "../../src/manager.js";
import { UnsavedChanges } from "../../src/metrics/unsaved.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { begin, managerOver, turn } from "../doubles/managers.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { mountSmallDisk } from "../doubles/small-disk.js";
import { storageOver } from "../doubles/storage-over.js";

let directory: string;
const managers: DraftStatePersistenceManager[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "draftstate-health-"));
});
afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close().catch(() => undefined);
  await rm(directory, { recursive: true, force: true });
});

const at = (...names: string[]): string => join(directory, ...names);

function manager(options: ManagerOptions = {}): DraftStatePersistenceManager {
  const made = createDraftStatePersistenceManager({ stateDir: at("state"), backupDir: at("backup"), ...options });
  managers.push(made);
  return made;
}

function check(health: Health, name: string): HealthCheck {
  const found = health.checks.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no check is called ${name}`);
  return found;
}

async function oneTurn(id = "tale", options: ManagerOptions = {}): Promise<void> {
  const conversation = await manager(options).open(id);
  await turn(conversation, "Hi", "a", "b");
  await conversation.close();
}

test("a store in use is well: every check of the contract, each ok", async () => {
  await oneTurn();
  const health = await manager().health({ minFreeBytes: 1 });
  expect(health).toMatchObject({ status: "ok" });
  expect(health.checks.map(({ name, status }) => [name, status])).toEqual(
    [
      "directories-writable",
      "free-space",
      "stale-locks",
      "damaged-files",
      "unsaved-changes",
      "fallback",
      "backups",
    ].map((name) => [name, "ok"]),
  );
});

test("looking at health leaves no file behind, and makes none where nothing is", async () => {
  const health = await manager().health();
  expect(health.status).toBe("warn");
  expect(check(health, "directories-writable")).toMatchObject({
    status: "warn",
    detail: expect.stringContaining(at("state")),
  });
  expect(await manager().storage.exists()).toBe(false);
});

describe("directories", () => {
  test("a file in place of one fails, and says where", async () => {
    await writeFile(at("state"), "in the way");
    const health = await manager().health();
    expect(health.status).toBe("fail");
    expect(check(health, "directories-writable")).toMatchObject({
      status: "fail",
      detail: expect.stringContaining(at("state")),
    });
  });

  test("a file system that is read-only fails", async () => {
    const disk = await mountSmallDisk(at("disk"), "4m");
    const options = { stateDir: at("disk", "state"), backupDir: at("disk", "backup") };
    try {
      if (disk === undefined) {
        const faulty = new FaultyFileSystem(new SimulatedFileSystem());
        await storageOver(faulty).prepare();
        faulty.setFault({ code: "EROFS", at: 1, lasting: "from-then-on", only: ["createFile"] });
        expect(check(await managerOver(storageOver(faulty)).health(), "directories-writable").status).toBe("fail");
        return;
      }
      await oneTurn("tale", options);
      await disk.makeReadOnly();
      const health = await manager(options).health();
      expect(check(health, "directories-writable")).toMatchObject({
        status: "fail",
        detail: expect.stringContaining("read-only"),
      });
      expect(check(health, "damaged-files").status).toBe("ok");
    } finally {
      await disk?.unmount();
    }
  });

  test("a link that leads nowhere fails or is missing, and is not followed to make something", async () => {
    await symlink(at("nowhere"), at("state"));
    expect(check(await manager().health(), "directories-writable").status).not.toBe("ok");
  });
});

describe("free space", () => {
  test("less than is wanted warns, less than a tenth of it fails", async () => {
    const disk = await mountSmallDisk(at("disk"), "4m");
    const options = { stateDir: at("disk", "state"), backupDir: at("disk", "backup") };
    try {
      if (disk === undefined) {
        const fs = new SimulatedFileSystem();
        fs.room = { freeBytes: 3e6, totalBytes: 4e6 };
        const over = managerOver(storageOver(fs));
        await storageOver(fs).prepare();
        expect(check(await over.health({ minFreeBytes: 10e6 }), "free-space").status).toBe("warn");
        expect(check(await over.health(), "free-space").status).toBe("fail");
        return;
      }
      await oneTurn("tale", options);
      expect(check(await manager(options).health({ minFreeBytes: 1_000_000 }), "free-space").status).toBe("ok");
      expect(check(await manager(options).health({ minFreeBytes: 10_000_000 }), "free-space").status).toBe("warn");
      await writeFile(at("disk", "filler"), Buffer.alloc(3_900_000));
      expect(check(await manager(options).health({ minFreeBytes: 10_000_000 }), "free-space")).toMatchObject({
        status: "fail",
        detail: expect.stringContaining("4 MiB"),
      });
    } finally {
      await disk?.unmount();
    }
  });

  test("a disk that is full to the last byte fails as not writable", async () => {
    const disk = await mountSmallDisk(at("disk"), "1m");
    const options = { stateDir: at("disk", "state"), backupDir: at("disk", "backup") };
    try {
      if (disk === undefined) {
        const faulty = new FaultyFileSystem(new SimulatedFileSystem());
        await storageOver(faulty).prepare();
        faulty.setFault({ code: "ENOSPC", at: 1, lasting: "from-then-on", only: ["write"] });
        expect(check(await managerOver(storageOver(faulty)).health(), "directories-writable").status).toBe("fail");
        return;
      }
      await oneTurn("tale", options);
      await writeFile(at("disk", "filler"), Buffer.alloc(2_000_000)).catch(() => undefined);
      expect(check(await manager(options).health(), "directories-writable")).toMatchObject({
        status: "fail",
        detail: expect.stringContaining("full"),
      });
    } finally {
      await disk?.unmount();
    }
  });
});

test("a lock whose owner was killed warns, and names conversation and holder; a living owner's does not", async () => {
  const script = `import { createDraftStatePersistenceManager } from ${JSON.stringify(new URL("../../dist/index.js", import.meta.url).href)};
    const manager = createDraftStatePersistenceManager({ stateDir: "state", backupDir: "backup" });
    await manager.open("tale"); console.log("open"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    cwd: directory,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  expect(check(await manager().health(), "stale-locks").status).toBe("ok");
  child.kill("SIGKILL");
  await once(child, "close");
  const stale = check(await manager().health(), "stale-locks");
  expect(stale.status).toBe("warn");
  expect(stale.detail).toContain(`(pid ${child.pid ?? 0} on `);
  await (await manager().open("tale")).close();
  expect(check(await manager().health(), "stale-locks").status).toBe("ok");
});

test("a lock file that cannot be read warns: it blocks writers until somebody looks", async () => {
  await oneTurn();
  await writeFile(at("state", ".draftstate", "locks", "tale.lock"), "not a lock");
  expect(check(await manager().health(), "stale-locks")).toMatchObject({
    status: "warn",
    detail: expect.stringContaining("tale"),
  });
});

describe("damaged files", () => {
  const snapshot = (): string => at("state", "tale.json");

  test("a snapshot that was cut fails, with its path, also for a quick look", async () => {
    await oneTurn();
    await truncate(snapshot(), 100);
    for (const quick of [false, true]) {
      const health = await manager().health({ quick });
      expect(health.status).toBe("fail");
      expect(check(health, "damaged-files")).toMatchObject({
        status: "fail",
        detail: expect.stringContaining(snapshot()),
      });
    }
  });

  test("a damaged backup fails the full look", async () => {
    await oneTurn();
    const [backup] = await manager().listBackups("tale");
    await truncate(backup?.path ?? "", 100);
    expect(check(await manager().health(), "damaged-files").status).toBe("fail");
    expect(check(await manager().health({ quick: true }), "damaged-files").status).toBe("ok");
  });

  test("the torn end that a crash leaves in a journal warns only", async () => {
    await oneTurn();
    await writeFile(at("state", "tale.journal"), '{"crc":"42d7');
    expect(check(await manager().health(), "damaged-files")).toMatchObject({ status: "warn" });
  });
});

describe("unsaved changes", () => {
  test("grow old while they wait, are warned of, then fail, and are well again once saved", async () => {
    const fs = new SimulatedFileSystem();
    let now = Date.UTC(2026, 0, 14);
    const slow = new DraftStatePersistenceManager(
      { storage: storageOver(fs), now: () => new Date(now), elapsed: () => now, random: Math.random },
      { realTimeSave: false, autoSave: false },
    );
    const conversation = await slow.open("tale");
    await conversation.flush();
    expect(check(await slow.health(), "unsaved-changes").status).toBe("ok");
    begin(conversation, "Hi");
    expect(check(await slow.health(), "unsaved-changes").status).toBe("ok");
    now += 61_000;
    expect(check(await slow.health(), "unsaved-changes")).toMatchObject({
      status: "warn",
      detail: expect.stringContaining("tale"),
    });
    now += 600_000;
    expect(check(await slow.health(), "unsaved-changes").status).toBe("fail");
    await conversation.flush();
    expect(check(await slow.health(), "unsaved-changes").status).toBe("ok");
    await slow.close();
  });

  test("a change that was saved does not lend its age to the next one", async () => {
    const unsaved = new UnsavedChanges();
    expect(unsaved.look(1000, [{ id: "a", revision: 5, durableRevision: 3 }]).get("a")).toBe(1000);
    expect(unsaved.look(2000, [{ id: "a", revision: 9, durableRevision: 3 }]).get("a")).toBe(1000);
    expect(unsaved.look(3000, [{ id: "a", revision: 9, durableRevision: 4 }]).get("a")).toBe(3000);
    expect(unsaved.look(4000, [{ id: "a", revision: 9, durableRevision: 9 }]).size).toBe(0);
  });
});

test("a conversation in the fallback directory warns until it is folded back", async () => {
  const disk = new FaultyFileSystem(new SimulatedFileSystem());
  const world = {
    storage: storageOver(disk),
    fallback: storageOver(new SimulatedFileSystem()),
    now: () => new Date(),
    elapsed: () => performance.now(),
    random: Math.random,
  };
  const over = (): DraftStatePersistenceManager =>
    new DraftStatePersistenceManager(world, { fallbackDir: at("away"), retryAttempts: 0, autoSave: false });
  const first = over();
  const conversation = await first.open("tale");
  disk.setFault({ code: "EROFS", at: 1, lasting: "from-then-on", only: ["createFile", "write"] });
  begin(conversation, "Hi");
  await conversation.flush();
  expect(check(await over().health(), "fallback")).toMatchObject({
    status: "warn",
    detail: expect.stringContaining("tale"),
  });
  expect((await over().metrics()).gauges["draftstate_fallback_active"]).toEqual({ "": 1 });
  disk.clearFault();
  await first.close();
  await (await over().open("tale")).close();
  expect(check(await over().health(), "fallback").status).toBe("ok");
});

describe("backups", () => {
  test("changes that have had none for too long warn, and name the conversation", async () => {
    await oneTurn();
    await oneTurn("bare", { maxBackups: 0 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const health = await manager().health({ maxBackupAgeMs: 1 });
    expect(check(health, "backups")).toMatchObject({ status: "warn", detail: expect.stringContaining("bare") });
    expect(check(health, "backups").detail).not.toContain("tale");
    await manager().backup("bare");
    expect(check(await manager().health({ maxBackupAgeMs: 1 }), "backups").status).toBe("ok");
  });

  test("where they are turned off that is said, and is no warning", async () => {
    await oneTurn("bare", { maxBackups: 0 });
    expect(check(await manager({ maxBackups: 0 }).health({ maxBackupAgeMs: 0 }), "backups")).toMatchObject({
      status: "ok",
      detail: expect.stringContaining("turned off"),
    });
  });
});

test("no text of a conversation is in what health says, not even that of a damaged file", async () => {
  const conversation = await manager().open("tale");
  await turn(conversation, "my-secret-words", "my-secret-answer");
  await conversation.close();
  await writeFile(at("state", "tale.json"), "my-secret-words");
  await writeFile(at("state", "tale.journal"), "my-secret-answer");
  const health = await manager().health();
  expect(health.status).toBe("fail");
  expect(JSON.stringify(health)).not.toContain("my-secret");
});
