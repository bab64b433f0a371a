/** Starts the command line in this process: the only file of it that reads `process`. */
import { homedir } from "node:os";
import process from "node:process";
import { fileStreamFor, isNullDevice } from "./file-stream.js";
import type { Environment, InputStream, Io, OutputStream, ProcessControl } from "./io.js";
import { main } from "./main.js";
import { programName } from "./program-name.js";

export function start(argv: readonly string[]): Promise<number> {
  // A password on the command line is not for everyone who lists processes.
  if (argv.some((word) => /postgres(ql)?:\/\/[^/]*:[^/]*@/i.test(word))) process.title = "draftstate";
  return main(argv, processIo());
}

const hasDescriptors = process.platform !== "win32";

function outputFor(descriptor: 1 | 2): OutputStream {
  const file = hasDescriptors ? fileStreamFor(descriptor) : undefined;
  return file ?? (descriptor === 1 ? process.stdout : process.stderr);
}

/** To read nothing from /dev/null no file stream is needed. */
function openInput(): InputStream {
  return hasDescriptors && isNullDevice(0) ? process.getBuiltinModule("node:stream").Readable.from([]) : process.stdin;
}

const control: ProcessControl = {
  on: (event, listener) => {
    process.on(event, listener);
  },
  off: (event, listener) => {
    process.off(event, listener);
  },
  listenerCount: (event) => process.listenerCount(event),
  send: (signal, to) => {
    process.kill(to === "job" ? 0 : process.pid, signal);
  },
  exit: (status) => process.exit(status),
};

function setVariables(variables: Environment): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

function processIo(): Io {
  let input: InputStream | undefined;
  let program: string | undefined;
  return {
    // Made on first use: making it takes longer than many commands.
    get stdin() {
      return (input ??= openInput());
    },
    stdout: outputFor(1),
    stderr: outputFor(2),
    env: process.env,
    directory: ".",
    home: homedir(),
    executable: process.execPath,
    get program() {
      return (program ??= programName({ env: process.env, script: process.argv[1] ?? "", directory: process.cwd() }));
    },
    control,
    console: globalThis.console,
    setVariables,
    now: () => new Date(),
    openTerminal: async () => (await import("./terminal/input/controlling-terminal.js")).openControllingTerminal(),
  };
}
