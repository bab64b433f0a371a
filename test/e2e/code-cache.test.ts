/** What the build compiled beside the bundle: used for the text it was made of, and for no other; without it all is as before. */
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect } from "vitest";
import { test, TIMEOUT } from "./world.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CACHES = join("dist/cli/packs", `${process.version}-${process.platform}-${process.arch}`);
const START = "dist/cli/packs/start.js";
const CACHE = join(CACHES, "start.cache");

async function copyOfProgram(directory: string): Promise<string> {
  const copy = join(directory, "copy");
  for (const part of ["bin", "package.json", "dist/cli/package.json", "dist/cli/packs"])
    await cp(join(ROOT, part), join(copy, part), { recursive: true, preserveTimestamps: true });
  return copy;
}

const run = promisify(execFile);

/** Whether the cache was used, as V8 says, and what the program says of `ls`. */
async function start(copy: string): Promise<{ used: boolean; help: string }> {
  const look = `
    const { loaderFor } = require("./bin/loader.js");
    const loader = loaderFor(process.cwd() + "/dist/cli");
    loader.load("/src/errors.js");
    console.log(loader.scripts.get("start").cachedDataRejected === false);`;
  const [{ stdout: used }, { stdout: help }] = [
    await run(process.execPath, ["-e", look], { cwd: copy }),
    await run(process.execPath, ["bin/draftstate.js", "ls", "--help"], { cwd: copy }),
  ];
  return { used: used === "true\n", help };
}

async function rewrite(path: string, change: (text: string) => string): Promise<void> {
  const { atime, mtime } = await stat(path);
  const text = await readFile(path, "latin1");
  expect(change(text)).not.toBe(text);
  await writeFile(path, change(text), "latin1");
  await utimes(path, atime, mtime);
}

test("a program that has nothing left to wait for and is not through has failed", TIMEOUT, async ({ workspace }) => {
  const copy = await copyOfProgram(workspace.directory);
  await writeFile(
    join(copy, START),
    '({ "/src/cli/entry.js": function (exports) { exports.start = () => new Promise(() => undefined); } })',
  );
  await expect(run(process.execPath, ["bin/draftstate.js", "ls"], { cwd: copy })).rejects.toMatchObject({ code: 1 });
});

describe.concurrent("the code cache", TIMEOUT, () => {
  test("is used for the pack that it was made of", async ({ workspace }) => {
    expect(await start(await copyOfProgram(workspace.directory))).toMatchObject({ used: true });
  });

  test("is not used for a pack of another build, be it as long and as old", async ({ workspace }) => {
    const copy = await copyOfProgram(workspace.directory);
    await rewrite(join(copy, START), (text) => `//${"0".repeat(64)}${text.slice(66)}`);
    expect(await start(copy)).toMatchObject({ used: false });
  });

  test("is not used for a pack that was changed by hand since", async ({ workspace }) => {
    const copy = await copyOfProgram(workspace.directory);
    await rewrite(join(copy, START), (text) => text.replaceAll("newest first", "NEWEST FIRST"));
    const later = new Date(Date.now() + 3_600_000);
    await utimes(join(copy, START), later, later);
    expect(await start(copy)).toMatchObject({ used: false, help: expect.stringContaining("NEWEST FIRST") as unknown });
  });

  test.for([
    ["is missing", (path: string) => rm(path)],
    [
      "cannot be read",
      async (path: string) => {
        await rm(path);
        await mkdir(path);
      },
    ],
    ["is empty", (path: string) => writeFile(path, "")],
    [
      "was cut off",
      async (path: string) => {
        await writeFile(path, (await readFile(path)).subarray(0, 1000));
      },
    ],
    [
      "holds something else",
      async (path: string) => {
        await writeFile(path, (await readFile(path)).reverse());
      },
    ],
  ] as const)("that %s is done without", async ([, spoil], { workspace }) => {
    const copy = await copyOfProgram(workspace.directory);
    await spoil(join(copy, CACHE));
    expect(await start(copy)).toEqual({ used: false, help: expect.stringContaining("draftstate ls") as unknown });
  });
});
