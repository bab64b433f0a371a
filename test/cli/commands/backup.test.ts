/** backup: a backup on demand, kept by name whatever retention says. */
import { describe, expect } from "vitest";
import { errorOf, type BackupRow } from "../../e2e/cli.js";
import { conversationFiles } from "../../e2e/conversation-files.js";
import { test, TIMEOUT } from "../world.js";

interface Made extends BackupRow {
  readonly conversationId: string;
  readonly tag: string | null;
  readonly pinned: boolean;
}

describe("backup", TIMEOUT, () => {
  test("prints its timestamp alone on stdout; the newest that holds the same already is it", async ({ workspace }) => {
    await workspace.run(["chat", "Tell me", "--id", "tale"]);
    const [turn] = await workspace.backups("tale");
    const { status, stdout, stderr } = await workspace.run(["backup", "tale"]);
    expect([status, stdout, stderr]).toEqual([
      0,
      `${turn?.timestamp}\n`,
      `restore it with: draftstate restore tale --backup ${turn?.timestamp}\n`,
    ]);
    expect(await workspace.backups("tale")).toHaveLength(1);
  });

  test("whose tag another has too is named by its timestamp, in a command that works", async ({ workspace }) => {
    await workspace.run(["chat", "Turn 1", "--id", "tale"]);
    const first = await workspace.run(["backup", "tale", "--tag", "dragon"]);
    await workspace.run(["chat", "Turn 2", "-c"]);
    const second = await workspace.run(["backup", "tale", "--tag", "dragon"]);
    const times = [second, first].map(({ stdout }) => stdout.trim()).join(", ");
    const shared = await workspace.run(["show", "tale", "--backup", "dragon"]);
    expect([shared.status, shared.stderr]).toEqual([
      2,
      `error: 2 backups of tale have the tag dragon: name one by its timestamp (${times})\n`,
    ]);
    expect([first.stderr, second.stderr]).toEqual([
      "restore it with: draftstate restore tale --backup dragon\n",
      `restore it with: draftstate restore tale --backup ${second.stdout.trim()}\n`,
    ]);
  });

  test("that does not exist yet is not asked about with itself", async ({ workspace }) => {
    await workspace.run(["chat", "Hi", "--id", "tale"], { env: { DRAFTSTATE_MAX_BACKUPS: "0" } });
    expect((await workspace.run(["restore", "tale", "--backup", "latest"])).stderr).toBe(
      'error: tale has no backups: "draftstate backup tale" makes one\n',
    );
  });

  test.for([
    [["--tag", "dragon"], "dragon"],
    [["--pin"], null],
  ] as const)(
    "with %j outlives every prune and every turn, and is gone back to",
    async ([args, tag], { workspace }) => {
      await workspace.run(["chat", "Turn 1", "--id", "tale"]);
      const made = (await workspace.json(["backup", "@last", ...args])) as Made;
      expect(made).toMatchObject({ conversationId: "tale", reason: "manual", tag, pinned: true });
      expect(made.path).toContain(made.timestamp);
      for (const turn of [2, 3])
        await workspace.run(["chat", `Turn ${turn}`, "-c"], { env: { DRAFTSTATE_MAX_BACKUPS: "1" } });
      await workspace.run(["prune", "--max", "0"]);
      expect((await workspace.backups("tale")).map(({ timestamp }) => timestamp)).toEqual([made.timestamp]);
      await workspace.json(["restore", "tale", "--backup", tag ?? made.timestamp, "--yes"]);
      expect((await workspace.show("tale")).messages).toHaveLength(2);
    },
  );

  test("is refused, and leaves nothing, where it cannot be", async ({ workspace }) => {
    await workspace.run(["chat", "Tell me", "--id", "tale"]);
    await workspace.write("state/broken.json", "{ torn");
    const before = await conversationFiles(workspace);
    const refused: [string[], number, string][] = [
      [["nobody"], 3, "NOT_FOUND"],
      [["tale", "--tag", "latest"], 2, "USAGE"],
      [["tale", "--tag", "~1"], 2, "USAGE"],
      [["tale", "--tag", "two words"], 2, "USAGE"],
      [["tale", "--tag", ""], 2, "USAGE"],
      [["broken"], 4, "CORRUPT"],
      [[], 2, "USAGE"],
    ];
    for (const [args, status, code] of refused) {
      const result = await workspace.run(["backup", ...args, "--json"]);
      expect([args, result.status, errorOf(result).code]).toEqual([args, status, code]);
    }
    expect(await conversationFiles(workspace)).toEqual(before);
  });
});
