/** Completion as a shell asks for it and as a person sees it: the real shells, each in a terminal, where they are installed. */
import { execFileSync } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { spawn } from "@lydell/node-pty";
import { describe, expect } from "vitest";
import { until, type Workspace } from "./cli.js";
import { seed } from "./seed.js";
import { test, TIMEOUT } from "../cli/world.js";

const PROGRAM = fileURLToPath(new URL("../../bin/draftstate.js", import.meta.url));

function isInstalled(shell: string): boolean {
  try {
    execFileSync(shell, ["-c", "exit 0"]);
    return true;
  } catch {
    return false;
  }
}

async function complete(workspace: Workspace, ...words: readonly string[]): Promise<string[]> {
  const result = await workspace.run(["__complete", "--", ...words]);
  expect([result.status, result.stderr]).toEqual([0, ""]);
  return result.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t")[0] ?? "");
}

async function twoConversations(workspace: Workspace): Promise<void> {
  await seed(workspace, "whale", [
    { prompt: "one", answer: "First." },
    { prompt: "two", answer: "Second." },
  ]);
  await seed(workspace, "clock", [{ prompt: "one", answer: "First." }]);
}

describe("__complete", TIMEOUT, () => {
  test("knows commands, options, choices and shells", async ({ workspace }) => {
    expect(await complete(workspace, "")).toEqual(expect.arrayContaining(["chat", "ls", "watch", "help"]));
    expect(await complete(workspace, "--json", "sh")).toEqual(["show"]);
    expect(await complete(workspace, "ls", "--st")).toEqual(["--status", "--state-dir", "--store"]);
    expect(await complete(workspace, "ls", "--status", "com")).toEqual(["complete"]);
    expect(await complete(workspace, "ls", "--status=com")).toEqual(["--status=complete"]);
    expect(await complete(workspace, "completion", "")).toEqual(["bash", "zsh", "fish"]);
    expect(await complete(workspace, "help", "bac")).toContain("backups");
    expect(await complete(workspace, "--config", "")).toEqual([":files"]);
    expect(await complete(workspace, "--state-dir", "")).toEqual([":directories"]);
  });

  test("knows the values of every option that has few", async ({ workspace }) => {
    await seed(workspace, "whale", [{ prompt: "one", answer: "First." }]);
    expect(await complete(workspace, "export", "whale", "--format", "")).toEqual(["md", "html", "json", "jsonl"]);
    expect(await complete(workspace, "export", "-f", "j")).toEqual(["json", "jsonl"]);
    expect(await complete(workspace, "search", "--role", "")).toEqual(["system", "user", "assistant", "tool"]);
    expect(await complete(workspace, "search", "--status", "")).toEqual([
      "streaming",
      "complete",
      "interrupted",
      "error",
    ]);
    expect(await complete(workspace, "ls", "--sort", "t")).toEqual(["title", "tokens"]);
  });

  test("knows conversations and the timestamps of their backups, also in a directory that was named", async ({
    workspace,
  }) => {
    await twoConversations(workspace);
    const stamps = (await workspace.backups("whale")).map(({ timestamp }) => timestamp);
    expect(await complete(workspace, "show", "")).toEqual(["@last", "clock", "whale"]);
    expect(await complete(workspace, "show", "w")).toEqual(["whale"]);
    expect(await complete(workspace, "chat", "--resume", "c")).toEqual(["clock"]);
    expect(await complete(workspace, "diff", "whale", "")).toEqual(["now", "latest", ...stamps]);
    expect(await complete(workspace, "restore", "wh", "--backup", "20")).toEqual(stamps);
    expect(await complete(workspace, "--state-dir", "nowhere", "--backup-dir", "nowhere2", "show", "")).toEqual([]);
  });

  test("says nothing, and exits with 0, where nothing can be said", async ({ workspace }) => {
    await workspace.write("draftstate.config.json", "{ broken");
    for (const words of [
      ["show", ""],
      ["diff", "nobody", ""],
      ["ls", "--limit", ""],
    ])
      expect(await complete(workspace, ...words)).toEqual([]);
  });
});

const STARTS: Readonly<Record<string, readonly string[]>> = {
  bash: ["--norc", "--noprofile", "-i"],
  zsh: ["-f", "-i"],
  fish: ["--no-config", "-i"],
};

const LOADS: Readonly<Record<string, string>> = {
  bash: "source <(draftstate completion bash)",
  zsh: "source <(draftstate completion zsh)",
  fish: "draftstate completion fish | source",
};

/** What the terminal shows, without its escape sequences, after each of these is typed and answered by the last mark. */
async function typeIn(workspace: Workspace, shell: string, line: string, awaited: string): Promise<string> {
  const bin = workspace.path("bin");
  await mkdir(bin, { recursive: true });
  await writeFile(`${bin}/draftstate`, `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`);
  await chmod(`${bin}/draftstate`, 0o755);
  const env = {
    PATH: `${bin}:${process.env["PATH"] ?? ""}`,
    HOME: workspace.directory,
    TERM: "xterm",
    PS1: "$ ",
    LANG: "C.UTF-8",
    fish_features: "no-query-term",
  };
  const terminal = spawn(shell, [...(STARTS[shell] ?? [])], { cwd: workspace.directory, env, cols: 100, rows: 30 });
  let seen = "";
  terminal.onData((data) => {
    seen += data;
    // fish asks what the terminal can do before it begins.
    if (data.includes("\u001b[c") || data.includes("\u001b[0c")) terminal.write("\u001b[?62;c");
  });
  try {
    terminal.write(`${LOADS[shell] ?? ""}; echo load''ed\r`);
    await until(
      () => (seen.includes("loaded") ? true : undefined),
      () => seen,
    );
    seen = "";
    terminal.write(line);
    await until(
      () => (withoutEscapes(seen).includes(awaited) ? true : undefined),
      () => JSON.stringify(seen),
    );
    return withoutEscapes(seen);
  } finally {
    terminal.kill("SIGKILL");
  }
}

function withoutEscapes(text: string): string {
  return text
    .replaceAll(/\u001b(?:\[[0-9;?<>=]*[A-Za-z]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[()][A-Z0-9]|[=>])/g, "")
    .replaceAll(/[\u0008\r]/g, "");
}

for (const shell of ["bash", "zsh", "fish"]) {
  describe.runIf(isInstalled(shell))(`completion in ${shell}`, TIMEOUT, () => {
    test("completes a command, an id and @last at the press of Tab", async ({ workspace }) => {
      await twoConversations(workspace);
      expect(await typeIn(workspace, shell, "draftstate rest\t", "restore")).toContain("restore");
      expect(await typeIn(workspace, shell, "draftstate show wh\t", "whale")).toContain("whale");
      expect(await typeIn(workspace, shell, "draftstate show @la\t", "@last")).toContain("@last");
    });

    test("completes the value of an option, and lists all of them", async ({ workspace }) => {
      await twoConversations(workspace);
      expect(await typeIn(workspace, shell, "draftstate export whale --format h\t", "html")).toContain("html");
      expect(await typeIn(workspace, shell, "draftstate export whale --format \t\t", "jsonl")).toMatch(
        /md\b[\s\S]*html\b[\s\S]*json\b[\s\S]*jsonl/,
      );
    });

    test("completes the timestamp of a backup", async ({ workspace }) => {
      await twoConversations(workspace);
      const [newest] = await workspace.backups("clock");
      const timestamp = newest?.timestamp ?? "";
      expect(await typeIn(workspace, shell, "draftstate restore clock --backup 20\t", timestamp)).toContain(timestamp);
    });
  });
}
