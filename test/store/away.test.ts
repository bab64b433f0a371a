/** A state directory that is missing is told by what is left of it: its backups, or only its spills. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createDraftStatePersistenceManager, createLocalStorage } from "../../src/index.js";
import { leaveSpill } from "../doubles/spills.js";

test("where only spills tell of a missing state directory, they are named, and used once it is made", async () => {
  const directory = await mkdtemp(join(tmpdir(), "draftstate-away-"));
  const [stateDir, backupDir, fallbackDir] = ["state", "backup", "spare"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  // A directory of backups belongs to one store.
  const storageIn = (stateDir: string) =>
    createLocalStorage({ stateDir, backupDir: `${stateDir}-backup`, command: "test" });
  await mkdir(fallbackDir);
  const version = {
    state: { messages: [], currentNarrative: "spilled" },
    info: { createdAt: "2026-01-14T21:30:00.000Z" },
    revision: 3,
  };
  await leaveSpill(storageIn(fallbackDir), storageIn(stateDir), { id: "tale", version, base: 2 });
  const manager = createDraftStatePersistenceManager({ stateDir, backupDir, fallbackDir, telemetry: false });
  await expect(manager.open("tale")).rejects.toMatchObject({
    code: "STORAGE",
    message: `${stateDir} is missing, and ${fallbackDir} holds changes of its conversations that could not be saved to it: mount it, or name the right stateDir; if it was deleted, create it empty and what was spilled is used`,
  });
  await mkdir(stateDir);
  await (await manager.open("tale")).close();
  expect(await manager.loadState("tale")).toMatchObject({ currentNarrative: "spilled" });
  await manager.close();
  await rm(directory, { recursive: true });
});
