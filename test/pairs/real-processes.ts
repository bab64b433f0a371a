/**
 * The same operations in real processes on real files. A process runs today's sources and today's operations, bundled into a
 * directory of the test's own, and does what it is told: begin, act, end. What it leaves is read into a simulated disk,
 * so that it is judged as every other outcome is.
 */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { emptyImage, type DiskImage } from "../doubles/disk-image.js";
import { BACKUP_DIR, STATE_DIR } from "../doubles/storage-over.js";
import type { Start } from "./stage.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Not bundled: found in node_modules. */
const PACKAGES = /^(?!\.|\/|[A-Za-z]:|node:)/;

const CHILD = `
import { createInterface } from "node:readline";
import { createDraftStatePersistenceManager } from ${JSON.stringify(join(ROOT, "src/create-manager.ts"))};
import { ID, PENDING, operationNamed, say } from ${JSON.stringify(join(ROOT, "test/pairs/operations.ts"))};
const answer = (value) => process.stdout.write(JSON.stringify(value) + "\\n");
const codeOf = (error) => error?.code ?? "unexpected " + String(error?.stack ?? error);
let [manager, handle, command, unhandled] = [undefined, undefined, undefined, []];
process.on("unhandledRejection", (error) => unhandled.push("an unhandled rejection: " + codeOf(error)));
answer("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const told = JSON.parse(line);
  if (told.kind === "begin") {
    command = told;
    unhandled = [];
    handle = undefined;
    manager = createDraftStatePersistenceManager({ ...told.options, stateDir: told.directory + "/state", backupDir: told.directory + "/backup", telemetry: false });
    if (told.start === "idle") await manager.saveState(ID, told.base);
    if (told.start === "handle") {
      handle = await manager.open(ID);
      say(handle, PENDING);
    }
    answer("begun");
  }
  if (told.kind === "act") {
    const acknowledged = [];
    const actor = { side: command.side, manager, handle, base: command.base, oldest: command.oldest, acknowledge: (text) => acknowledged.push(text), closed: () => undefined };
    await new Promise((resolve) => setTimeout(resolve, told.pause));
    const result = await operationNamed(command.operation).act(actor).then((value) => "ok " + value, codeOf);
    answer({ result, acknowledged });
  }
  if (told.kind === "end") answer({ closing: await manager.close().then(() => "ok", codeOf), unhandled });
}
`;

/** Makes the program, in one bundle; gives its path. */
export async function buildPairProgram(directory: string): Promise<string> {
  const entry = join(directory, "child.ts");
  await writeFile(entry, CHILD);
  const bundle = await rolldown({ input: entry, platform: "node", external: PACKAGES });
  await bundle.write({ dir: directory, entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" });
  await symlink(join(ROOT, "node_modules"), join(directory, "node_modules"), "junction");
  return join(directory, "child.mjs");
}

export interface Beginning {
  readonly directory: string;
  readonly side: "A" | "B";
  readonly start: Start;
  readonly operation: string;
  readonly base: unknown;
  readonly oldest: string;
  readonly options: object;
}

export class PairProcess {
  readonly #answers: AsyncIterator<string>;

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.pipe(process.stderr);
  }

  static async start(program: string): Promise<PairProcess> {
    const started = new PairProcess(spawn(process.execPath, [program]));
    await started.#answer();
    return started;
  }

  async begin(beginning: Beginning): Promise<void> {
    await this.#tell({ kind: "begin", ...beginning });
  }

  /** After so many milliseconds. */
  async act(pause: number): Promise<{ result: string; acknowledged: string[] }> {
    return (await this.#tell({ kind: "act", pause })) as { result: string; acknowledged: string[] };
  }

  async end(): Promise<{ closing: string; unhandled: string[] }> {
    return (await this.#tell({ kind: "end" })) as { closing: string; unhandled: string[] };
  }

  async stop(): Promise<void> {
    const exited = once(this.child, "exit");
    this.child.stdin.end();
    await exited;
  }

  #tell(command: object): Promise<unknown> {
    this.child.stdin.write(`${JSON.stringify(command)}\n`);
    return this.#answer();
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error("the process ended without an answer");
    return JSON.parse(String(value));
  }
}

const SIDES = [
  ["state", STATE_DIR],
  ["backup", BACKUP_DIR],
] as const;

/** The image's files as real ones. */
export async function writeImage(image: DiskImage, directory: string): Promise<void> {
  for (const [name, root] of SIDES) {
    await mkdir(join(directory, name), { recursive: true, mode: 0o700 });
    for (const [path, inode] of image.entries) {
      if (!path.startsWith(`${root}/`)) continue;
      const target = join(directory, name, path.slice(root.length + 1));
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await writeFile(target, image.contents.get(inode) ?? new Uint8Array(), { mode: 0o600 });
    }
  }
}

export async function readImage(directory: string): Promise<DiskImage> {
  const image = emptyImage();
  image.directories.add("/store");
  let inode = 0;
  for (const [name, root] of SIDES) {
    image.directories.add(root);
    for (const entry of await readdir(join(directory, name), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const inside = `${root}${path.slice(join(directory, name).length)}`;
      if (entry.isDirectory()) image.directories.add(inside);
      else {
        inode += 1;
        image.entries.set(inside, inode);
        image.contents.set(inode, await readFile(path));
      }
    }
  }
  return image;
}

export async function inTemporaryDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "pairs-"));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
