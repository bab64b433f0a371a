/** `trust`: lets a settings file that is found in a directory say what could send or speak for the user, until it changes. */
import type { CommandContext } from "../context.js";
import { mustFindSettings } from "../settings/named-file.js";
import type { SettingsFile } from "../settings/settings-file.js";
import { grantedValue } from "../settings/shown-value.js";
import { trust } from "../settings/trust-record.js";
import { RULES, type Rule } from "../settings/trust.js";
import { userDirectory } from "../settings/user-directory.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import type { Register } from "./registration.js";

interface Guarded {
  readonly name: string;
  readonly value: unknown;
}

function guardedIn({ values }: SettingsFile): Guarded[] {
  const rules: Readonly<Record<string, Rule>> = RULES;
  return Object.entries(values)
    .filter(([name]) => rules[name] !== "always")
    .map(([name, value]) => ({ name, value: grantedValue(name, value) }));
}

export const registerTrust: Register = (program, run) => {
  program
    .command("trust [path]")
    .summary("let a settings file choose servers, directories and prompts")
    .description(
      "Let a settings file choose servers, models, directories, a webhook and the system prompt. Without this, a file that is found in a directory is not obeyed in what could send something or speak for you. It holds until the file changes or moves. The path is a file or its directory; without one, it is the nearest settings file.",
    )
    .addHelpText("after", "\nExamples:\n  draftstate trust\n  draftstate trust ~/work/draftstate.config.json")
    .action((path: string | undefined) =>
      run(async (context) => {
        const file = await mustFindSettings(context, path);
        const { env, io } = context;
        const record = await trust(userDirectory(env, io.home), file);
        const settings = guardedIn(file);
        if (context.json) context.output.json({ file: file.path, trusted: true, record, settings });
        else say(context, file, settings);
      }),
    );
};

/** A list, as of servers, has a line for each: nothing is escaped that is to be read. */
function linesOf({ name, value }: Guarded): string[] {
  if (Array.isArray(value)) return value.map((each) => `${name}: ${String(each)}`);
  return [`${name}: ${JSON.stringify(value)}`];
}

function say({ output }: CommandContext, { path }: SettingsFile, settings: readonly Guarded[]): void {
  output.message(toSafeLine(`trusted until it changes: ${path}`));
  for (const line of settings.flatMap(linesOf)) output.message(toSafeLine(`  ${line}`));
  if (settings.length === 0) output.message("it says nothing that needs trust");
  output.message(toSafeLine(`take it back with: draftstate untrust ${path}`));
}
