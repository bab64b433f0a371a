/** Where settings come from, in which order, and what is refused by name. */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isDraftstateError } from "../../../src/errors.js";
import { resolveCliSettings, type SettingsSources } from "../../../src/cli/settings/settings.js";
import { chosenStore } from "../../../src/cli/settings/store-setting.js";
import { codeThrown } from "../../doubles/error-code.js";

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), "draftstate-settings-"));
});
afterEach(() => rm(cwd, { recursive: true }));

function resolve(sources: Partial<SettingsSources>): ReturnType<typeof resolveCliSettings> {
  return resolveCliSettings({ flags: {}, env: {}, cwd, home: "/", configFile: undefined, ...sources });
}

function refusal(sources: Partial<SettingsSources>): string {
  try {
    resolve(sources);
  } catch (error) {
    if (isDraftstateError(error, "INVALID_CONFIG")) return error.message;
    throw error;
  }
  throw new Error("it was taken");
}

test("a flag goes before a variable, a variable before a file, a file before the default, and each is named", async () => {
  const path = join(cwd, "draftstate.config.json");
  await writeFile(path, JSON.stringify({ maxBackups: 1, retryDelay: 1, lockTimeout: 1 }));
  const { values, origins, file } = resolve({
    env: { DRAFTSTATE_MAX_BACKUPS: "2", DRAFTSTATE_RETRY_DELAY: "2", OPENAI_BASE_URL: "http://h/v1" },
    flags: { maxBackups: "3" },
  });
  expect([values.maxBackups, values.retryDelay, values.lockTimeout, values.baseUrl]).toEqual([3, 2, 1, "http://h/v1"]);
  expect(origins).toMatchObject({
    maxBackups: "flag",
    retryDelay: { variable: "DRAFTSTATE_RETRY_DELAY" },
    lockTimeout: { file: path },
    baseUrl: { variable: "OPENAI_BASE_URL" },
    stateDir: "default",
  });
  expect(file).toBe(path);
});

test("a near miss is named, in the environment and in a file", async () => {
  expect(refusal({ env: { DRAFTSTATE_MAX_BACKUP: "3" } })).toContain("did you mean DRAFTSTATE_MAX_BACKUPS?");
  await writeFile(join(cwd, ".draftstaterc"), JSON.stringify({ maxBakcups: 3 }));
  expect(refusal({})).toContain("did you mean maxBackups?");
});

test("a file that is not JSON is named", async () => {
  await writeFile(join(cwd, ".draftstaterc"), "{ broken");
  expect(refusal({})).toContain(join(cwd, ".draftstaterc"));
});

test.each(["draftstate.config.json", ".draftstaterc"])(
  "a FIFO, a directory or a file without measure called %s is refused by its name",
  async (name) => {
    const path = join(cwd, name);
    const places: (() => unknown)[] = [
      () => execFileSync("mkfifo", [path]),
      () => mkdir(path),
      () => symlink("/dev/zero", path),
      () => writeFile(path, " ".repeat(5 * 1024 * 1024)),
    ];
    for (const make of places) {
      await make();
      expect(refusal({})).toContain(path);
      expect(refusal({ configFile: name })).toContain(path);
      await rm(path, { recursive: true });
    }
  },
);

test("a package that is no file is nobody's settings; the nearest file upwards is, also through a link", async () => {
  const inside = join(cwd, "a/b");
  await mkdir(inside, { recursive: true });
  execFileSync("mkfifo", [join(inside, "package.json")]);
  await writeFile(join(cwd, "mine.json"), JSON.stringify({ maxBackups: 7 }));
  await symlink(join(cwd, "mine.json"), join(cwd, ".draftstaterc"));
  await writeFile(join(cwd, "a/package.json"), JSON.stringify({ name: "other" }));
  expect(resolve({ cwd: inside })).toMatchObject({ file: join(cwd, ".draftstaterc"), values: { maxBackups: 7 } });
  await writeFile(join(cwd, "a/package.json"), JSON.stringify({ draftstate: { maxBackups: 8 } }));
  expect(resolve({ cwd: inside })).toMatchObject({ file: join(cwd, "a/package.json"), values: { maxBackups: 8 } });
});

test("a relative directory in a file starts at the file; of a flag or a variable, where the command runs", async () => {
  const below = join(cwd, "sub", "sub");
  await mkdir(below, { recursive: true });
  const directories = { stateDir: "./chats", backupDir: "../b", fallbackDir: "/spills" };
  await writeFile(join(cwd, ".draftstaterc"), JSON.stringify(directories));
  const named = { configFile: join(cwd, ".draftstaterc") };
  expect(resolve({ cwd: below, ...named }).values).toMatchObject({
    stateDir: join(cwd, "chats"),
    backupDir: join(cwd, "..", "b"),
    fallbackDir: "/spills",
  });
  expect(resolve(named).values).toMatchObject(directories);
  expect(
    resolve({ cwd: below, flags: { stateDir: "./x" }, env: { DRAFTSTATE_BACKUP_DIR: "./y" } }).values,
  ).toMatchObject({
    stateDir: "./x",
    backupDir: "./y",
  });
});

test.each([
  ["stores/a", (base: string) => join(base, "stores", "a")],
  ["postgres://h/db", () => "postgres://h/db"],
])("the store %s of a named file", async (store, expected) => {
  const path = join(cwd, "settings.json");
  await writeFile(path, JSON.stringify({ store }));
  expect(resolve({ cwd: tmpdir(), configFile: path }).values.store).toBe(expected(cwd));
});

test("a named file that is not there is refused", () => {
  expect(refusal({ configFile: "none.json" })).toContain(join(cwd, "none.json"));
});

describe("the store", () => {
  const chosen = (sources: Partial<SettingsSources>) => chosenStore(resolve(sources));

  test("is a directory with its parts, or a server with a schema of its own", () => {
    expect(chosen({})).toEqual({ kind: "files", stateDir: "./state", backupDir: "./backup" });
    expect(chosen({ flags: { store: "/data" } })).toEqual({
      kind: "files",
      stateDir: join("/data", "state"),
      backupDir: join("/data", "backup"),
    });
    const url = "postgresql://me@db:5433/agents?sslmode=verify-full";
    expect(chosen({ env: { DRAFTSTATE_STORE: `${url}&schema=mine` } })).toEqual({
      kind: "postgres",
      url,
      schema: "mine",
    });
  });

  test("and the directories: what was said closer to the command counts, and both at once are refused", async () => {
    await writeFile(join(cwd, "mine.json"), JSON.stringify({ store: "postgres://h/d" }));
    const [configFile, env] = ["mine.json", { DRAFTSTATE_STATE_DIR: "/there" }];
    expect(chosen({ configFile })).toMatchObject({ kind: "postgres" });
    expect(chosen({ configFile, env })).toMatchObject({ kind: "files", stateDir: "/there" });
    expect(chosen({ configFile, env, flags: { store: "/flag" } })).toMatchObject({ stateDir: join("/flag", "state") });
    expect(codeThrown(() => chosen({ flags: { store: "/a", stateDir: "/b" } }))).toBe("USAGE");
  });

  test("is not taken from a settings file that was only found", async () => {
    await writeFile(join(cwd, "draftstate.config.json"), JSON.stringify({ store: "postgres://h/d" }));
    expect(chosen({})).toMatchObject({ kind: "files", stateDir: "./state" });
  });

  test.each(["mysql://user:s3cret@h/d", "postgres:s3cret", "postgresql://u:s3cret@h:port/d", "a\u001bs3cret"])(
    "%j is refused without being repeated",
    (store) => {
      const act = () => chosen({ flags: { store } });
      expect(codeThrown(act)).toBe("INVALID_CONFIG");
      expect(act).not.toThrow("s3cret");
    },
  );
});
