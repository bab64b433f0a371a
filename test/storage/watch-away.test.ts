/** A watched directory that goes away and comes back, or another in its place, as a disk that is mounted again: it is watched on. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { createDraftStatePersistenceManager, createLocalStorage } from "../../src/index.js";
import type { Watcher } from "../../src/storage/storage.js";

let root = "";
let watchers: Watcher[] = [];

afterEach(async () => {
  await Promise.all(watchers.map((watcher) => watcher.close()));
  rmSync(root, { recursive: true, force: true });
});

/** Two watch it, as two readers in one process do. */
async function watched(): Promise<{ readonly state: string; readonly names: string[] }> {
  root = mkdtempSync(join(tmpdir(), "draftstate-watch-"));
  const state = join(root, "state");
  mkdirSync(state);
  const names: string[] = [];
  const storage = createLocalStorage({ stateDir: state, backupDir: join(root, "backup"), command: "test" });
  const other = await storage.watch("state", () => undefined);
  watchers = [other, await storage.watch("state", ({ key }) => void names.push(key.name))];
  return { state, names };
}

function writeUntilHeard(state: string, names: readonly string[], name: string): Promise<void> {
  return vi.waitFor(
    () => {
      writeFileSync(join(state, name), "x");
      expect(names).toContain(name);
    },
    { timeout: 3000, interval: 30 },
  );
}

test.each([0, 100])("a directory that is back after %i ms is watched again", async (milliseconds) => {
  const { state, names } = await watched();
  renameSync(state, `${state}-away`);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  renameSync(`${state}-away`, state);
  await writeUntilHeard(state, names, "after.json");
});

test("a reader is told that its conversation was removed while the directory was another", async () => {
  const { state } = await watched();
  const options = { stateDir: state, backupDir: join(root, "backup"), metrics: false };
  const writer = createDraftStatePersistenceManager(options);
  await writer.saveState("tale", { count: 1 });
  await writer.close();
  const manager = createDraftStatePersistenceManager(options);
  const events = manager.watch("tale");
  expect((await events.next()).value?.kind).toBe("state");
  expect((await events.next()).value?.kind).toBe("saved");
  expect((await events.next()).value?.kind).toBe("status");
  mkdirSync(`${state}-other`);
  renameSync(state, `${state}-away`);
  renameSync(`${state}-other`, state);
  rmSync(join(root, "backup"), { recursive: true });
  expect((await events.next()).value?.kind).toBe("removed");
  await manager.close();
});

test("what another directory in its place holds is told", async () => {
  const { state, names } = await watched();
  renameSync(state, `${state}-away`);
  mkdirSync(`${state}-other`);
  writeFileSync(join(`${state}-other`, "held.json"), "x");
  renameSync(`${state}-other`, state);
  await vi.waitFor(() => {
    expect(names).toContain("held.json");
  });
  await writeUntilHeard(state, names, "after.json");
});
