/** `completion`: the script that lets a shell complete commands, options, ids and timestamps. */
import { choiceArgument } from "../../arguments/choice.js";
import { INSTALLATION, SCRIPTS, SHELLS, type Shell } from "./scripts.js";
import type { Register } from "../registration.js";

export const registerCompletion: Register = (program, run) => {
  program
    .command("completion")
    .summary("print the completion script for a shell")
    .description(
      "Print the completion script for a shell. It completes commands, options, conversations and backup timestamps.",
    )
    .addArgument(choiceArgument("<shell>", "the shell", SHELLS))
    .addHelpText("after", `\nExamples:\n${SHELLS.map((shell) => `  ${INSTALLATION[shell]}`).join("\n")}`)
    .action((shell: Shell) =>
      run(async ({ json, output }) => {
        if (json) output.json({ shell, script: SCRIPTS[shell] });
        else output.data(SCRIPTS[shell]);
        if (output.isTerminal) output.message(output.errorStyle.dim(`to use it, ${INSTALLATION[shell]}`));
      }),
    );
};
