/**
 * A server as a process: JSON-RPC messages, a line each, over its stdin and stdout; what it writes to stderr is kept in short.
 * Each runs in a process group of its own: Ctrl-C on the terminal does not reach it, and its whole group ends with it, so that
 * no process of a wrapper such as npx is left. Memory is bounded, whatever the server writes.
 */
import { spawn, type ChildProcess } from "node:child_process";
import process from "node:process";
import { StringDecoder } from "node:string_decoder";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { JSONRPCMessageSchema, type JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { systemErrorCode } from "../errors.js";
import { LastLines } from "./last-lines.js";
import { LineReader } from "./line-reader.js";
import type { StdioServer } from "./server-config.js";
import { ServerFailure } from "./server-failure.js";

/** Milliseconds for which a server may end by itself once its input has ended, and once it was asked to. */
const PATIENCE = { end: 500, terminate: 500, kill: 1000 };
/** What a server gets of our environment, which holds keys; all else its configuration gives it. */
const PASSED_ON =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TERM|TZ|LANG|LC_[A-Z]+|TMPDIR|XDG_(CACHE|CONFIG|DATA|STATE)_HOME|SystemRoot|SystemDrive|windir|ComSpec|PATHEXT|TEMP|TMP|APPDATA|LOCALAPPDATA|USERPROFILE|HOMEDRIVE|HOMEPATH|USERNAME|PROGRAMFILES|PROCESSOR_ARCHITECTURE)$/i;
/** Elsewhere a process is ended alone. */
const hasGroups = process.platform !== "win32";

export type Environment = Readonly<Record<string, string | undefined>>;

function passedOn(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => PASSED_ON.test(name)));
}

/** Ended with this process, whatever ends it, SIGKILL excepted: then their input ends. */
const running = new Set<ProcessTransport>();

function endWithProcess(): void {
  for (const transport of running) transport.kill();
}

function enlist(transport: ProcessTransport): void {
  if (running.size === 0) process.on("exit", endWithProcess);
  running.add(transport);
}

function discharge(transport: ProcessTransport): void {
  running.delete(transport);
  if (running.size === 0) process.off("exit", endWithProcess);
}

export class ProcessTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: NonNullable<Transport["onmessage"]>;
  readonly #said = new LastLines();
  readonly #nonsense = new LastLines();
  #child: ChildProcess | undefined;
  #gone: Promise<void> = Promise.resolve();
  #end: string | undefined;

  constructor(
    private readonly server: StdioServer,
    private readonly env: Environment,
  ) {}

  /** How it ended, as a clause; undefined while it runs. */
  get end(): string | undefined {
    return this.#end;
  }

  /** What it said beside the protocol, if anything. */
  get lastWords(): readonly string[] {
    const { all } = this.#said;
    return all.length > 0 ? all : this.#nonsense.all;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    const { command, args, env, cwd } = this.server;
    const child = spawn(command, [...args], {
      env: { ...passedOn(this.env), ...env },
      stdio: ["pipe", "pipe", "pipe"],
      detached: hasGroups,
      windowsHide: true,
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#child = child;
    enlist(this);
    this.#gone = new Promise((resolve) => {
      child.once("close", resolve);
    });
    this.#listen(child);
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) => {
        reject(this.#notStarted(error));
      });
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const { stdin } = this.#child ?? {};
    if (stdin?.writable !== true) throw new ServerFailure(this.#end ?? "is not running");
    await new Promise<void>((resolve, reject) => {
      stdin.write(`${JSON.stringify(message)}\n`, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Ends its input, then asks its group to end, then ends it. Resolves when it is gone. */
  async close(): Promise<void> {
    const { stdin } = this.#child ?? {};
    stdin?.end();
    if (await this.#isGoneWithin(PATIENCE.end)) return;
    this.#signal("SIGTERM");
    if (await this.#isGoneWithin(PATIENCE.terminate)) return;
    this.kill();
    await this.#isGoneWithin(PATIENCE.kill);
  }

  /** At once, for a process that is about to end itself. */
  kill(): void {
    this.#signal("SIGKILL");
  }

  #listen(child: ChildProcess): void {
    const { stdin, stdout, stderr } = child;
    const lines = new LineReader((line) => {
      this.#receive(line);
    });
    stdin?.on("error", () => undefined);
    stdout?.on("data", (bytes: Buffer) => {
      if (lines.add(bytes)) return;
      this.#end = "sent a message of more than 64 MiB, and was ended";
      this.kill();
    });
    const decoder = new StringDecoder("utf8");
    stderr?.on("data", (bytes: Buffer) => {
      this.#said.add(decoder.write(bytes));
    });
    child.once("exit", (status, signal) => {
      this.#end ??= signal === null ? `ended (exit status ${status ?? 0})` : `was ended by ${signal}`;
      // Whatever it started ends with it, and lets go of its pipes.
      this.#signal("SIGKILL");
    });
    child.once("close", () => {
      this.#child = undefined;
      discharge(this);
      this.onclose?.();
    });
  }

  #receive(line: string): void {
    try {
      this.onmessage?.(JSONRPCMessageSchema.parse(JSON.parse(line)));
    } catch {
      // Some greet on stdout; what they said is named if nothing else comes.
      this.#nonsense.add(`${line.slice(0, 400)}\n`);
    }
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this;
    if (pid === undefined) return;
    try {
      if (hasGroups) process.kill(-pid, signal);
      else this.#child?.kill(signal);
    } catch (error) {
      if (systemErrorCode(error) !== "ESRCH") this.#child?.kill(signal);
    }
  }

  async #isGoneWithin(milliseconds: number): Promise<boolean> {
    if (this.#child?.pid === undefined) return true;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, milliseconds, false);
    });
    return Promise.race([this.#gone.then(() => true), patience]).finally(() => {
      clearTimeout(timer);
    });
  }

  #notStarted(error: Error): ServerFailure {
    const { command, cwd } = this.server;
    this.#child = undefined;
    discharge(this);
    const where = cwd === undefined ? "" : `, or no directory ${cwd}`;
    const code = systemErrorCode(error);
    if (code === "ENOENT") return new ServerFailure(`could not be started: no command ${command}${where}`);
    return new ServerFailure(`could not be started: ${command}: ${code ?? error.message}`);
  }
}
