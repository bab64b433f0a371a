/** What was allowed for good is forgotten with its conversation, and where a file takes its id: an import states what it likes. */
import { writeFile } from "node:fs/promises";
import { describe, expect } from "vitest";
import { allow, isAllowed } from "../../../src/cli/tools/allowed-record.js";
import { test, TIMEOUT } from "../world.js";

const RECORD = { store: "s", createdAt: "2026-01-14T21:30:00.000Z", tool: "files/read" };

describe("always", TIMEOUT, () => {
  test("of a conversation is forgotten by its removal and by an import of its id, of others not", async ({
    workspace,
  }) => {
    const directory = workspace.path("config/draftstate");
    const env = { XDG_CONFIG_HOME: workspace.path("config") };
    const [tale, other] = ["tale", "other"].map((conversationId) => ({ ...RECORD, conversationId }));
    const standing = (): boolean[] =>
      [tale, other].map((record) => record !== undefined && isAllowed(directory, record));
    const allowBoth = async (): Promise<void> => {
      for (const record of [tale, other]) if (record !== undefined) await allow(directory, record);
      expect(standing()).toEqual([true, true]);
    };
    await workspace.run(["chat", "Hi", "--model", "offline", "--id", "tale"], { env });
    const { stdout } = await workspace.run(["export", "tale", "--format", "json"], { env });
    await writeFile(workspace.path("tale-export.json"), stdout);
    await allowBoth();
    expect((await workspace.run(["rm", "tale", "--yes", "--purge"], { env })).status).toBe(0);
    expect(standing()).toEqual([false, true]);
    await allowBoth();
    expect((await workspace.run(["import", "tale-export.json"], { env })).status).toBe(0);
    expect(standing()).toEqual([false, true]);
  });
});
