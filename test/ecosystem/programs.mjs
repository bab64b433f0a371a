/** Programs in processes of their own, on draftstate as its users install it. */
import { spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));

export const directory = () => mkdtemp(join(tmpdir(), "draftstate-ecosystem-"));

/** A copy of the example where it finds the packages of this folder. */
export async function example(name) {
  const copies = join(here, "node_modules", ".examples");
  await mkdir(copies, { recursive: true });
  await copyFile(join(here, "..", "..", "examples", `${name}.mjs`), join(copies, `${name}.mjs`));
  return join(copies, `${name}.mjs`);
}

/** Resolves with the process once it has printed what matches. */
export async function start(file, { cwd, args = [], env = {} }, pattern) {
  const child = spawn(process.execPath, [file, ...args], { cwd, env: { ...process.env, ...env } });
  let output = "";
  child.stderr.on("data", (part) => process.stderr.write(part));
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal, output })));
  const match = await new Promise((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (part) => {
      output += part;
      const found = pattern.exec(output);
      if (found !== null) resolve(found);
    });
    void ended.then(({ code, signal }) => reject(new Error(`ended with ${code ?? signal}: ${output}`)));
  });
  return { match, ended, kill: (signal) => child.kill(signal) };
}
