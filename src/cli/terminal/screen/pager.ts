/**
 * Long text a screen at a time, on a terminal that can: by PAGER, or less. Text that fits is just printed, and so is
 * everything if there is no pager. Quitting early is no error. Takes safe text.
 */
import { spawn } from "node:child_process";
import { environmentForPrograms } from "../program-environment.js";
import type { Io } from "../../io.js";
import type { Output } from "../../output.js";
import { visibleWidth } from "../text/width.js";

export interface PagerPlace {
  readonly output: Pick<Output, "width" | "height" | "line">;
  readonly io: Pick<Io, "env" | "control">;
}

/** What the shell exits with if there is no such program. */
const NOT_FOUND = 127;

function rowsOf(text: string, width: number): number {
  return text.split("\n").reduce((rows, line) => rows + Math.max(1, Math.ceil(visibleWidth(line) / width)), 0);
}

/** Undefined if the text is to be printed as it is. */
function pagerFor(text: string, { output, io: { env } }: PagerPlace): string | undefined {
  const { width, height } = output;
  const pager = env["PAGER"] ?? "less";
  if (width === undefined || height === undefined || env["TERM"] === "dumb" || ["", "cat"].includes(pager.trim()))
    return undefined;
  return rowsOf(text, width) < height ? undefined : pager;
}

/** The pager's exit status; Ctrl-C belongs to the pager while it runs. */
async function page(pager: string, text: string, { env, control }: PagerPlace["io"]): Promise<number> {
  const ignore = (): void => undefined;
  control.on("SIGINT", ignore);
  try {
    return await new Promise((resolve) => {
      // R: colours as they are; X and F as git sets them.
      const child = spawn(pager, {
        shell: true,
        stdio: ["pipe", "inherit", "inherit"],
        env: { LESS: "FRX", ...environmentForPrograms(env) },
      });
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
    control.off("SIGINT", ignore);
  }
}

/** Ends the text with a newline. */
export async function printPaged(text: string, place: PagerPlace): Promise<void> {
  const pager = pagerFor(text, place);
  if (pager !== undefined && (await page(pager, `${text}\n`, place.io)) !== NOT_FOUND) return;
  place.output.line(text);
}
