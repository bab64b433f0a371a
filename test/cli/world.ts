/** `test` with a directory in which commands run in this process: `main` with streams, environment, directory and clock of the test. */
import { Readable } from "node:stream";
import { main } from "../../src/cli/main.js";
import type { InputStream, Io, OutputStream, ProcessControl } from "../../src/cli/io.js";
import { temporaryDirectory, Workspace, type Result, type RunOptions } from "../e2e/cli.js";
import { testIn } from "../e2e/world.js";

export { TIMEOUT } from "../e2e/world.js";

/** A pipe that somebody reads. */
class Collected implements OutputStream {
  text = "";

  write(text: string, done: () => void = () => undefined): void {
    this.text += text;
    done();
  }

  on(): this {
    return this;
  }
}

/** No signal comes, and nothing ends this process. */
const control: ProcessControl = {
  on: () => undefined,
  off: () => undefined,
  listenerCount: () => 0,
  send: (signal) => {
    throw new Error(`${signal} was sent to the process of the tests`);
  },
  exit: (status) => {
    throw new Error(`the process of the tests was to exit with ${String(status)}`);
  },
};

/** What libraries print is for nobody. */
const silent = Object.fromEntries(
  Object.keys(globalThis.console).map((name) => [name, () => undefined]),
) as unknown as Console;

function inputOf(stdin: string | undefined): InputStream {
  return Readable.from(stdin === undefined ? [] : [Buffer.from(stdin)]);
}

export class InProcess extends Workspace {
  static override async create(): Promise<InProcess> {
    return new InProcess(await temporaryDirectory()).prepared();
  }

  /** What only a process has, options of Node or an idle socket as stdin, runs in one. */
  override async run(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    const { env = {}, stdin, node } = options;
    if (node !== undefined || stdin === "open") return super.run(args, options);
    const [stdout, stderr] = [new Collected(), new Collected()];
    const io: Io = {
      stdin: inputOf(stdin),
      stdout,
      stderr,
      env: this.environment(env),
      directory: this.directory,
      home: this.directory,
      executable: process.execPath,
      program: "draftstate",
      control,
      console: silent,
      setVariables: () => undefined,
      now: () => new Date(),
      openTerminal: async () => undefined,
    };
    const status = await this.mirrored(() => main(args, io));
    return { status, signal: null, stdout: stdout.text, stderr: stderr.text };
  }
}

export const test = testIn(() => InProcess.create());
