/**
 * The built CLI as a real process in a directory of its own, with an environment in which nothing of the tester's is
 * set. Whatever was started is killed and removed with the directory.
 */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mirror } from "./mirror.js";

export const PROGRAM = fileURLToPath(new URL("../../bin/draftstate.js", import.meta.url));
/** Holds `draftstate`. */
const BIN = fileURLToPath(new URL("bin", import.meta.url));
/** A PostgreSQL server on which each directory's commands have a store of their own, instead of in the directory. */
const SERVER = process.env["TEST_POSTGRES_SERVER"];
const mirrors = SERVER === undefined ? undefined : await import("./mirror.js");
const PATIENCE = 20_000;
const GLANCE = 10;

export interface Result {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Written to stdin, which is then closed; `open` leaves it open without a word. Closed at once where it is left out. */
  readonly stdin?: string;
  /** Options of node itself. */
  readonly node?: readonly string[];
}

export interface JsonLine {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Waits until it holds; throws with what the caller knows when it does not come to hold. */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  describe: () => string,
  patience = PATIENCE,
): Promise<T> {
  const end = Date.now() + patience;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > end) throw new Error(`waited in vain: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, GLANCE));
  }
}

/** The complete lines of `--json`; a last one without its newline was never printed as a whole. */
export function jsonLines(stdout: string): JsonLine[] {
  const whole = stdout.slice(0, stdout.lastIndexOf("\n") + 1);
  return whole.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as JsonLine]));
}

export class RunningCli {
  #stdout = "";
  #stderr = "";
  readonly ended: Promise<Result>;

  /** `after` is done before the end is told. */
  constructor(
    readonly child: ChildProcessWithoutNullStreams,
    after: () => Promise<void> = async () => undefined,
  ) {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    // One that is killed before it reads is no concern of a test.
    child.stdin.on("error", () => undefined);
    this.ended = once(child, "close").then(async ([status, signal]) => {
      await after();
      return {
        status: status as number | null,
        signal: signal as NodeJS.Signals | null,
        stdout: this.#stdout,
        stderr: this.#stderr,
      };
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get lines(): JsonLine[] {
    return jsonLines(this.#stdout);
  }

  /** Resolves when stdout holds the text. */
  async shows(text: string): Promise<void> {
    await until(
      () => (this.#stdout.includes(text) ? true : this.#gone()),
      () => `${JSON.stringify(text)} on stdout; ${this.#seen()}`,
    );
  }

  /** Resolves when so many lines of a type were printed, and gives them. */
  async printed(type: string, count: number): Promise<JsonLine[]> {
    const found = (): JsonLine[] | undefined => {
      const lines = this.lines.filter((line) => line.type === type);
      return lines.length >= count ? lines : this.#gone();
    };
    return until(found, () => `${count} ${type} lines; ${this.#seen()}`);
  }

  /** Sends the signal and resolves when the process is gone. */
  async end(signal: NodeJS.Signals): Promise<Result> {
    this.child.kill(signal);
    return this.ended;
  }

  #gone(): undefined {
    if (this.child.exitCode !== null || this.child.signalCode !== null)
      throw new Error(`the command has ended; ${this.#seen()}`);
    return undefined;
  }

  #seen(): string {
    return `stdout ${JSON.stringify(this.#stdout)}, stderr ${JSON.stringify(this.#stderr)}`;
  }
}

export interface ShownMessage {
  readonly role: string;
  readonly content: unknown;
  readonly status?: string;
  readonly model?: string;
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
  readonly error?: { readonly code: string; readonly message: string };
}

export interface Shown {
  readonly messages: readonly ShownMessage[];
  readonly currentNarrative: string;
  readonly streamingProperties: {
    readonly partialResponse: string;
    readonly tokenCount: number;
    readonly streamingProgress: number;
  };
  readonly _metadata: {
    readonly conversationId: string;
    readonly status: string;
    readonly revision: number;
    readonly title: string;
  };
}

export interface Row {
  readonly conversationId: string;
  readonly status: string;
  readonly messageCount: number;
  readonly tokenCount: number;
  readonly backupCount: number;
  readonly model: string | null;
  readonly imported: boolean;
  readonly error?: { readonly code: string };
}

export interface BackupRow {
  readonly timestamp: string;
  readonly path: string;
  readonly revision: number;
  readonly messageCount: number;
  readonly reason: string | null;
  readonly valid: boolean;
}

export function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), "draftstate-e2e-"));
}

export class Workspace {
  readonly #running = new Set<RunningCli>();
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #schema = `w${randomBytes(8).toString("hex")}`;
  readonly #store = SERVER === undefined ? {} : { DRAFTSTATE_STORE: `${SERVER}?schema=${this.#schema}` };
  readonly #mirror: Mirror | undefined;

  constructor(readonly directory: string) {
    if (mirrors === undefined || SERVER === undefined) return;
    const mirror = new mirrors.Mirror(directory, SERVER, this.#schema);
    this.#mirror = mirror;
    this.onRemove(() => mirror.close());
  }

  static async create(): Promise<Workspace> {
    return new Workspace(await temporaryDirectory()).prepared();
  }

  /** A named store is there, as the directory is: that one is not found is told elsewhere. */
  async prepared(): Promise<this> {
    await this.#mirror?.prepare();
    return this;
  }

  async remove(): Promise<void> {
    await Promise.all([
      ...[...this.#running].map((cli) => cli.end("SIGKILL")),
      ...this.#closers.map((close) => close()),
    ]);
    // Programs that a test started by itself may still be closing.
    await rm(this.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }

  start(args: readonly string[], { env = {}, stdin, node = [] }: RunOptions = {}): RunningCli {
    this.pushNow();
    const child = spawn(process.execPath, [...node, PROGRAM, ...args], {
      cwd: this.directory,
      env: this.environment(env),
    });
    const cli = new RunningCli(child, () => this.pull());
    this.#running.add(cli);
    void cli.ended.then(() => this.#running.delete(cli));
    if (stdin !== "open") child.stdin.end(stdin ?? "");
    return cli;
  }

  /** What a command finds in its environment: nothing of the tester's. */
  environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      PATH: `${BIN}${delimiter}${process.env["PATH"] ?? ""}`,
      HOME: this.directory,
      DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0",
      DRAFTSTATE_MODEL_RETRIES: "0",
      ...this.#store,
      ...more,
    };
  }

  /** For what else was started here and must end with the directory. */
  onRemove(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  run(args: readonly string[], options?: RunOptions): Promise<Result> {
    return this.start(args, options).ended;
  }

  /** On a server, what a test put into the directory is there before the command, and what the command did comes back after it. */
  protected async mirrored<T>(command: () => Promise<T>): Promise<T> {
    await this.#mirror?.push();
    const result = await command();
    await this.pull();
    return result;
  }

  /** What a test put into the directory goes to the server, where there is one. */
  pushNow(): void {
    this.#mirror?.pushNow();
  }

  /** What is on the server comes into the directory, where there is one. */
  async pull(): Promise<void> {
    await this.#mirror?.pull();
  }

  /** What a command prints with `--json`; it must have gone well. */
  async json(args: readonly string[], options?: RunOptions): Promise<unknown> {
    const result = await this.run([...args, "--json"], options);
    if (result.status !== 0)
      throw new Error(`${args.join(" ")} exited with ${String(result.status)}: ${result.stderr}`);
    return JSON.parse(result.stdout) as unknown;
  }

  async show(id: string, ...more: readonly string[]): Promise<Shown> {
    return (await this.json(["show", id, ...more])) as Shown;
  }

  async ls(): Promise<Row[]> {
    return (await this.json(["ls"])) as Row[];
  }

  async row(id: string): Promise<Row | undefined> {
    return (await this.ls()).find((row) => row.conversationId === id);
  }

  async backups(id: string): Promise<BackupRow[]> {
    return (await this.json(["backups", id])) as BackupRow[];
  }

  /** Also of what a command on a server calls by its place there. */
  path(name: string): string {
    return resolve(this.directory, mirrors?.fileAt(name, this.#schema) ?? name);
  }

  async read(name: string): Promise<string> {
    await this.pull();
    return readFile(this.path(name), "utf8");
  }

  async write(name: string, text: string): Promise<void> {
    await mkdir(dirname(this.path(name)), { recursive: true });
    await writeFile(this.path(name), text);
  }

  /** Every file below the directory, with its bytes as Latin-1, so that nothing is lost to decoding. */
  async files(): Promise<Map<string, string>> {
    await this.pull();
    const entries = await readdir(this.directory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    return new Map(await Promise.all(files.map(async (file) => [file, await readFile(file, "latin1")] as const)));
  }
}

/** The code that `--json` puts on stdout in place of data. */
export function errorOf(result: Result): { code: string; message: string; path: string | null } {
  return (JSON.parse(result.stdout) as { error: { code: string; message: string; path: string | null } }).error;
}
