/** migrate: files of the draft, as it left them, become current ones; each original is a backup. */
import { readFile } from "node:fs/promises";
import { describe, expect } from "vitest";
import type { Workspace } from "../../e2e/cli.js";
import { conversationFiles } from "../../e2e/conversation-files.js";
import { test, TIMEOUT } from "../world.js";

async function plant(workspace: Workspace, name: string, id: string): Promise<string> {
  const text = (await readFile(new URL(`../../fixtures/${name}.json`, import.meta.url), "utf8")).replace(
    '"conversationId": "chat"',
    `"conversationId": "${id}"`,
  );
  await workspace.write(`state/${id}.json`, text);
  return text;
}

describe("migrate", TIMEOUT, () => {
  test("rewrites what is old, keeps each original as a backup, and has nothing to do the next time", async ({
    workspace,
  }) => {
    await workspace.run(["chat", "Tell me", "--id", "current"]);
    const original = await plant(workspace, "draft-roles", "tale");
    const shown = await workspace.show("tale");
    const { status, stdout, stderr } = await workspace.run(["migrate"]);
    expect([status, stdout, stderr]).toEqual([
      0,
      "tale  1.0.0-draft → 1.0.0\n",
      "1 conversation migrated, 1 already current\n",
    ]);
    expect((await workspace.show("tale")).messages).toEqual(shown.messages);
    const [backup] = await workspace.backups("tale");
    expect(await workspace.read(backup?.path ?? "")).toBe(original);
    expect(await workspace.json(["migrate"])).toEqual({ migrated: [], upToDate: 2, failed: [], dryRun: false });
  });

  test("--dry-run tells and changes nothing", async ({ workspace }) => {
    await plant(workspace, "draft-serialised", "tale");
    const before = await conversationFiles(workspace);
    expect(await workspace.json(["migrate", "--dry-run"])).toEqual({
      migrated: [{ conversationId: "tale", from: "1.0.0-draft", to: "1.0.0" }],
      upToDate: 0,
      failed: [],
      dryRun: true,
    });
    expect((await workspace.run(["migrate", "ta", "--dry-run"])).stderr).toContain("1 conversation would be migrated");
    expect(await conversationFiles(workspace)).toEqual(before);
  });

  test("what fails is a warning and exit status 4; the others are migrated, and nothing that failed is written to", async ({
    workspace,
  }) => {
    await plant(workspace, "draft-types", "tale");
    const [newer, unknown] = [
      await plant(workspace, "newer", "newer"),
      await plant(workspace, "draft-unknown-class", "unknown"),
    ];
    const { status, stdout, stderr } = await workspace.run(["migrate"]);
    expect([status, stdout]).toEqual([4, "tale  1.0.0-draft → 1.0.0\n"]);
    expect(stderr.match(/^warning: .*$/gm)).toHaveLength(2);
    expect([await workspace.read("state/newer.json"), await workspace.read("state/unknown.json")]).toEqual([
      newer,
      unknown,
    ]);
  });

  test("of one alone exits with what keeps it from being migrated", async ({ workspace }) => {
    await plant(workspace, "newer", "newer");
    await plant(workspace, "draft-unknown-class", "unknown");
    for (const [id, status] of [
      ["nobody", 3],
      ["newer", 4],
      ["unknown", 4],
    ] as const)
      expect([id, (await workspace.run(["migrate", id])).status]).toEqual([id, status]);
  });
});
