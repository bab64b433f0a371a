/** `verify`: checks every file and reports what is wrong; changes nothing. */
import type { Verification } from "../../operations/verify/verification.js";
import { resolveTarget, type Target } from "../arguments/resolve-target.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import type { OnProgress } from "../../store/events.js";
import { threadName } from "../../store/names.js";
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

async function verify(
  manager: DraftStatePersistenceManager,
  target: Target | undefined,
  onProgress: OnProgress,
): Promise<Verification> {
  if (target?.kind !== "thread") return manager.verify(target?.id, onProgress);
  const { verifyThread } = await import("../../operations/verify/verify-threads.js");
  return verifyThread(manager.storage, threadName(target.id));
}

export const registerVerify: Register = (program, run) => {
  program
    .command("verify [id]")
    .summary("check every file")
    .description(
      "Check the files of one conversation or LangGraph thread, or of all, and report what is wrong with them. Changes nothing. Exits with 4 if a file is damaged.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate verify\n  draftstate verify @last\n  draftstate verify --json | jq -r '.problems[].path'",
    )
    .action((wanted: string | undefined) =>
      run(async (context) => {
        const manager = await context.reader();
        const target = wanted === undefined ? undefined : await resolveTarget(manager, wanted);
        const progress = startProgress(context.output, "checking", () => context.now().getTime());
        const found = await verify(manager, target, progress.update).finally(progress.end);
        const { output } = context;
        const result = { ...found, problems: output.detailed(found.problems) };
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
