/**
 * Long text a screen at a time, on a terminal that can: by PAGER, or less. Text that fits is just printed, and so is
 * everything where there is no pager. Who quits early has seen enough, which is no error. Give it safe text.
 */
import { spawn } from "node:child_process";
import process from "node:process";
import type { Output } from "../../output.js";
import { displayWidth } from "../text/width.js";

export interface PagerOptions {
  readonly output: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** False with --no-pager. */
  readonly wanted: boolean;
}

/** What the shell says where there is no such program. */
const NOT_FOUND = 127;
const ESCAPES = /\u001b\[[0-9;]*m/g;

function rowsOf(text: string, width: number): number {
  return text
    .split("\n")
    .reduce((rows, line) => rows + Math.max(1, Math.ceil(displayWidth(line.replace(ESCAPES, "")) / width)), 0);
}

/** Undefined where the text is to be printed as it is. */
function pagerFor(text: string, { output, env, wanted }: PagerOptions): string | undefined {
  const { width, height } = output;
  const pager = env["PAGER"] ?? "less";
  if (
    !wanted ||
    width === undefined ||
    height === undefined ||
    env["TERM"] === "dumb" ||
    pager.trim() === "" ||
    pager.trim() === "cat"
  )
    return undefined;
  return rowsOf(text, width) < height ? undefined : pager;
}

/** The pager's exit status; Ctrl-C is the pager's while it runs. */
async function page(pager: string, text: string, env: PagerOptions["env"]): Promise<number> {
  const ignore = (): void => undefined;
  process.on("SIGINT", ignore);
  try {
    return await new Promise((resolve) => {
      // R: colours as they are; X and F as git has them.
      const child = spawn(pager, { shell: true, stdio: ["pipe", "inherit", "inherit"], env: { LESS: "FRX", ...env } });
      child.stdin.on("error", ignore);
      child.on("error", () => {
        resolve(NOT_FOUND);
      });
      child.on("close", (status) => {
        resolve(status ?? 0);
      });
      child.stdin.end(text);
    });
  } finally {
    process.off("SIGINT", ignore);
  }
}

/** Ends the text with a newline. */
export async function printPaged(text: string, options: PagerOptions): Promise<void> {
  const pager = pagerFor(text, options);
  if (pager !== undefined && (await page(pager, `${text}\n`, options.env)) !== NOT_FOUND) return;
  options.output.line(text);
}
