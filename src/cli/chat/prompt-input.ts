/** The prompt from arguments, stdin, or both. A terminal is never read here, and an idle pipe of a parent program not waited for. */
import { fstatSync } from "node:fs";
import { systemErrorCode } from "../../errors.js";
import type { InputStream } from "../io.js";
import type { Output } from "../output.js";
import { decodePiped } from "./piped-text.js";

export interface PromptInput {
  /** Undefined if nothing was given. */
  readonly prompt: string | undefined;
  /** The part that the person wrote, for a title. */
  readonly title: string | undefined;
}

/** How long a socket may stay silent before it counts as left open by a parent that has nothing to say, in milliseconds. */
const IDLE_SOCKET = 300;
const SAY_WAITING = 2000;
const MAX_INPUT = 64 * 1024 * 1024;

/** `program | draftstate` is a FIFO and is read to its end; a socket is how Node.js hands a child its stdin, often without using it. */
function isSocket(fd: number | undefined): boolean {
  if (fd === undefined) return false;
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}

async function readAll(input: InputStream, mayBeIdle: boolean, output: Output): Promise<Buffer> {
  const waiting = output.errorIsTerminal
    ? setTimeout(() => {
        output.message("reading stdin until it ends …");
      }, SAY_WAITING)
    : undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      clearTimeout(waiting);
      clearTimeout(idle);
      input.pause();
      resolve(Buffer.concat(chunks));
    };
    const idle = mayBeIdle ? setTimeout(finish, IDLE_SOCKET) : undefined;
    input.on("data", (chunk: Buffer | string) => {
      clearTimeout(idle);
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > MAX_INPUT) reject(new RangeError(`stdin holds more than ${MAX_INPUT} bytes`));
      chunks.push(bytes);
    });
    input.on("end", finish);
    // Opened for writing alone, as by `0>file`: nothing can come from it.
    input.on("error", (error: Error) => {
      if (systemErrorCode(error) === "EBADF") finish();
      else reject(error);
    });
  });
}

export async function readPrompt(words: string, input: InputStream, output: Output): Promise<PromptInput> {
  const asked = words.trim() === "" ? undefined : words;
  if (input.isTTY === true) return { prompt: asked, title: asked };
  const { text, warning } = decodePiped(await readAll(input, asked !== undefined && isSocket(input.fd), output));
  if (warning !== undefined) output.warning(warning);
  const piped = text.trim();
  if (piped === "") return { prompt: asked, title: asked };
  return asked === undefined ? { prompt: piped, title: piped } : { prompt: `${piped}\n\n${asked}`, title: asked };
}
