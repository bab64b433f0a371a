/** `init` writes what a project needs, once, and changes nothing that is there. */
import { describe, expect } from "vitest";
import { test, TIMEOUT } from "../world.js";

describe("init", TIMEOUT, () => {
  test("writes a settings file that is obeyed, and a .gitignore; a second time it changes nothing", async ({
    workspace,
  }) => {
    const { status, stdout, stderr } = await workspace.run(["--state-dir", "chats", "init"]);
    expect([status, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(
      /wrote .*draftstate\.config\.json\n.*\.gitignore now leaves out \/chats\/ and \/backup\/\n$/,
    );
    expect(JSON.parse(await workspace.read("draftstate.config.json"))).toMatchObject({ stateDir: "chats" });
    expect(await workspace.read(".gitignore")).toBe("/chats/\n/backup/\n");
    await workspace.run(["chat", "Hello", "--id", "tale"]);
    expect(await workspace.read("chats/tale.json")).toContain("Hello");
    expect(await workspace.json(["init"])).toMatchObject({
      settings: { written: false },
      ignored: { written: false, added: [] },
    });
    expect(await workspace.read(".gitignore")).toBe("/chats/\n/backup/\n");
  });

  test("adds to a .gitignore what it lacks, and keeps a settings file byte for byte", async ({ workspace }) => {
    await workspace.write(".gitignore", "node_modules\nstate");
    await workspace.write("draftstate.config.json", '{"maxBackups": 3}');
    expect((await workspace.run(["init"])).status).toBe(0);
    expect(await workspace.read(".gitignore")).toBe("node_modules\nstate\n/backup/\n");
    expect(await workspace.read("draftstate.config.json")).toBe('{"maxBackups": 3}');
  });

  test("leaves directories outside the project to others", async ({ workspace }) => {
    await workspace.run(["--state-dir", "../elsewhere", "init"]);
    expect(await workspace.read(".gitignore")).toBe("/backup/\n");
  });
});
