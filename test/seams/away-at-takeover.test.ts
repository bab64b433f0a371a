/**
 * What a killed writer left unfinished in a directory that was away when its lock was taken over: it goes once the directory is
 * back. The lock of the killed writer, and what it left, are made by hand.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { CreateManagerOptions } from "../../src/index.js";
import { MemoryStorage } from "../../src/storage/memory.js";
import { ManagerEmitter } from "../../src/store/events.js";
import { Spills } from "../../src/store/spills.js";
import { cleanUp, fallbackIn, ID, managerIn, stateDirectory, stateWith, temporaryDirectory, told } from "./seam.js";

afterEach(cleanUp);

/** A lease that ran out counts as a dead holder's, whoever it was. */
const DEAD = {
  ...{ pid: 1, startTime: "1", bootId: "earlier", pidNamespace: "pid:[1]", host: "here", command: "killed" },
  ...{ nonce: "dead", since: "2026-01-01T00:00:00.000Z", expiresAt: "2026-01-01T00:00:01.000Z" },
};

function locksOf(directory: string): string {
  return join(stateDirectory(directory), ".draftstate", "locks");
}

/** As of a writer that was killed while it wrote the file. */
function killedOver(directory: string, left: string): void {
  writeFileSync(join(locksOf(directory), `${ID}.lock`), `${JSON.stringify(DEAD)}\n`);
  mkdirSync(dirname(left), { recursive: true });
  writeFileSync(left, "half");
}

async function open(directory: string, options: CreateManagerOptions = {}): Promise<void> {
  const manager = managerIn(directory, options);
  await (await manager.open(ID)).close();
  await manager.close();
}

/** While the act runs, another directory may take its place. */
async function away(path: string, act: () => Promise<void>): Promise<void> {
  renameSync(path, `${path}-off`);
  await act();
  rmSync(path, { recursive: true, force: true });
  renameSync(`${path}-off`, path);
}

/** The name that spills of this store are written as. */
async function spillWriter(directory: string): Promise<string> {
  const storage = new MemoryStorage({ now: () => new Date(0), command: "test" });
  let writer = "";
  const spills = new Spills({
    storage: Object.assign(storage, {
      replaceAs: (name: string): Promise<void> => {
        writer = name;
        return Promise.resolve();
      },
    }),
    store: stateDirectory(directory),
    directory: "fallback",
    events: new ManagerEmitter(),
    now: () => new Date(0),
  });
  const version = { state: stateWith() as never, info: { createdAt: "2026-01-01T00:00:00.000Z" }, revision: 1 };
  await spills.save(ID, version, { session: "s", base: 0, sessions: [] }, undefined);
  return writer;
}

describe("a backup that was cut off goes once its directory is back", () => {
  test.each([
    ["where the writer that took over made it anew", false],
    ["where it went away under the writer that took over", true],
  ])("%s", async (_what, hasSeenIt) => {
    const directory = temporaryDirectory();
    const backups = join(directory, "backup");
    await told(directory, ["one"]);
    const left = join(backups, `.tmp-abc-${ID}`);
    killedOver(directory, left);
    const manager = managerIn(directory);
    if (hasSeenIt) await (await manager.open("other")).close();
    await away(backups, async () => (await manager.open(ID)).close().catch(() => undefined));
    await manager.close();
    expect(existsSync(left)).toBe(true);
    await open(directory);
    expect(existsSync(left)).toBe(false);
    // And nothing is remembered any more.
    expect(readdirSync(locksOf(directory))).toEqual([]);
  });
});

describe("a spill that was cut off goes with the next session", () => {
  test.each([
    ["after a takeover while the fallback directory was away", true],
    ["after a takeover by a manager without a fallback", false],
  ])("%s", async (_what, isAway) => {
    const directory = temporaryDirectory();
    const { fallbackDir } = fallbackIn(directory);
    await told(directory, ["one"]);
    const left = join(fallbackDir, `.tmp-abc-${await spillWriter(directory)}`);
    killedOver(directory, left);
    if (isAway) await away(fallbackDir, () => open(directory, { fallbackDir }));
    else await open(directory);
    expect(existsSync(left)).toBe(true);
    await open(directory, { fallbackDir });
    expect(existsSync(left)).toBe(false);
  });
});
