/** The terminal a person sits at, to be read although stdin is a pipe. Undefined where the process has none. */
import { openSync } from "node:fs";
import { ReadStream } from "node:tty";

const PATH = "/dev/tty";

export function openControllingTerminal(): ReadStream | undefined {
  try {
    return new ReadStream(openSync(PATH, "r"));
  } catch {
    return undefined;
  }
}
