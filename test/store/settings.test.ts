/** Options are checked before anything is touched, and a wrong one is named. */
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DraftstateError } from "../../src/errors.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { resolveSettings } from "../../src/store/settings.js";

function refusedBy(act: () => unknown): unknown {
  try {
    act();
    return "accepted";
  } catch (error) {
    return error instanceof DraftstateError ? [error.code, error.path] : error;
  }
}

describe("an option is refused by its name", () => {
  test.each<[string, unknown]>([
    ["stateDir", ""],
    ["stateDir", 7],
    ["backupDir", "a\0b"],
    ["autoSave", "yes"],
    ["autoSaveInterval", 0],
    ["autoSaveInterval", 2 ** 31],
    ["autoSaveInterval", 1.5],
    ["maxBackups", -1],
    ["maxBackups", Number.NaN],
    ["compression", "rar"],
    ["durability", null],
    ["retryAttempts", "5"],
    ["lockTimeout", Number.POSITIVE_INFINITY],
    ["journalBudget", 1],
    ["maxQueuedChanges", 0],
    ["saveOntoken", true],
    ["constructor", 1],
    ["toString", 1],
  ])("%s: %j", (name, value) => {
    const refused = ["INVALID_CONFIG", name];
    expect(refusedBy(() => resolveSettings({ [name]: value }))).toEqual(refused);
    expect(refusedBy(() => createDraftStatePersistenceManager({ [name]: value }))).toEqual(refused);
  });

  test.each([
    [{ stateDir: "./a", backupDir: "a/" }, "backupDir"],
    [{ stateDir: "./a", fallbackDir: "./b/../a" }, "fallbackDir"],
    [{ backupDir: "./b", fallbackDir: "b" }, "fallbackDir"],
    [{ stateDir: "./a", backupDir: "./f/backup", fallbackDir: "f" }, "fallbackDir"],
    [{ stateDir: "./a/backup", fallbackDir: "a" }, "fallbackDir"],
    [{ stateDir: "./a", backupDir: "a/.draftstate" }, "backupDir"],
    [{ stateDir: "./a", fallbackDir: "a/.draftstate/trash" }, "fallbackDir"],
  ])("directories that are one another's: %j", (options, name) => {
    expect(refusedBy(() => createDraftStatePersistenceManager(options))).toEqual(["INVALID_CONFIG", name]);
  });

  test("directories that a link makes one", async () => {
    const directory = await mkdtemp(join(tmpdir(), "draftstate-settings-"));
    await mkdir(join(directory, "a"));
    await symlink(join(directory, "a"), join(directory, "b"));
    expect(
      refusedBy(() =>
        createDraftStatePersistenceManager({ stateDir: join(directory, "a"), fallbackDir: join(directory, "b") }),
      ),
    ).toEqual(["INVALID_CONFIG", "fallbackDir"]);
    await rm(directory, { recursive: true });
  });
});

test("defaults are the draft's, but for saveOnToken, and undefined means the default", () => {
  expect(resolveSettings({ maxBackups: undefined })).toMatchObject({
    stateDir: "./state",
    backupDir: "./backup",
    autoSave: true,
    autoSaveInterval: 1000,
    maxBackups: 10,
    realTimeSave: true,
    saveOnStateChange: true,
    saveOnToken: true,
    durability: "strict",
    lockTimeout: 0,
  });
});
