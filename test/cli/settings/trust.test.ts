/** What a settings file that was only found may say, until the user trusts it; and files that somebody else could have written. */
import { readFileSync } from "node:fs";
import { chmod, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect } from "vitest";
import { resolveCliSettings, type ResolvedSettings, type SettingsSources } from "../../../src/cli/settings/settings.js";
import { RULES } from "../../../src/cli/settings/trust.js";
import { userDirectory } from "../../../src/cli/settings/user-directory.js";
import { exposureIn, exposureOfFile } from "../../../src/storage/ownership.js";
import { errorOf } from "../../e2e/cli.js";
import { test } from "../world.js";

const SERVER = "http://127.0.0.1:1/v1";
/** One value of each setting that is guarded; `stateDir` and its like lead out of the project. */
const GUARDED: Readonly<Record<string, unknown>> = {
  baseUrl: SERVER,
  system: "Obey.",
  tracing: true,
  store: "postgresql://h/d",
  alertWebhook: "http://127.0.0.1:1/hook",
  mcp: { tool: { command: "tool" } },
  model: "other:m",
  models: { "gpt-4o": "other:m" },
  options: { topP: 1 },
  stateDir: "../../elsewhere",
  backupDir: "/elsewhere",
  fallbackDir: "/elsewhere",
};

function resolveIn(
  { directory }: { readonly directory: string },
  sources: Partial<SettingsSources> = {},
): ResolvedSettings {
  return resolveCliSettings({ flags: {}, env: {}, cwd: directory, home: directory, configFile: undefined, ...sources });
}

/** The rows of the table in docs/security.md, by setting. */
function documented(): Record<string, string> {
  const page = readFileSync(new URL("../../../docs/security.md", import.meta.url), "utf8");
  const table = /## Where each setting may come from\n([\s\S]*?)\n## /.exec(page)?.[1] ?? "";
  return Object.fromEntries(
    [...table.matchAll(/^\| (`.*?) \| (.*?) \|$/gm)].flatMap(([, names = "", taken = ""]) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name = ""]) => [name, taken.trim()]),
    ),
  );
}

const ignoredNames = ({ ignored }: ResolvedSettings): string[] => ignored.map(({ name }) => name).sort();

describe("a settings file that was found", () => {
  test.for(["draftstate.config.json", ".draftstaterc", "package.json"])(
    "as %s says nothing that could send, write elsewhere or speak for the user",
    async (name, { workspace }) => {
      const settings = { ...GUARDED, maxBackups: 3 };
      await workspace.write(name, JSON.stringify(name === "package.json" ? { draftstate: settings } : settings));
      await workspace.write("sub/x", "");
      const resolved = resolveIn(workspace, { cwd: workspace.path("sub") });
      expect(ignoredNames(resolved)).toEqual(Object.keys(GUARDED).sort());
      expect(resolved.values).toMatchObject({ maxBackups: 3, baseUrl: undefined, stateDir: "./state" });
    },
  );

  test("is guarded in every setting that the table guards", () => {
    expect(
      Object.keys(RULES)
        .filter((name) => RULES[name as keyof typeof RULES] !== "always")
        .sort(),
    ).toEqual(Object.keys(GUARDED).sort());
  });

  test("may say what docs/security.md says of each setting", () => {
    const words = {
      always: /^always$/,
      "trusted only": /^never$/,
      inside: /^if .*inside/,
      "same provider": /^if .*model of/,
    };
    const rows = documented();
    expect(Object.keys(rows).sort()).toEqual(Object.keys(RULES).sort());
    for (const [name, rule] of Object.entries(RULES))
      expect([name, rows[name]]).toEqual([name, expect.stringMatching(words[rule])]);
  });

  test("may choose a directory in its project, but none that a link leads out of", async ({ workspace }) => {
    await workspace.write("draftstate.config.json", JSON.stringify({ stateDir: "data/s", backupDir: "away/b" }));
    await symlink("/", workspace.path("away"));
    const resolved = resolveIn(workspace);
    expect(resolved.values).toMatchObject({ stateDir: "data/s", backupDir: "./backup" });
    expect(ignoredNames(resolved)).toEqual(["backupDir"]);
  });

  test.for([
    ["gpt-4o", {}, "ignored"],
    ["gpt-4o", { OPENAI_API_KEY: "k" }, "taken"],
    ["openai:gpt-4o", { OPENAI_BASE_URL: SERVER }, "taken"],
    ["openai:gpt-4o", { OPENAI_API_KEY: "k", DRAFTSTATE_SEED: "1" }, "taken"],
    ["other:m", { OPENAI_API_KEY: "k" }, "ignored"],
    ["offline", { OPENAI_API_KEY: "k" }, "taken"],
  ] as const)(
    "may choose a model of the same provider: %s with %j is %s",
    async ([model, env, what], { workspace }) => {
      await workspace.write("draftstate.config.json", JSON.stringify({ model }));
      expect(ignoredNames(resolveIn(workspace, { env }))).toEqual(what === "taken" ? [] : ["model"]);
    },
  );

  test("is not reported for what a flag or a variable says anyway", async ({ workspace }) => {
    await workspace.write("draftstate.config.json", JSON.stringify({ baseUrl: SERVER, system: "Obey." }));
    const resolved = resolveIn(workspace, { flags: { system: "Be kind." }, env: { OPENAI_BASE_URL: "http://h/v1" } });
    expect(resolved).toMatchObject({ ignored: [], values: { baseUrl: "http://h/v1", system: "Be kind." } });
  });

  test("is obeyed in all once it is named", async ({ workspace }) => {
    await workspace.write("mine.json", JSON.stringify(GUARDED));
    const { ignored, values } = resolveIn(workspace, { configFile: "mine.json" });
    expect([ignored, values.baseUrl]).toEqual([[], SERVER]);
  });
});

describe("trust", () => {
  const file = "draftstate.config.json";

  test("holds for a path and a content, and no longer", async ({ workspace }) => {
    await workspace.write(file, JSON.stringify({ baseUrl: SERVER }));
    expect(await workspace.json(["trust"])).toMatchObject({ trusted: true, settings: [{ name: "baseUrl" }] });
    expect(resolveIn(workspace).values.baseUrl).toBe(SERVER);
    await workspace.write(file, JSON.stringify({ baseUrl: `${SERVER}/other` }));
    expect(ignoredNames(resolveIn(workspace))).toEqual(["baseUrl"]);
    await workspace.write(file, JSON.stringify({ baseUrl: SERVER }));
    expect(ignoredNames(resolveIn(workspace))).toEqual([]);
    await workspace.write("copy/x", "");
    await rename(workspace.path(file), workspace.path(`copy/${file}`));
    expect(ignoredNames(resolveIn(workspace, { cwd: workspace.path("copy") }))).toEqual(["baseUrl"]);
  });

  test("of a file that is broken now is taken back; init, completion and help work beside it", async ({
    workspace,
  }) => {
    const file = "draftstate.config.json";
    await workspace.write(file, '{"system": "x"}');
    await workspace.json(["trust"]);
    await workspace.write(file, "{");
    expect((await workspace.run(["ls"])).status).toBe(2);
    expect(await workspace.json(["untrust"])).toMatchObject({ file: workspace.path(file), removed: true });
    const init = await workspace.run(["init"]);
    expect([init.status, init.stderr]).toEqual([
      0,
      expect.stringMatching(/^warning: .*not valid JSON[^]*stays as it is/),
    ]);
    for (const args of [["completion", "bash"], ["help"], ["help", "ls"], ["ls", "--help"]])
      expect((await workspace.run(args)).status, args.join(" ")).toBe(0);
    await workspace.write(file, '{"nosuch": 1}');
    expect((await workspace.run(["untrust"])).status).toBe(0);
    await workspace.write(file, "");
    await workspace.write(".config/draftstate/config.json", "{");
    for (const args of [["completion", "bash"], ["untrust", file], ["init"]])
      expect((await workspace.run(args)).status, args.join(" ")).toBe(0);
  });

  test("of a new content replaces that of the old one, and untrust takes all back, also of a file that is gone", async ({
    workspace,
  }) => {
    for (const system of ["a", "b"]) {
      await workspace.write(file, JSON.stringify({ system }));
      await workspace.json(["trust", file]);
    }
    await workspace.write(file, JSON.stringify({ system: "a" }));
    expect(ignoredNames(resolveIn(workspace))).toEqual(["system"]);
    await workspace.json(["trust", "."]);
    await rm(workspace.path(file));
    expect(await workspace.json(["untrust", file])).toMatchObject({ removed: true });
    expect(await workspace.json(["untrust", file])).toMatchObject({ removed: false });
    await workspace.write(file, JSON.stringify({ system: "a" }));
    expect(ignoredNames(resolveIn(workspace))).toEqual(["system"]);
  });

  test("one line says what was ignored and how to allow it, and config says it of each value", async ({
    workspace,
  }) => {
    await workspace.write(file, JSON.stringify({ system: "Obey.", baseUrl: SERVER }));
    const { stderr } = await workspace.run(["chat", "Hi", "--quiet"]);
    const lines = stderr.split("\n").filter((line) => line.includes("ignored"));
    expect(lines).toEqual([expect.stringMatching(/system, baseUrl.*draftstate trust .*draftstate\.config\.json/)]);
    const { settings, trusted } = (await workspace.json(["config"])) as {
      settings: { name: string; ignored: unknown }[];
      trusted: boolean;
    };
    expect(trusted).toBe(false);
    expect(settings.filter(({ ignored }) => ignored !== null).map(({ name }) => name)).toEqual(["baseUrl", "system"]);
    expect((await workspace.run(["config"])).stdout).toMatch(/baseUrl .*ignored in/);
  });

  test("a record that others could have made is none", async ({ workspace }) => {
    await workspace.write(file, JSON.stringify({ system: "Obey." }));
    const { record } = (await workspace.json(["trust"])) as { record: string };
    await chmod(dirname(record), 0o777);
    expect(ignoredNames(resolveIn(workspace))).toEqual(["system"]);
  });

  test("without settings to trust it says so", async ({ workspace }) => {
    const result = await workspace.run(["trust", "--json"]);
    expect([result.status, errorOf(result).code]).toEqual([3, "NOT_FOUND"]);
  });
});

describe("the user's own settings", () => {
  const own = (directory: string): string => join(userDirectory({}, directory), "config.json");

  test("are above the defaults and below everything else, and say what they like", async ({ workspace }) => {
    await workspace.write(
      own(workspace.directory),
      JSON.stringify({ ...GUARDED, maxBackups: 1, retryDelay: 1, seed: 1 }),
    );
    await workspace.write("draftstate.config.json", JSON.stringify({ maxBackups: 2, retryDelay: 2 }));
    const { values, origins, ignored } = resolveIn(workspace, { env: { DRAFTSTATE_MAX_BACKUPS: "3" } });
    expect(values).toMatchObject({ maxBackups: 3, retryDelay: 2, seed: 1, baseUrl: SERVER, system: "Obey." });
    expect([ignored, origins["baseUrl"]]).toEqual([[], { userFile: own(workspace.directory) }]);
  });

  test("are where XDG_CONFIG_HOME says, if it is an absolute path", ({ workspace }) => {
    expect(userDirectory({ XDG_CONFIG_HOME: "/x" }, "/h")).toBe(join("/x", "draftstate"));
    expect(userDirectory({ XDG_CONFIG_HOME: "x" }, "/h")).toBe(join("/h", ".config", "draftstate"));
    expect(userDirectory({}, workspace.directory)).toBe(workspace.path(".config/draftstate"));
  });

  test("are passed over where others could have written them", async ({ workspace }) => {
    await workspace.write(own(workspace.directory), JSON.stringify({ baseUrl: SERVER }));
    await chmod(own(workspace.directory), 0o666);
    const { values, passedOver } = resolveIn(workspace);
    expect([values.baseUrl, passedOver.length]).toEqual([undefined, 1]);
  });
});

describe("a settings file that somebody else could have written", () => {
  test("is passed over and reported, the next one upwards is read", async ({ workspace }) => {
    await workspace.write("draftstate.config.json", JSON.stringify({ maxBackups: 1 }));
    await workspace.write("open/draftstate.config.json", JSON.stringify({ maxBackups: 2 }));
    await chmod(workspace.path("open"), 0o1777);
    const { values, passedOver } = resolveIn(workspace, { cwd: workspace.path("open") });
    expect(values.maxBackups).toBe(1);
    expect(passedOver).toEqual([{ path: workspace.path("open/draftstate.config.json"), why: expect.any(String) }]);
  });

  test("is not read at all: it cannot hold a command, and what is wrong in it is no error", async ({ workspace }) => {
    await workspace.write("open/draftstate.config.json", "{ broken");
    await workspace.write("open/package.json", "{ broken");
    await chmod(workspace.path("open"), 0o777);
    expect(resolveIn(workspace, { cwd: workspace.path("open") }).passedOver).toHaveLength(1);
  });

  test("cannot be trusted", async ({ workspace }) => {
    await workspace.write("open/draftstate.config.json", JSON.stringify({ baseUrl: SERVER }));
    await chmod(workspace.path("open"), 0o777);
    for (const path of ["open", "open/draftstate.config.json"]) {
      const result = await workspace.run(["trust", path, "--json"]);
      expect([result.status, errorOf(result).code]).toEqual([2, "USAGE"]);
    }
  });

  test("by its owner, its mode, or a directory above", async ({ workspace }) => {
    const path = workspace.path("d/f");
    await mkdir(dirname(path));
    await writeFile(path, "");
    expect(exposureOfFile(path)).toBeUndefined();
    await chmod(path, 0o662);
    expect(exposureOfFile(path)).toContain("mode 662");
    await chmod(path, 0o600);
    await chmod(workspace.directory, 0o777);
    expect(exposureOfFile(path)).toContain("above");
    await chmod(workspace.directory, 0o1777);
    expect(exposureOfFile(path)).toBeUndefined();
  });

  test.for([
    [{ uid: 0, gid: 0, mode: 0o644 }, undefined],
    [{ uid: 1001, gid: 1000, mode: 0o600 }, "uid 1001"],
    [{ uid: 1000, gid: 1000, mode: 0o664 }, undefined],
    [{ uid: 1000, gid: 100, mode: 0o664 }, "mode 664"],
    [{ uid: 1000, gid: 1000, mode: 0o646 }, "mode 646"],
  ] as const)("another user's, unless that is root; a group's, unless it is the user's own: %j", ([found, why]) => {
    const attributes = { ...found, isFile: true, isOther: false, links: 1 };
    const exposure = exposureIn(attributes, { uid: 1000, gid: 1000 });
    if (why === undefined) expect(exposure).toBeUndefined();
    else expect(exposure).toContain(why);
  });
});
