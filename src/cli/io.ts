/**
 * What one run of the program is given of the world: streams, environment, directory, clock and signals. The entry file
 * makes it from the process, a test from memory; nothing else in src/cli knows the process.
 */
import { isAbsolute, join } from "node:path";

export interface InputStream extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  readonly fd?: number;
}

/** The part of Node's streams that is used here. */
export interface OutputStream {
  write(text: string, done?: () => void): unknown;
  on(event: "error", listener: (error: unknown) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** A terminal opened for this run alone. */
export interface OpenedTerminal extends InputStream {
  destroy(): unknown;
}

export type ProcessEvent = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGTSTP" | "exit";

/** Signals of the process that runs the program, and its end. */
export interface ProcessControl {
  on(event: ProcessEvent, listener: () => void): void;
  off(event: ProcessEvent, listener: () => void): void;
  listenerCount(event: ProcessEvent): number;
  /** To the process itself, or to its whole job, as the terminal's own Ctrl-Z does. */
  send(signal: NodeJS.Signals, to: "process" | "job"): void;
  exit(status: number): never;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Io {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Environment;
  /** Base of relative paths; "." in the process itself, so that messages show paths as they were given. */
  readonly directory: string;
  readonly home: string;
  /** Path of the Node.js that runs this. */
  readonly executable: string;
  /** What starts this program here, for the commands that messages name: `draftstate`, `npx draftstate`. */
  readonly program: string;
  readonly control: ProcessControl;
  /** What libraries print to. */
  readonly console: Console;
  /** Of the process itself, for libraries that read them: undefined takes one away. */
  setVariables(variables: Environment): void;
  now(): Date;
  /** The terminal of the process although stdin is a pipe; undefined if there is none. */
  openTerminal(): Promise<OpenedTerminal | undefined>;
}

/** A path that a person gave, relative to the directory of the run. */
export function pathIn({ directory }: Pick<Io, "directory">, path: string): string {
  return directory === "." || isAbsolute(path) ? path : join(directory, path);
}
