/**
 * A ready-made agent with tools and a question to a person is killed with SIGKILL at each of its steps (model, tools, before and
 * after each write of a checkpoint), and resumed in another process: the conversation is the one that was never interrupted.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { programPath } from "./victim.js";

/** Every step at night; two of them in the gate. */
const [FIRST, EVERY] = process.env["DRAFTSTATE_KILLS"] === undefined ? [9, 16] : [1, 1];

interface Run {
  readonly signal: string | null;
  readonly output: { readonly steps: number; readonly said: unknown } | undefined;
}

function run(root: string, killAt?: number): Run {
  const settings = { stateDir: join(root, "state"), backupDir: join(root, "backup") };
  const orders = JSON.stringify({ settings, killAt });
  const { stdout, stderr, signal } = spawnSync(process.execPath, [programPath("agent"), orders], { encoding: "utf8" });
  expect(stderr).toBe("");
  return { signal, output: stdout === "" ? undefined : (JSON.parse(stdout) as Run["output"]) };
}

test("an agent that is killed at any step says the same in the end", { timeout: 600_000 }, () => {
  const root = mkdtempSync(join(tmpdir(), "draftstate-agent-"));
  const { steps = 0, said } = run(join(root, "whole")).output ?? {};
  expect(said).toEqual([
    ["human", "Book a flight.", null],
    ["ai", "", ["call-1"]],
    ["tool", "one flight", null],
    ["ai", "", ["call-2"]],
    ["tool", "yes", null],
    ["ai", "Booked: one flight, yes", []],
  ]);
  expect(steps).toBeGreaterThan(20);
  let kills = 0;
  for (let killAt = FIRST; killAt <= steps; killAt += EVERY) {
    const killed = run(join(root, String(killAt)), killAt);
    expect(killed.signal).toBe("SIGKILL");
    expect(run(join(root, String(killAt))).output?.said, `killed at step ${killAt}`).toEqual(said);
    kills += 1;
  }
  console.log({ steps, kills });
  rmSync(root, { recursive: true });
});
