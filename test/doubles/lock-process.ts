/**
 * Real processes that take locks when told, for tests of killed, stopped and contending owners. They run today's
 * sources, transpiled into a directory of the test's own, so that a stale or vanishing dist/ cannot matter.
 */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import type { LockAttempt } from "../../src/storage/storage.js";

const SOURCES = fileURLToPath(new URL("../../src/", import.meta.url));

const CHILD = `
import { createInterface } from "node:readline";
import { createLocalStorage } from "./storage/index.js";
const [stateDir, backupDir] = process.argv.slice(2);
const storage = createLocalStorage({ stateDir, backupDir, command: "lock-process" });
let held;
console.log(JSON.stringify("ready"));
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "release") await held?.release();
  if (line === "write") {
    console.log(JSON.stringify(await storage.replace({ area: "state", name: "chat.json" }, Buffer.from("late"), held).then(() => "written", (error) => error.code)));
    continue;
  }
  const [command, lease] = line.split(" ");
  const options = lease === undefined ? {} : { lease: Number(lease) };
  const attempt = command === "tryLock" ? await storage.tryLock("chat", new Date(), options).catch((error) => ({ acquired: false, detail: String(error) })) : {};
  if (attempt.acquired) held = attempt.lock;
  console.log(JSON.stringify(attempt));
}
`;

/** Makes the program; returns its path. */
export async function buildLockProgram(directory: string): Promise<string> {
  const files = await readdir(join(SOURCES, "storage"), { recursive: true });
  const storage = files
    .filter((name) => name.endsWith(".ts") && !name.startsWith("postgres"))
    .map((name) => join("storage", name));
  for (const name of ["errors.ts", ...storage]) {
    const target = join(directory, name.replace(/\.ts$/, ".js"));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, transpiled(await readFile(join(SOURCES, name), "utf8")));
  }
  await writeFile(join(directory, "package.json"), JSON.stringify({ type: "module" }));
  const program = join(directory, "child.mjs");
  await writeFile(program, CHILD);
  return program;
}

function transpiled(source: string): string {
  return ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  }).outputText;
}

export class LockProcess {
  readonly #answers: AsyncIterator<string>;

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async start(program: string, stateDir: string, backupDir: string): Promise<LockProcess> {
    const started = new LockProcess(spawn(process.execPath, [program, stateDir, backupDir]));
    await started.#answer();
    return started;
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  async tryLock(lease?: number): Promise<LockAttempt> {
    this.child.stdin.write(lease === undefined ? "tryLock\n" : `tryLock ${lease}\n`);
    return (await this.#answer()) as LockAttempt;
  }

  async release(): Promise<void> {
    this.child.stdin.write("release\n");
    await this.#answer();
  }

  /** A value under its lock: `written`, or the code of what refused it. */
  async write(): Promise<unknown> {
    this.child.stdin.write("write\n");
    return this.#answer();
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** SIGKILL, and gone when it resolves. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await exited;
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error("the lock process ended without an answer");
    return JSON.parse(String(value));
  }
}
