/** A disk that stays full: what a conversation could not save waits in `fallbackDir`, is seen by every reader, and comes home once there is room. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { AgentState } from "../../src/model/conversation.js";
import { until } from "../e2e/cli.js";
import { SmallDisk } from "./small-disk.js";
import { Victim } from "./victim.js";

const ID = "tale";

test(
  "a conversation whose disk fills up waits in the fallbackDir, opens nothing there, and comes home whole",
  { timeout: 120_000 },
  async () => {
    const disk = await SmallDisk.mount(512);
    if (disk === undefined) return;
    const home = await mkdtemp(join(tmpdir(), "draftstate-fallback-"));
    const directories = { stateDir: join(disk.directory, "state"), backupDir: join(disk.directory, "backup") };
    const fallbackDir = join(home, "fallback");
    const start = (delay: string, ...args: string[]): Victim =>
      Victim.cli(
        ["chat", ...args, "--state-dir", directories.stateDir, "--backup-dir", directories.backupDir],
        { DRAFTSTATE_OFFLINE_TOKEN_DELAY: delay, DRAFTSTATE_FALLBACK_DIR: fallbackDir },
        home,
      );
    const chat = async (...args: string[]): Promise<[number | null, string]> => {
      const command = start("0", ...args);
      await command.ended();
      return [command.status, command.stderr];
    };
    const messages = async (): Promise<AgentState["messages"]> =>
      (await createDraftStatePersistenceManager({ ...directories, fallbackDir, autoSave: false }).loadState(ID))
        ?.messages ?? [];
    try {
      const first = start("5", "--id", ID, "Once", "--json");
      await until(
        () => (first.lines.length > 10 ? true : undefined),
        () => first.stderr,
      );
      await disk.fill(0);
      await first.ended();
      expect([first.status, first.stderr]).toEqual([0, expect.stringContaining("fallback")]);
      const there = await messages();
      expect(there).toHaveLength(2);
      // A store that cannot hold a lock is not continued, and nothing of what was kept is touched.
      expect(await chat("--resume", "ta", "More")).toEqual([7, expect.stringContaining("disk is full")]);
      expect(await messages()).toEqual(there);
      await disk.free();
      expect((await chat("-c", "Home"))[0]).toBe(0);
      const back = await messages();
      expect([back.length, back.slice(0, 2)]).toEqual([4, there]);
      expect((await readdir(fallbackDir)).filter((name) => name.endsWith(".spill"))).toEqual([]);
    } finally {
      await disk.unmount();
      await rm(home, { recursive: true, force: true });
    }
  },
);
