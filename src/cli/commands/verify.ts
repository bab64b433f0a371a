/** `verify`: checks every file and reports what is wrong; changes nothing. */
import type { Verification } from "../../operations/verify/verification.js";
import { resolveId } from "../arguments/resolve-id.js";
import { startProgress } from "../terminal/screen/progress.js";
import { pluralize } from "../terminal/text/format.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import type { Register } from "./registration.js";

const DAMAGED = 4;
const STORAGE = 7;

/** Files that could not be read may or may not be damaged. */
function exitStatus({ ok, problems }: Verification): number {
  if (ok) return 0;
  return problems.every(({ kind }) => kind === "unreadable") ? STORAGE : DAMAGED;
}

export const registerVerify: Register = (program, run) => {
  program
    .command("verify [id]")
    .summary("check every file")
    .description(
      "Check the files of one conversation or of all, and report what is wrong with them. Changes nothing. Exits with 4 if a file is damaged.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate verify\n  draftstate verify @last\n  draftstate verify --json | jq -r '.problems[].path'",
    )
    .action((wanted: string | undefined) =>
      run(async (context) => {
        const manager = await context.reader();
        const id = wanted === undefined ? undefined : await resolveId(manager, wanted);
        const progress = startProgress(context.output, "checking", () => context.now().getTime());
        const result = await manager.verify(id, progress.update).finally(progress.end);
        const { output } = context;
        if (context.json) output.json(result);
        else {
          for (const problem of result.problems) {
            output.line(
              `${output.style.red(problem.kind)}  ${toSafeLine(`${problem.path}: ${problem.detail}`)}${problem.repairable ? "" : output.style.dim(" (not repairable)")}`,
            );
          }
          output.message(
            result.ok
              ? `${pluralize(result.checked, "file")} checked, all valid`
              : `${pluralize(result.checked, "file")} checked, ${pluralize(result.problems.length, "problem")}`,
          );
        }
        return exitStatus(result);
      }),
    );
};
