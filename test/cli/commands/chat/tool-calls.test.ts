/** A chat with tools in a pipe: nothing runs that no flag allows, and nothing is made again by itself. */
import { describe, expect } from "vitest";
import { createDraftStatePersistenceManager } from "../../../../src/create-manager.js";
import type { Workspace } from "../../../e2e/cli.js";
import { askingFor, counted, countingTool } from "../../../e2e/counting.js";
import { saying } from "../../../e2e/servers.js";
import { test, TIMEOUT } from "../../world.js";

const AT = "2026-01-14T21:30:00.000Z";

/** What a process leaves that was killed while its tool ran. */
async function leaveBegunCall(workspace: Workspace): Promise<void> {
  const [stateDir, backupDir] = [`${workspace.directory}/state`, `${workspace.directory}/backup`];
  const manager = createDraftStatePersistenceManager({ stateDir, backupDir, autoSave: false });
  const call = { id: "c", name: "count__add", args: { text: "one" }, startedAt: AT };
  await manager.saveState("tale", {
    messages: [
      { id: "u", role: "user", content: "Add", createdAt: AT },
      { id: "a", role: "assistant", content: "", createdAt: AT, status: "complete", toolCalls: [call] },
      { id: "x", role: "assistant", content: "", createdAt: AT, status: "interrupted" },
    ],
  });
  await manager.close();
}

describe.concurrent("a call in a pipe", TIMEOUT, () => {
  test("that no flag allows ends the turn with status 2 and the flag, and is made once it is allowed", async ({
    workspace,
    serve,
  }) => {
    const { url } = await serve(askingFor("one", "two"), saying("Both are there."));
    const chat = ["chat", "--base-url", url, ...countingTool(workspace)];
    const refused = await workspace.run([...chat, "Add", "--id", "tale"]);
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.stderr).toContain("allow it with --allow-tool count/add, or all with --yes-tools");
    expect(counted(workspace)).toEqual([]);
    expect((await workspace.run(["show", "tale"])).stdout).toMatch(/→ count\/add\(\{"text":"one"\}\) not made/);
    const allowed = await workspace.run([...chat, "--resume", "tale", "--allow-tool", "count/a*"]);
    expect(allowed).toMatchObject({ status: 0, stdout: "Both are there.\n" });
    expect(counted(workspace).sort()).toEqual(["one", "two"]);
  });

  test("that waits is passed over where something else is said", async ({ workspace, serve }) => {
    const server = await serve(askingFor("one"), saying("Fine."));
    const chat = ["chat", "--base-url", server.url, ...countingTool(workspace)];
    await workspace.run([...chat, "Add", "--id", "tale"]);
    const other = await workspace.run([...chat, "Never mind", "--resume", "tale", "--yes-tools"]);
    expect(other).toMatchObject({ status: 0, stdout: "Fine.\n" });
    expect(other.stderr).toContain("passed over: 1 call that had no result yet");
    expect(counted(workspace)).toEqual([]);
    expect(server.lastMessages.map(({ role }) => role)).toEqual(["user"]);
  });

  test("that was begun before a crash is repeated by no permission, only by its own flag", async ({
    workspace,
    serve,
  }) => {
    await leaveBegunCall(workspace);
    const { url } = await serve(saying("There."));
    const resume = ["chat", "--base-url", url, ...countingTool(workspace), "--resume", "tale", "--yes-tools"];
    const refused = await workspace.run(resume);
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.stderr).toContain("--lost-calls");
    expect(counted(workspace)).toEqual([]);
    expect(await workspace.run([...resume, "--lost-calls", "repeat"])).toMatchObject({ status: 0, stdout: "There.\n" });
    expect(counted(workspace)).toEqual(["one"]);
  });

  test("that was begun before a crash gets an error for a result where a flag says so", async ({
    workspace,
    serve,
  }) => {
    await leaveBegunCall(workspace);
    const server = await serve(saying("I see."));
    const flags = [...countingTool(workspace), "--lost-calls", "error"];
    const told = await workspace.run(["chat", "--base-url", server.url, ...flags, "--resume", "tale"]);
    expect(told).toMatchObject({ status: 0, stdout: "I see.\n" });
    expect(counted(workspace)).toEqual([]);
    expect(server.lastMessages.at(-1)).toMatchObject({
      role: "tool",
      content: expect.stringContaining("whether it took effect is not known") as unknown,
    });
  });

  test("of a tool that is not here waits for the servers that have it", async ({ workspace, serve }) => {
    await leaveBegunCall(workspace);
    const { url } = await serve(saying("There."));
    const resumed = await workspace.run(["chat", "--base-url", url, "--resume", "tale"]);
    expect(resumed).toMatchObject({ status: 2 });
    expect(resumed.stderr).toContain("tale waits with a call of count/add, which is no tool here");
  });
});
