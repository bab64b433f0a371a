/** The examples do what they say, each step in a process of its own, on the built library. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const example = (name: string): string => fileURLToPath(new URL(`../../examples/${name}.mjs`, import.meta.url));

function run(cwd: string, name: string, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [example(name), ...args], { cwd, encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

test("a graph asks a person, and another process takes the answer", () => {
  const cwd = mkdtempSync(join(tmpdir(), "draftstate-example-"));
  expect(run(cwd, "human-in-the-loop")).toBe("Book the flight to Bonn?\n");
  expect(run(cwd, "human-in-the-loop", "yes")).toBe("the person said: yes\n");
});

test("what was shown of an answer when the process was killed is kept by the next", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "draftstate-example-"));
  const child = spawn(process.execPath, [example("token-log")], { cwd, stdio: ["ignore", "pipe", "inherit"] });
  let shown = "";
  for await (const part of child.stdout.setEncoding("utf8") as AsyncIterable<string>) {
    shown += part;
    if (shown.length > 100) child.kill("SIGKILL");
  }
  const [, length = "0"] = /^cut off: (\d+) characters of story's answer are kept\n/.exec(run(cwd, "token-log")) ?? [];
  expect(Number(length)).toBeGreaterThanOrEqual(shown.length);
});
