/** `init`: a settings file for this directory, and what keeps chats out of git. What is there is never changed, only added to. */
import { join, relative } from "node:path";
import { isDraftstateError } from "../../errors.js";
import { uniqueName } from "../../storage/index.js";
import { readUserFile, writeUserFile } from "../../storage/user-file.js";
import type { CommandContext } from "../context.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import type { Register } from "./registration.js";

const SETTINGS_FILE = "draftstate.config.json";
const IGNORE_FILE = ".gitignore";
const MAX_BYTES = 1024 * 1024;

interface Written {
  readonly file: string;
  readonly written: boolean;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return Buffer.from(await readUserFile(path, MAX_BYTES)).toString("utf8");
  } catch (error) {
    if (isDraftstateError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

async function writeSettings(context: CommandContext): Promise<Written> {
  const file = context.pathOf(SETTINGS_FILE);
  if ((await textOf(file)) !== undefined) return { file, written: false };
  const { stateDir, backupDir, maxBackups } = context.resolved.values;
  const bytes = Buffer.from(`${JSON.stringify({ stateDir, backupDir, maxBackups }, null, 2)}\n`);
  await writeUserFile({ path: file, bytes, overwrite: false, unique: uniqueName() });
  return { file, written: true };
}

/** Directories outside this one are not for its `.gitignore`. */
function ignoredLines(context: CommandContext): string[] {
  const here = context.pathOf(".");
  const { stateDir, backupDir } = context.resolved.values;
  return [stateDir, backupDir]
    .map((directory) => relative(here, context.pathOf(directory)))
    .filter((path) => path !== "" && !path.startsWith("..") && !path.startsWith("/"))
    .map((path) => `/${path.replaceAll("\\", "/")}/`);
}

async function writeIgnored(context: CommandContext): Promise<Written & { readonly added: readonly string[] }> {
  const file = join(context.pathOf("."), IGNORE_FILE);
  const before = (await textOf(file)) ?? "";
  const present = new Set(before.split(/\r?\n/).map((line) => line.trim().replaceAll(/^\/|\/$/g, "")));
  const added = ignoredLines(context).filter((line) => !present.has(line.slice(1, -1)));
  if (added.length === 0) return { file, written: false, added };
  const start = before === "" || before.endsWith("\n") ? before : `${before}\n`;
  const bytes = Buffer.from(`${start}${added.join("\n")}\n`);
  await writeUserFile({ path: file, bytes, overwrite: true, unique: uniqueName() });
  return { file, written: true, added };
}

export const registerInit: Register = (program, run) => {
  program
    .command("init")
    .summary("write a settings file and a .gitignore")
    .description(
      "Write draftstate.config.json into this directory, with where conversations and backups go, and add both directories to .gitignore, so that chats stay out of git. Files that are there are kept: only missing lines are added.",
    )
    .addHelpText("after", "\nExamples:\n  draftstate init\n  draftstate --state-dir chats init")
    .action(() =>
      run(async (context) => {
        await context.assertOwn();
        const settings = await writeSettings(context);
        const ignored = await writeIgnored(context);
        const { output } = context;
        if (context.json) {
          output.json({ settings, ignored });
          return;
        }
        output.message(
          settings.written
            ? toSafeLine(`wrote ${settings.file}`)
            : toSafeLine(`${settings.file} is there, and stays as it is`),
        );
        output.message(
          toSafeLine(
            ignored.written
              ? `${ignored.file} now leaves out ${ignored.added.join(" and ")}`
              : `${ignored.file} needs no more lines`,
          ),
        );
      }),
    );
};
