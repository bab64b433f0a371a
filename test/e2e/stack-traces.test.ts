/** The built command is one that can be debugged: a stack names lines of src, and each worker stands where its chunk looks for it. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect } from "vitest";
import { test, TIMEOUT } from "./world.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CHUNKS = join(ROOT, "dist/cli");

/** The frames of ours in a stack: file and line. */
function placesIn(stderr: string): { readonly file: string; readonly line: number }[] {
  return [...stderr.matchAll(/\(?([^\s(]+\/src\/[^:\s]+\.ts):(\d+):\d+\)?$/gm)].map(([, file = "", line = ""]) => ({
    file,
    line: Number(line),
  }));
}

describe("a stack", TIMEOUT, () => {
  test("names the line of src that threw, with --verbose", async ({ workspace }) => {
    const { stderr } = await workspace.run(["show", "nobody", "--verbose"]);
    const [thrown] = placesIn(stderr);
    const lines = (await readFile(thrown?.file ?? "", "utf8")).split("\n");
    expect(lines[(thrown?.line ?? 0) - 1]).toContain("new DraftstateError(");
    expect(stderr).not.toMatch(/dist\/cli\/.*:\d+:\d+/);
  });

  test("is not shown without it", async ({ workspace }) => {
    const { stderr } = await workspace.run(["show", "nobody"]);
    expect(stderr).toBe('error: there is no conversation "nobody": "draftstate ls" lists them\n');
  });

  test("is made of maps whose sources are there", async () => {
    const maps = (await readdir(CHUNKS)).filter((name) => name.endsWith(".map"));
    const sources = await Promise.all(
      maps.map(
        async (name) => (JSON.parse(await readFile(join(CHUNKS, name), "utf8")) as { sources: string[] }).sources,
      ),
    );
    const missing = sources.flat().filter((source) => source.endsWith(".ts") && !existsSync(join(CHUNKS, source)));
    expect([maps.length > 10, missing]).toEqual([true, []]);
  });
});

describe("each worker", () => {
  test.each(["dist", "dist/cli"])("that a file of %s starts stands beside it", async (directory) => {
    const files = (await readdir(join(ROOT, directory))).filter((name) => name.endsWith(".js"));
    const started = await Promise.all(
      files.map(async (name) =>
        [...(await readFile(join(ROOT, directory, name), "utf8")).matchAll(/new URL\([`"']\.\/([^`"']+)[`"']/g)].map(
          ([, file = ""]) => file,
        ),
      ),
    );
    const workers = [...new Set(started.flat())].filter((name) => name.endsWith(".js"));
    expect(workers.length).toBeGreaterThan(0);
    expect(workers.filter((name) => !files.includes(name))).toEqual([]);
  });
});

test("a program that has nothing left to wait for and is not through has failed", TIMEOUT, async ({ workspace }) => {
  await workspace.write("copy/package.json", "{}");
  await workspace.write("copy/bin/draftstate.js", await readFile(join(ROOT, "bin/draftstate.js"), "utf8"));
  await workspace.write("copy/dist/cli/entry.js", "exports.start = () => new Promise(() => undefined);");
  const { status } = spawnSync(process.execPath, [workspace.path("copy/bin/draftstate.js"), "ls"]);
  expect(status).toBe(1);
});
