/**
 * The directory above the store must not be read by us. Where we may make entries in it, a process of ours may have made the
 * store and died, so nothing is acknowledged that a power loss could take back with the store's own name.
 */
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getuid } from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const COMMAND = fileURLToPath(new URL("../../bin/draftstate.js", import.meta.url));
const NOBODY = 65_534;
/** What is forbidden is not forbidden to root. */
const AS_NOBODY = getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

let parent: string;
let store: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "draftstate-parent-"));
  store = join(parent, "store");
});
afterEach(() => {
  chmodSync(parent, 0o700);
  rmSync(parent, { recursive: true, force: true });
});

function chat(): SpawnSyncReturns<string> {
  const directories = ["--state-dir", store, "--backup-dir", join(store, "backup")];
  return spawnSync(process.execPath, [COMMAND, "chat", "Tell me a story", "--id", "tale", ...directories], {
    cwd: "/",
    env: { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0", HOME: "/nonexistent" },
    encoding: "utf8",
    ...AS_NOBODY,
  });
}

test("where we may make entries that nobody can make durable, nothing is acknowledged, the second time either", () => {
  chmodSync(parent, 0o333);
  for (const attempt of ["first", "second"]) {
    const { status, stdout, stderr } = chat();
    expect([attempt, status, stdout, stderr]).toEqual([attempt, 7, "", expect.stringContaining(parent)]);
  }
});

test("where others made the store's directory and we may make none, it is used", () => {
  mkdirSync(store);
  if (AS_NOBODY.uid !== undefined) chownSync(store, NOBODY, NOBODY);
  chmodSync(parent, 0o111);
  const { status, stderr } = chat();
  expect([status, stderr]).toEqual([0, expect.stringContaining("tale")]);
});
