/** `untrust`: takes back what `trust` allowed a settings file. The file may be gone. */
import { resolve } from "node:path";
import { isDraftstateError } from "../../errors.js";
import type { CommandContext } from "../context.js";
import { mustFindSettings } from "../settings/named-file.js";
import { untrust } from "../settings/trust-record.js";
import { userDirectory } from "../settings/user-directory.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import type { Register } from "./registration.js";

async function pathOf(context: CommandContext, named: string | undefined): Promise<string> {
  try {
    return (await mustFindSettings(context, named)).path;
  } catch (error) {
    // What cannot be read, or is not ours any more, can still lose its trust.
    if (!isDraftstateError(error)) throw error;
    if (named !== undefined) return resolve(context.pathOf(named));
    if (error.code !== "INVALID_CONFIG" || error.path === undefined) throw error;
    return error.path;
  }
}

export const registerUntrust: Register = (program, run) => {
  program
    .command("untrust [path]")
    .summary("take back what trust allowed")
    .description(
      "Take back what trust allowed a settings file. The path is a file or its directory; without one, it is the nearest settings file.",
    )
    .addHelpText("after", "\nExamples:\n  draftstate untrust\n  draftstate untrust ~/work/draftstate.config.json")
    .action((path: string | undefined) =>
      run(async (context) => {
        const file = await pathOf(context, path);
        const removed = (await untrust(userDirectory(context.env, context.io.home), file)) > 0;
        if (context.json) context.output.json({ file, trusted: false, removed });
        else context.output.message(toSafeLine(removed ? `not trusted any more: ${file}` : `was not trusted: ${file}`));
      }),
    );
};
