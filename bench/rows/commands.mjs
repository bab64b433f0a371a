// Whole processes: how long a person waits. hyperfine times them where it is installed, one run a turn.
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { medians, ratios, row, takeTurns } from "../measure.mjs";

const PROGRAM = fileURLToPath(new URL("../../bin/draftstate.js", import.meta.url));
const hasHyperfine = spawnSync("hyperfine", ["--version"]).status === 0;

export const timer = hasHyperfine ? "hyperfine" : "process start to end, by performance.now()";

function run(args, cwd) {
  const env = { PATH: process.env.PATH, HOME: cwd, DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0" };
  if (!hasHyperfine) {
    const started = performance.now();
    spawnSync(process.execPath, args, { cwd, env, stdio: "ignore" });
    return performance.now() - started;
  }
  const report = join(cwd, "hyperfine.json");
  const command = [process.execPath, ...args].map((word) => `'${word}'`).join(" ");
  const { status, stderr } = spawnSync("hyperfine", ["-N", "--runs", "1", "--export-json", report, command], {
    cwd,
    env,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`hyperfine: ${stderr}`);
  return JSON.parse(readFileSync(report, "utf8")).results[0].mean * 1000;
}

/** Milliseconds from the start of the process to the first byte of the answer, as a person waits for it: with the model's own pace. */
function firstToken(cwd) {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(process.execPath, [PROGRAM, "chat", "--model", "offline", "Hi"], {
      cwd,
      env: { PATH: process.env.PATH, HOME: cwd },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let seen;
    child.stdout.once("data", () => {
      seen = performance.now() - started;
      child.kill();
    });
    child.once("close", () => resolve(seen));
  });
}

/** The same clock for what the first token is compared with: hyperfine leaves out what it takes to start a process from here. */
function wholeProcess(cwd) {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(process.execPath, ["-e", "0"], {
      cwd,
      env: { PATH: process.env.PATH, HOME: cwd },
      stdio: ["ignore", "pipe", "ignore"],
    });
    child.once("close", () => resolve(performance.now() - started));
  });
}

export async function commands({ scratch, rounds }) {
  const cwd = scratch.directory();
  spawnSync(process.execPath, [PROGRAM, "chat", "--model", "offline", "--id", "tale", "Hi"], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0" },
  });
  const samples = await takeTurns(
    {
      "node -e 0": () => run(["-e", "0"], cwd),
      "--version": () => run([PROGRAM, "--version"], cwd),
      ls: () => run([PROGRAM, "ls"], cwd),
      show: () => run([PROGRAM, "show", "tale"], cwd),
      chat: () => firstToken(scratch.directory()),
      "node -e 0, started as chat is": () => wholeProcess(scratch.directory()),
    },
    rounds * 3,
  );
  const common = { against: "node -e 0", seen: medians(samples, "ms") };
  return [
    ...["--version", "ls", "show"].map((name) =>
      row({
        ...common,
        id: `command-${name}`,
        what: `draftstate ${name}, a small directory`,
        guarantee: "whole process",
        target: "≤ 1.5",
        ratio: ratios(samples[name], samples["node -e 0"]),
      }),
    ),
    row({
      ...common,
      against: "node -e 0, started as chat is",
      id: "command-chat",
      what: "draftstate chat to its first token, offline model",
      guarantee: "that token is synced",
      target: "≤ 2.5",
      ratio: ratios(samples.chat, samples["node -e 0, started as chat is"]),
    }),
  ];
}
