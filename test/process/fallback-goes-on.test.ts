/** A disk that stays full: with `fallbackDir` a conversation goes on there turn by turn, by id, prefix and -c, and then comes home. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { AgentState } from "../../src/model/conversation.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { SmallDisk } from "./small-disk.js";
import { Victim } from "./victim.js";

const ID = "tale";

test("a conversation that began in the fallbackDir goes on there while the disk stays full, and comes home whole", { timeout: 120_000 }, async () => {
  const disk = await SmallDisk.mount(512);
  if (disk === undefined) return;
  const home = await mkdtemp(join(tmpdir(), "draftstate-fallback-"));
  const directories = { stateDir: join(disk.directory, "state"), backupDir: join(disk.directory, "backup") };
  const fallbackDir = join(home, "fallback");
  const chat = async (...args: string[]): Promise<[number | null, string]> => {
    const command = Victim.cli(["chat", ...args, "--state-dir", directories.stateDir, "--backup-dir", directories.backupDir], { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0", DRAFTSTATE_FALLBACK_DIR: fallbackDir }, home);
    await command.ended();
    return [command.status, command.stderr];
  };
  const messages = async (): Promise<AgentState["messages"]> => (await createDraftStatePersistenceManager({ ...directories, fallbackDir, autoSave: false }).loadState(ID))?.messages ?? [];
  try {
    await disk.fill(0);
    expect(await chat("--id", ID, "Once")).toEqual([0, expect.stringContaining("fallback")]);
    expect(await chat("--resume", "ta", "More")).toEqual([0, expect.stringContaining("fallback")]);
    expect(await chat("-c", "And more")).toEqual([0, expect.stringContaining("fallback")]);
    const there = await messages();
    expect(there).toHaveLength(6);
    await disk.free();
    expect((await chat("-c", "Home"))[0]).toBe(0);
    const back = await messages();
    expect([back.length, back.slice(0, 6)]).toEqual([8, there]);
  } finally {
    await disk.unmount();
    await rm(home, { recursive: true, force: true });
  }
});
