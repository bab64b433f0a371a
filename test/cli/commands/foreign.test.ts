/** A `state` directory of another program: one line that names `--state-dir`, and nothing of it is touched. */
import { createDraftStatePersistenceManager } from "../../../src/index.js";
import { describe, expect } from "vitest";
import { test, TIMEOUT } from "../world.js";

const LINE =
  /^error: \.\/state is another program's \(([^)]*)\): name a directory for conversations, such as --state-dir chats; --state-dir \.\/state uses this one all the same\n$/;

describe("a foreign state directory", TIMEOUT, () => {
  test.for([
    ["ls"],
    ["show", "tale"],
    ["chat", "Hello"],
    ["health"],
    ["verify"],
    ["import", "x.json"],
    ["init"],
    ["undo"],
  ])("is refused by %s in one line", async (args, { workspace }) => {
    await workspace.write("state/index.ts", "export {}");
    await workspace.write("state/redux.json", '{"user": null}');
    const before = await workspace.files();
    const { status, stdout, stderr } = await workspace.run(args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(LINE.exec(stderr)?.[1]).toBe("index.ts, redux.json");
    expect(await workspace.files()).toEqual(before);
  });

  test("is used where it is named, and then by everyone", async ({ workspace }) => {
    await workspace.write("state/index.ts", "export {}");
    expect((await workspace.run(["--state-dir", "state", "chat", "Hello", "--id", "tale"])).status).toBe(0);
    expect((await workspace.run(["show", "tale"])).status).toBe(0);
    expect([...(await workspace.files()).keys()]).not.toContain(workspace.path("state/.gitignore"));
  });

  test("is refused by the library in its own words, before anything is made", async ({ workspace }) => {
    await workspace.write("state/index.ts", "export {}");
    const before = await workspace.files();
    const cwd = process.cwd();
    process.chdir(workspace.directory);
    try {
      await using manager = createDraftStatePersistenceManager();
      await expect(manager.open("tale")).rejects.toMatchObject({
        code: "INVALID_CONFIG",
        path: "stateDir",
        message: expect.stringMatching(/another program's \(index\.ts\): .* as stateDir/) as string,
      });
    } finally {
      process.chdir(cwd);
    }
    expect(await workspace.files()).toEqual(before);
  });
});

test("a store without conversations, beside other files, stays a store", async ({ workspace }) => {
  await workspace.write("state/index.ts", "export {}");
  await workspace.write("state/.draftstate/trash/kept", "");
  expect((await workspace.run(["ls"])).status).toBe(0);
});

describe("a state directory without .draftstate is no other program's", TIMEOUT, () => {
  test.for([
    ["a snapshot", "tale.json", '{"messages": [], "_metadata": {"version": "1.0.0-draft"}}'],
    ["a snapshot that was cut", "tale.json", '{\n  "messages": [\n    {"id"'],
    ["an empty snapshot", "tale.json", ""],
    ["a snapshot that is damaged", "tale.json", "{ torn"],
    ["a journal", "tale.journal", "{}"],
    ["a thread's log", "t.000001.thread", "{}"],
    ["a note for people", "README.md", "Chats are here."],
  ])("with %s", async ([, name = "", content = ""], { workspace }) => {
    await workspace.write(`state/${name}`, content);
    expect((await workspace.run(["ls"])).stderr).not.toContain("another program's");
  });
});
