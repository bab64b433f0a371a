/** Another process on the same store, running the built library, told what to do by a script. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";

const LIBRARY = new URL("../../dist/index.js", import.meta.url).href;
export const CLI = fileURLToPath(new URL("../../bin/draftstate.js", import.meta.url));

/** What scripts find: a manager of the directory, the code of an error, a way to say and to hear. */
const PROLOGUE = `
  import { createDraftStatePersistenceManager } from ${JSON.stringify(LIBRARY)};
  import { once } from "node:events";
  const managerIn = (directory) => createDraftStatePersistenceManager({ stateDir: directory + "/state", backupDir: directory + "/backup", metrics: false, telemetry: false, autoSave: false, retryAttempts: 0 });
  const outcome = (promise) => promise.then(() => "ok", (error) => error.code ?? String(error));
  const say = (line) => process.stdout.write(line + "\\n");
  const hear = () => once(process.stdin, "data");
`;

export class Child {
  readonly #lines: AsyncIterator<string>;
  readonly #process;
  readonly #ended: Promise<void>;

  constructor(script: string, env: Readonly<Record<string, string>> = {}) {
    this.#process = spawn(execPath, ["--input-type=module", "-e", PROLOGUE + script], {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#process.stdin.on("error", () => undefined);
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    this.#ended = new Promise((resolve) => this.#process.on("close", () => resolve()));
  }

  /** The next line that it says; says so where it has ended. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    return done === true ? "it ended" : value;
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#ended;
  }
}

/** The outcome of one call of the command line. */
export function run(
  args: readonly string[],
  directory: string,
): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(
    execPath,
    [CLI, ...args, "--state-dir", `${directory}/state`, "--backup-dir", `${directory}/backup`],
    { env: { PATH: process.env["PATH"] ?? "", HOME: directory }, stdio: ["ignore", "pipe", "pipe"] },
  );
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, stdout, stderr })));
}
