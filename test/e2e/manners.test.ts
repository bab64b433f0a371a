/** Manners, over every command that this holds for: --json everywhere, pipes without escapes, early readers, quiet, hostile text. */
import { spawn as spawnProcess } from "node:child_process";
import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { spawn } from "@lydell/node-pty";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InProcess, TIMEOUT } from "../cli/world.js";
import { errorOf, until, type Workspace } from "./cli.js";
import { seed } from "./seed.js";

const PROGRAM = fileURLToPath(new URL("../../bin/draftstate.js", import.meta.url));
const ESCAPE = "\u001b";
/** Of every family, in both forms, and what reorders text. */
const HOSTILE = `${ESCAPE}]0;owned\u0007 ${ESCAPE}[2J \u009b31m \u009d52;c;eA==\u009c ${ESCAPE}Pq${ESCAPE}\\ \u202etxet\u2066 \u0085 \u007f`;
const ACTING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

const READS: readonly (readonly string[])[] = [
  ["ls"],
  ["ls", "--check"],
  ["show", "tale"],
  ["show", "tale", "--backup", "~1"],
  ["show", "tale", "--inspect"],
  ["backups", "tale"],
  ["diff", "tale", "~1"],
  ["diff", "tale", "~1", "--stat"],
  ["restore", "tale", "--backup", "~1", "--dry-run"],
  ["prune", "--max", "1", "--dry-run"],
  ["verify"],
  ["config"],
  ["completion", "bash"],
];

/** All that a command writes to a terminal, which has this environment. */
async function onTerminal(
  workspace: Workspace,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  act?: (terminal: ReturnType<typeof spawn>, seen: () => string) => Promise<void>,
): Promise<{ readonly seen: string; readonly status: number }> {
  const clean = { PATH: process.env["PATH"] ?? "", HOME: workspace.directory, TERM: "xterm", PAGER: "cat", ...env };
  const terminal = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: workspace.directory,
    env: clean,
    cols: 80,
    rows: 20,
  });
  let seen = "";
  terminal.onData((data) => {
    seen += data;
  });
  const ended = new Promise<number>((resolve) => {
    terminal.onExit(({ exitCode }) => {
      resolve(exitCode);
    });
  });
  await act?.(terminal, () => seen);
  return { status: await ended, seen };
}

describe("manners", TIMEOUT, () => {
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await InProcess.create();
    await seed(
      workspace,
      "tale",
      [
        { prompt: HOSTILE, answer: HOSTILE },
        { prompt: `two ${HOSTILE}`, answer: Array.from({ length: 60 }, (_, line) => `line ${line}\n`).join("") },
      ],
      HOSTILE,
    );
    await workspace.write("state/odd\u001b[31m name.json", "{}");
    await workspace.write(`backup/tale_2020-01-01T00-00-00-000Z.json`, HOSTILE);
  }, 60_000);
  afterAll(() => workspace.remove());

  test.each(READS)(
    "%s %s %s %s: no character that acts reaches a pipe or a terminal, --json is JSON and comes back equal",
    async (...given) => {
      const args = given.filter((arg) => typeof arg === "string");
      const [piped, json, terminal] = [
        await workspace.run(args),
        await workspace.run([...args, "--json"]),
        await onTerminal(workspace, args, { NO_COLOR: "1" }),
      ];
      expect(piped.stdout + piped.stderr).not.toMatch(ACTING);
      expect(json.stdout).not.toMatch(ACTING);
      expect(() => JSON.parse(json.stdout) as unknown).not.toThrow();
      expect(json.status).toBe(piped.status);
      expect(terminal.seen.replaceAll("\r\n", "\n")).not.toMatch(ACTING);
    },
  );

  test("the JSON of hostile text is that text", async () => {
    expect((await workspace.show("tale")).messages[0]?.content).toBe(HOSTILE);
  });

  test.each([
    [["show", `no${HOSTILE}`], 3, "NOT_FOUND"],
    [["restore", "tale", "--backup", HOSTILE, "--yes"], 3, "NOT_FOUND"],
    [["ls", `--${HOSTILE}`], 2, "USAGE"],
    [[HOSTILE], 2, "USAGE"],
    [["--store", HOSTILE, "ls"], 2, "INVALID_CONFIG"],
    [["ls", "--since", HOSTILE], 2, "USAGE"],
  ] as const)("an error about hostile text is one safe line, and JSON on stdout: %#", async (args, status, code) => {
    const [plain, json] = [await workspace.run(args), await workspace.run([...args, "--json"])];
    expect([plain.status, json.status, errorOf(json).code]).toEqual([status, status, code]);
    expect(plain.stdout).toBe("");
    expect(plain.stderr.trimEnd()).not.toMatch(/\n/);
    expect(plain.stderr + json.stdout + json.stderr).not.toMatch(ACTING);
  });

  test("no character of a directory's name acts either", async () => {
    const [state, backup] = [`st${ESCAPE}[31m`, `ba\u009b2J`];
    await cp(workspace.path("state"), workspace.path(state), { recursive: true });
    await cp(workspace.path("backup"), workspace.path(backup), { recursive: true });
    await workspace.write(`${state}/bad.json`, "{");
    for (const args of [
      ["ls"],
      ["show", "tale", "--inspect"],
      ["verify"],
      ["prune", "--max", "1", "--dry-run"],
      ["config"],
      ["show", "bad"],
      ["repair", "bad"],
      ["prune", "--max", "1"],
    ]) {
      const result = await workspace.run([...args, "--state-dir", state, "--backup-dir", backup]);
      expect(result.stdout + result.stderr).not.toMatch(ACTING);
    }
  });

  test("colours are for terminals that want them", async () => {
    expect((await onTerminal(workspace, ["ls"])).seen).toContain(`${ESCAPE}[`);
    expect((await onTerminal(workspace, ["ls"], { TERM: "dumb" })).seen).not.toContain(ESCAPE);
    expect((await onTerminal(workspace, ["verify"], { TERM: "dumb" })).seen).not.toContain(ESCAPE);
  });

  test("a reader that leaves early is no error", async () => {
    for (const args of [
      ["show", "tale", "--json"],
      ["ls", "--json"],
      ["config", "--quiet"],
    ]) {
      const shell = spawnProcess(
        "bash",
        ["-c", `set -o pipefail; "${process.execPath}" "${PROGRAM}" ${args.join(" ")} | head -c 1 >/dev/null`],
        { cwd: workspace.directory },
      );
      let said = "";
      shell.stderr.on("data", (data: Buffer) => {
        said += data.toString();
      });
      const status = await new Promise((resolve) => shell.on("close", resolve));
      expect([status, said]).toEqual([0, ""]);
    }
  });

  test("with --quiet stderr says nothing", async () => {
    for (const args of [["ls"], ["config"], ["prune", "--max", "50"], ["diff", "tale"]])
      expect((await workspace.run([...args, "--quiet"])).stderr).toBe("");
  });

  test("every command has help with examples, and help <command> is the same", async () => {
    const listed = (await workspace.run(["__complete", "--", ""])).stdout
      .split("\n")
      .map((line) => line.split("\t")[0] ?? "")
      .filter((name) => name !== "" && name !== "help");
    for (const name of listed) {
      const [option, command] = [await workspace.run([name, "--help"]), await workspace.run(["help", name])];
      expect([name, option.status, option.stdout.includes("Examples:"), option.stdout === command.stdout]).toEqual([
        name,
        0,
        true,
        true,
      ]);
    }
  });

  test("what is long is paged on a terminal, and quitting the pager is no error", async () => {
    const env = { PAGER: "less", LESS: "FRX" };
    const { seen, status } = await onTerminal(
      workspace,
      ["show", "tale", "--last", "1"],
      env,
      async (terminal, shown) => {
        await until(
          () => (shown().includes("line 5") ? true : undefined),
          () => JSON.stringify(shown()),
        );
        terminal.write("q");
      },
    );
    expect(status).toBe(0);
    expect(seen).not.toContain("line 59");
  });

  test.each([
    [["--no-pager"], { PAGER: "less" }],
    [[], { PAGER: "no-such-pager-here" }],
    [[], { PAGER: "less", TERM: "dumb" }],
  ] as const)("all is printed at once with %j %j", async (options, env) => {
    const { seen, status } = await onTerminal(workspace, ["show", "tale", "--last", "1", ...options], env);
    expect([status, seen.includes("line 59")]).toEqual([0, true]);
  });

  test("prune --max 0 asks a person first, and no keeps everything", async () => {
    const before = (await workspace.backups("tale")).length;
    const { status } = await onTerminal(workspace, ["prune", "--max", "0"], {}, async (terminal, shown) => {
      await until(
        () => (shown().includes("[y/N]") ? true : undefined),
        () => shown(),
      );
      terminal.write("n\r");
    });
    expect([status, (await workspace.backups("tale")).length]).toEqual([1, before]);
  });

  test("a dry run of prune lists what would be removed, and counts what each rule keeps", async () => {
    const { stdout, stderr } = await workspace.run(["prune", "tale", "--max", "1", "--keep-daily", "3", "--dry-run"]);
    expect(stdout).toMatch(/^(would remove .*\n)+$/);
    expect(stderr).toContain("2 kept (newest 1: 1, daily: 2)");
  });

  test("ls tells of a file that was edited, also of one that kept its time when every file is to be checked", async () => {
    await seed(workspace, "edited", [{ prompt: "one", answer: "First." }]);
    const { stat, utimes } = await import("node:fs/promises");
    const path = workspace.path("state/edited.json");
    const times = await stat(path);
    await workspace.write("state/edited.json", (await workspace.read("state/edited.json")).replace("First", "Worst"));
    await utimes(path, times.atime, times.mtime);
    const checked = (await workspace.json(["ls", "--check"])) as {
      conversationId: string;
      status: string;
      error?: { code: string };
    }[];
    expect(checked.find(({ conversationId }) => conversationId === "edited")).toMatchObject({
      status: "corrupt",
      error: { code: "CORRUPT" },
    });
    await utimes(path, new Date(), new Date(Date.now() + 60_000));
    expect(await workspace.row("edited")).toMatchObject({ status: "corrupt" });
    await utimes(workspace.path("state/tale.json"), new Date(), new Date(Date.now() + 60_000));
    expect(await workspace.row("tale")).toMatchObject({ status: "complete" });
  });
});
