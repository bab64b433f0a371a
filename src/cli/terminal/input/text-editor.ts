/** The person's own editor (VISUAL, EDITOR, else vi) on a text, in a private file that is gone afterwards. */
import { spawn } from "node:child_process";
import { environmentForPrograms } from "../program-environment.js";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quoted } from "../../command-hints.js";
import type { InputStream, Io } from "../../io.js";

export interface EditorPlace {
  readonly io: Pick<Io, "env" | "control">;
  /** The terminal's. */
  readonly input: InputStream;
  readonly isStdoutTerminal: boolean;
}

export type Edited =
  { readonly kind: "text"; readonly text: string } | { readonly kind: "failed"; readonly reason: string };

/** What the shell exits with if there is no such program. */
const NOT_FOUND = 127;
const STDERR = 2;

export async function editText(text: string, place: EditorPlace): Promise<Edited> {
  const { VISUAL: visual = "", EDITOR: own = "" } = place.io.env;
  const editor = [visual, own].find((name) => name.trim() !== "") ?? "vi";
  const directory = mkdtempSync(join(tmpdir(), "draftstate-"));
  try {
    const file = join(directory, "message.md");
    writeFileSync(file, text, { mode: 0o600 });
    const status = await run(`${editor} ${quoted(file)}`, place);
    if (status === 0) return { kind: "text", text: readFileSync(file, "utf8").trimEnd() };
    const what = status === NOT_FOUND ? "was not found: set EDITOR" : `ended with status ${status}`;
    return { kind: "failed", reason: `${editor} ${what}` };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Ctrl-C belongs to the editor while it runs. */
async function run(command: string, { io: { env, control }, input, isStdoutTerminal }: EditorPlace): Promise<number> {
  const ignore = (): void => undefined;
  control.on("SIGINT", ignore);
  try {
    return await new Promise((resolve) => {
      const stdio = [input.fd ?? "inherit", isStdoutTerminal ? "inherit" : STDERR, "inherit"] as const;
      const child = spawn(command, { shell: true, stdio: [...stdio], env: environmentForPrograms(env) });
      child.on("error", () => {
        resolve(NOT_FOUND);
      });
      child.on("close", (status) => {
        resolve(status ?? 1);
      });
    });
  } finally {
    control.off("SIGINT", ignore);
  }
}
