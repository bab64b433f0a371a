/** Ten turns and what can be done with them afterwards: backups, going back and forth, comparing, pruning. */
import { readdir } from "node:fs/promises";
import { applyPatch, type Operation } from "rfc6902";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BackupRow, Shown, Workspace } from "../../e2e/cli.js";
import { InProcess } from "../world.js";
import { TIMEOUT } from "../world.js";

const TURNS = 10;
const ENV = { DRAFTSTATE_MAX_BACKUPS: "3" };

function withoutMetadata({ _metadata: _left, ...state }: Shown): object {
  return state;
}

describe("ten turns with maxBackups 3", TIMEOUT, () => {
  let workspace: Workspace;
  let backups: BackupRow[];

  beforeAll(async () => {
    workspace = await InProcess.create();
    await workspace.run(["chat", "turn 1", "--id", "tale"], { env: ENV });
    for (let turn = 2; turn <= TURNS; turn += 1) await workspace.run(["chat", `turn ${turn}`, "-c"], { env: ENV });
  }, 80_000);
  afterAll(() => workspace.remove());
  beforeEach(async () => {
    backups = await workspace.backups("tale");
  });

  test("are all in the conversation", async () => {
    expect(
      (await workspace.show("tale")).messages.filter(({ role }) => role === "user").map(({ content }) => content),
    ).toEqual(Array.from({ length: TURNS }, (_, index) => `turn ${index + 1}`));
  });

  test("leave three backups, of the newest three turns, newest first", async () => {
    expect(backups).toMatchObject([20, 18, 16].map((messageCount) => ({ messageCount, reason: "turn", valid: true })));
    expect((await readdir(workspace.path("backup"))).filter((name) => name.endsWith(".json"))).toHaveLength(3);
  });

  test("are told apart by a diff that any RFC 6902 library applies", async () => {
    const target = withoutMetadata(await workspace.show("tale", "--backup", "~2"));
    const patch = (await workspace.json(["diff", "tale", "~2", "now"])) as Operation[];
    expect(patch.length).toBeGreaterThan(0);
    expect(applyPatch(target, patch).filter((error) => error !== null)).toEqual([]);
    expect(target).toEqual(withoutMetadata(await workspace.show("tale")));
  });

  test("are compared by default from the newest backup that differs, which is the second", async () => {
    const target = withoutMetadata(await workspace.show("tale", "--backup", "~1"));
    applyPatch(target, (await workspace.json(["diff", "tale"])) as Operation[]);
    expect(target).toEqual(withoutMetadata(await workspace.show("tale")));
  });

  test("differ by exit status only where it is asked for", async () => {
    const [plain, asked, same] = [
      await workspace.run(["diff", "tale", "~1"]),
      await workspace.run(["diff", "tale", "~1", "--exit-code"]),
      await workspace.run(["diff", "tale", "now", "now", "--exit-code"]),
    ];
    expect([plain.status, asked.status, same.status]).toEqual([0, 1, 0]);
  });

  test("are gone back to and come back, with all that was said, by the safety backup", async () => {
    const present = await workspace.show("tale");
    const past = await workspace.show("tale", "--backup", "~2");
    const restored = (await workspace.json(["restore", "tale", "--backup", "~2", "--yes"])) as {
      conversationId: string;
      restoredFrom: string;
      safetyBackup: string;
      revision: number;
    };
    expect(restored).toMatchObject({ conversationId: "tale", restoredFrom: backups[2]?.timestamp });
    expect(restored.revision).toBeGreaterThan(present._metadata.revision);
    expect(withoutMetadata(await workspace.show("tale"))).toEqual(withoutMetadata(past));
    await workspace.json(["restore", "tale", "--backup", restored.safetyBackup, "--yes"]);
    expect(withoutMetadata(await workspace.show("tale"))).toEqual(withoutMetadata(present));
  });

  test("may be forked from a backup into a conversation of its own", async () => {
    await workspace.json(["restore", "tale", "--backup", "latest", "--fork", "idea"]);
    expect(await workspace.row("idea")).toMatchObject({ status: "complete" });
  });

  test("are named by their place in a spelling that no shell expands", async () => {
    for (const [place, backup] of backups.entries()) {
      const spellings = [
        ["show", "tale", "--backup", `@${place}`],
        ["show", "tale", "--backup", `~${place}`],
        ["show", `tale@${place}`],
        ["show", `tale@~${place}`],
        ["show", `tale@${backup.timestamp}`],
      ];
      for (const spelling of spellings)
        expect(((await workspace.json(spelling)) as Shown)._metadata.revision).toBe(backup.revision);
    }
    expect((await workspace.run(["backups", "tale"])).stdout).toMatch(/^@0 /m);
    const expanded = await workspace.run(["diff", "tale", workspace.directory, "now"]);
    expect([expanded.status, expanded.stderr.includes("@1")]).toEqual([3, true]);
  });

  test("change nothing where nothing would change, and an undo then still takes back what came before", async () => {
    const again = ["restore", "tale", "--backup", backups.at(-1)?.timestamp ?? "", "--yes"];
    await workspace.run(again);
    const before = [await workspace.read("state/tale.json"), await workspace.backups("tale")];
    const { status, stderr } = await workspace.run(again);
    expect([status, stderr.includes("nothing was restored"), stderr.includes("undo")]).toEqual([0, true, false]);
    expect([await workspace.read("state/tale.json"), await workspace.backups("tale")]).toEqual(before);
  });

  test("say how to take a restore back, and are there again then", async () => {
    const present = await workspace.show("tale");
    const shown = await Promise.all(backups.map(({ timestamp }) => workspace.show("tale", "--backup", timestamp)));
    const other =
      backups[shown.findIndex(({ messages }) => messages.length !== present.messages.length)]?.timestamp ?? "";
    const { stderr } = await workspace.run(["restore", "tale", "--backup", other]);
    expect(stderr).toContain("draftstate undo tale");
    await workspace.run(["undo", "tale"]);
    expect(withoutMetadata(await workspace.show("tale"))).toEqual(withoutMetadata(present));
  });

  test("have no backup ~9: not found", async () => {
    expect((await workspace.run(["restore", "tale", "--backup", "~9", "--yes"])).status).toBe(3);
  });

  test("lose nothing to prune --dry-run, and to prune what it said; the conversation stays", async () => {
    type Pruned = { kept: string[]; removed: string[]; bytesFreed: number; dryRun: boolean };
    const before = await workspace.read("state/tale.json");
    const said = (await workspace.json(["prune", "tale", "--max", "1", "--dry-run"])) as Pruned;
    expect([said.dryRun, said.removed.length, (await workspace.backups("tale")).length]).toEqual([
      true,
      backups.length - 1,
      backups.length,
    ]);
    const done = (await workspace.json(["prune", "tale", "--max", "1"])) as Pruned;
    expect([done.dryRun, done.removed, done.kept, done.bytesFreed]).toEqual([
      false,
      said.removed,
      said.kept,
      said.bytesFreed,
    ]);
    expect((await workspace.backups("tale")).map(({ timestamp }) => timestamp)).toEqual([backups[0]?.timestamp]);
    expect(await workspace.read("state/tale.json")).toBe(before);
  });

  test("are whole to verify", async () => {
    expect(await workspace.json(["verify"])).toMatchObject({ ok: true, problems: [] });
  });
});

test("backups say what changed since the one before, also of restores and where nothing did", TIMEOUT, async () => {
  const workspace = await InProcess.create();
  await workspace.run(["chat", "turn 1", "--id", "tale"]);
  await workspace.run(["chat", "turn 2", "-c"]);
  for (const command of ["restore tale --backup @1", "undo tale", "redo", "backup tale", "backup tale --tag kept"])
    await workspace.run([...command.split(" ")]);
  const { stdout } = await workspace.run(["backups", "tale"]);
  const changed = stdout
    .split("\n")
    .flatMap((line) => /(?:[+-]\d+ messages(?:: turn \d)?|same as @\d)/.exec(line) ?? []);
  expect(changed).toEqual([
    "same as @1",
    "-2 messages",
    "+2 messages: turn 2",
    "-2 messages",
    "+2 messages: turn 2",
    "+2 messages: turn 1",
  ]);
  await workspace.remove();
});
