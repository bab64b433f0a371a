/** A real process that is started to be killed, stopped or left alone: what it printed, line by line, and its end. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { until } from "../e2e/cli.js";

export function programPath(name: string): string {
  return fileURLToPath(new URL(`programs/${name}.mjs`, import.meta.url));
}

export const CLI = fileURLToPath(new URL("../../bin/draftstate.js", import.meta.url));

/** A machine that is busy with much else starts a process late. */
const PATIENCE = 300_000;

/** With a host name of its own, as in a container. */
function onHost(host: string, command: readonly string[]): [string, ...string[]] {
  const asRoot = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  return ["unshare", ...asRoot, "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host, ...command];
}

export class Victim {
  #stdout = "";
  #stderr = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    cwd: string | undefined,
    host?: string,
  ) {
    const [program, ...rest]: [string, ...string[]] =
      host === undefined ? [process.execPath, ...args] : onHost(host, [process.execPath, ...args]);
    this.#child = spawn(program, rest, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] ?? "", ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#stdout += text));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#stderr += text));
    this.#ended = once(this.#child, "close");
  }

  /** One of test/process/programs, told what to do as JSON. `host`: the name that it finds its machine to have. */
  static program(name: string, orders: object, host?: string): Victim {
    return new Victim([programPath(name), JSON.stringify(orders)], {}, undefined, host);
  }

  /** The built command line. */
  static cli(args: readonly string[], env: Readonly<Record<string, string>>, cwd: string): Victim {
    return new Victim([CLI, ...args], { HOME: cwd, ...env }, cwd);
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Complete lines alone: what was cut off was never said. */
  get lines(): string[] {
    return this.#stdout.split("\n").slice(0, -1);
  }

  get stderr(): string {
    return this.#stderr;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get status(): number | null {
    return this.#child.exitCode;
  }

  /** Revisions it was told are durable. */
  get acknowledged(): number[] {
    return this.lines.flatMap((line) => (line.startsWith("ack ") ? [Number(line.slice(4))] : []));
  }

  /** Resolves when a line begins like this, or when the process has ended. */
  async says(start: string): Promise<boolean> {
    const said = (): boolean | undefined =>
      this.lines.some((line) => line.startsWith(start)) ? true : this.hasEnded ? false : undefined;
    return until(said, () => `${start}; ${this.#stdout.slice(-300)} ${this.#stderr}`, PATIENCE);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async ended(): Promise<void> {
    await this.#ended;
  }

  /** SIGKILL, and gone with all it said read when it resolves. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
