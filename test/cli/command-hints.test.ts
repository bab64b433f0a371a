/** Commands in messages: they work where the person is, on the store that the run used, and can be copied whole. */
import { rm } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { commandsFor } from "../../src/cli/command-list.js";
import { quoted, VERBS, withCommandsOf, wrapMessage } from "../../src/cli/command-hints.js";
import { programName } from "../../src/cli/program-name.js";
import { createProgram } from "../../src/cli/program.js";
import { storeFlags } from "../../src/cli/store-flags.js";
import { test as inProcess, TIMEOUT } from "./world.js";

const npx = { program: "npx draftstate", flags: ["--state-dir", "other place"] };

describe("a command in a message", () => {
  test("has the program and the store's flags of this run", () => {
    expect(withCommandsOf(npx, 'undo it with: draftstate undo tale ("draftstate ls" lists them)')).toBe(
      `undo it with: npx draftstate undo --state-dir 'other place' tale ("npx draftstate ls --state-dir 'other place'" lists them)`,
    );
  });

  test.for([
    npx,
    { program: "npx draftstate", flags: [] },
    { program: "draftstate", flags: ["--store", "/x (a)", "--config", "c.json"] },
    { program: "node bin/draftstate.js", flags: ["--store", "x"] },
  ])("is completed once, however often it is passed on: %j", (caller) => {
    const text =
      'say "draftstate undo --list", draftstate ls; (draftstate show tale), see draftstate help ls or draftstate --help: source <(draftstate completion bash)';
    const once = withCommandsOf(caller, text);
    expect(once).toContain(caller.program);
    expect(withCommandsOf(caller, once)).toBe(once);
  });

  test("keeps a flag that only begins like one of this run's", () => {
    expect(withCommandsOf({ program: "draftstate", flags: ["--store", "x"] }, "draftstate ls --store xy")).toBe(
      "draftstate ls --store x --store xy",
    );
  });

  test("has no store where it needs none", () => {
    expect(withCommandsOf(npx, "see draftstate help ls; source <(draftstate completion bash)")).toBe(
      "see npx draftstate help ls; source <(npx draftstate completion bash)",
    );
  });

  test.for(["draftstate chat (pid 12 on host) has it open", "update draftstate to use it", "/opt/draftstate ls"])(
    "is none in %s",
    (text) => {
      expect(withCommandsOf(npx, text)).toBe(text);
    },
  );

  test("stays on one row, or a row of its own", () => {
    const caller = { program: "draftstate", flags: [] };
    expect(wrapMessage("the state before is kept: draftstate restore tale --backup @1", 40, caller)).toBe(
      "the state before is kept:\ndraftstate restore tale --backup @1",
    );
    expect(wrapMessage('"draftstate ls" lists them, "draftstate rm tale" removes it', 40, caller)).toBe(
      '"draftstate ls" lists them,\n"draftstate rm tale" removes it',
    );
  });

  test("that no row has room for is broken at words", () => {
    const caller = { program: "draftstate", flags: [] };
    expect(wrapMessage("undo it with: draftstate undo a_long_identifier", 22, caller)).toBe(
      "undo it with:\ndraftstate undo\na_long_identifier",
    );
  });

  test.for([
    ["plain/path", "plain/path"],
    ["it's", String.raw`'it'\''s'`],
    ["st\u001b[31m'", String.raw`$'st\u001b[31m\''`],
    ["two\nlines", String.raw`$'two\nlines'`],
  ] as const)("quotes %j for a shell and no terminal", ([word, expected]) => {
    expect(quoted(word)).toBe(expected);
  });

  test("may be every command there is", async () => {
    const program = await createProgram([], { write: () => undefined, runner: () => async () => undefined });
    expect(VERBS.toSorted()).toEqual(program.commands.map((command) => command.name()).toSorted());
    expect(await commandsFor([])).toHaveLength(VERBS.length);
  });

  test.for(["ls", "--state-dir ls ls", "--state-dir=x --json ls", "-q --store x --config c.json ls -n 3"])(
    "is loaded alone when it is named: %s",
    async (line) => {
      const program = await createProgram(line.split(" "), {
        write: () => undefined,
        runner: () => async () => undefined,
      });
      expect(program.commands.map((command) => command.name())).toEqual(["ls"]);
    },
  );

  test.for(["--help", "--unknown x ls", "--state-dir", "--state-dir ls", "nonsense"])(
    "is one of all where it is not known: %s",
    async (line) => {
      const program = await createProgram(line.split(" "), {
        write: () => undefined,
        runner: () => async () => undefined,
      });
      expect(program.commands).toHaveLength(VERBS.length);
    },
  );
});

test("flags of the store name no password", () => {
  expect(storeFlags({ store: "postgresql://me:secret@host/db", config: "c.json" })).toEqual([
    "--store",
    "postgresql://me@host/db",
    "--config",
    "c.json",
  ]);
});

describe("the program is called", () => {
  const directory = "/work/app";
  test.for([
    [{ npm_command: "exec", npm_config_user_agent: "npm/11.0.0 node/v24" }, "npx draftstate"],
    [{ npm_command: "exec", npm_config_user_agent: "pnpm/10.0.0 npm/?" }, "pnpm exec draftstate"],
  ] as const)("as the package manager in %j calls it", ([env, expected]) => {
    expect(programName({ env, script: "/cache/node_modules/.bin/draftstate", directory })).toBe(expected);
  });

  test("npx draftstate where it is a dependency, and by its path in a checkout", () => {
    const env = { PATH: "/nowhere" };
    expect(programName({ env, script: "/work/app/node_modules/draftstate/bin/draftstate.js", directory })).toBe(
      "npx draftstate",
    );
    expect(programName({ env, script: "/work/app/bin/draftstate.js", directory })).toBe("node bin/draftstate.js");
  });
});

describe("a hint", TIMEOUT, () => {
  inProcess("names what said where the store is", async ({ workspace }) => {
    const none = workspace.path("none");
    const start = 'or start a conversation there with "draftstate chat';
    const { stderr } = await workspace.run(["ls", "--store", none]);
    expect(stderr).toBe(`error: there is no store at ${none}/state: check --store, ${start} --store ${none}"\n`);
    const bare = await workspace.run(["ls", "--state-dir", none]);
    expect(bare.stderr).toContain(`there is no store at ${none}: check --state-dir, ${start} --state-dir ${none}"`);
    const { stderr: byVariable } = await workspace.run(["ls"], { env: { DRAFTSTATE_STORE: none } });
    expect(byVariable).toContain(`check DRAFTSTATE_STORE, ${start}"`);
  });

  inProcess("of a command's help is where the global options are, each of them there", async ({ workspace }) => {
    const { stdout } = await workspace.run(["ls", "--help"]);
    const last = stdout.trimEnd().split("\n").at(-1) ?? "";
    expect(last).toMatch(/^Global options \(.*\): draftstate --help$/);
    const all = await workspace.run(["--help"]);
    expect((last.match(/--[a-z-]+/g) ?? []).filter((flag) => !all.stdout.includes(flag))).toEqual([]);
    expect(all.stdout).not.toContain("Global options");
  });

  inProcess("claims no backups for a store that is new, and says how to begin it", async ({ workspace }) => {
    await workspace.run(["chat", "Hi", "--id", "tale", "--model", "offline"]);
    const begin = async (): Promise<[number | null, string]> => {
      const { status, stderr } = await workspace.run(["chat", "Hi", "--id", "x", "--state-dir", "new"]);
      return [status, stderr];
    };
    expect(await begin()).toEqual([
      2,
      expect.stringMatching(
        /backup holds the backups of .*state: give .*new a --backup-dir of its own, or use --store <directory> for both;/,
      ),
    ]);
    await rm(workspace.path("backup/.draftstate-owner"));
    expect(await begin()).toEqual([
      7,
      expect.stringMatching(
        /new is missing, and .*backup holds backups of conversations that are not in it: .*a new store needs a --backup-dir of its own, or --store <directory> for both/,
      ),
    ]);
    await workspace.run(["export", "tale", "--history", "-o", "story.json"]);
    expect((await workspace.run(["import", "story.json", "--store", "elsewhere"])).status).toBe(0);
  });

  inProcess("leads back to the store that was used, also in JSON", async ({ workspace }) => {
    await workspace.run(["chat", "Hi", "--id", "tale", "--state-dir", "s", "--backup-dir", "b"]);
    const place = "--state-dir s --backup-dir b";
    const { stderr } = await workspace.run(["backup", "tale", "--state-dir", "s", "--backup-dir", "b"]);
    expect(stderr).toContain(`draftstate restore ${place} tale --backup `);
    const missing = await workspace.run(["show", "x", "--json", "--state-dir", "s"]);
    expect(JSON.parse(missing.stdout)).toMatchObject({
      error: { message: expect.stringContaining('"draftstate ls --state-dir s" lists them') as string },
    });
    expect(missing.stderr).toContain('"draftstate ls --state-dir s" lists them');
  });
});
