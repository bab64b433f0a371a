/** `diff`: shows what changed between two backups; by message for people, as RFC 6902 with `--json`. */
import { toJsonPatch } from "../../model/json-patch.js";
import { resolveTarget } from "../arguments/resolve-target.js";
import { renderStat, renderStateDiff } from "../terminal/diff/state-diff.js";
import type { Register } from "./registration.js";

interface DiffOptions {
  readonly stat?: boolean;
  readonly exitCode?: boolean;
  readonly pager: boolean;
}

export const registerDiff: Register = (program, run) => {
  program
    .command("diff <id> [from] [to]")
    .summary("show what changed between two backups, or checkpoints of a thread")
    .description(
      "Show what changed between two backups, or a backup and now. Default: from the newest backup that differs, to now. Of a LangGraph thread: between two checkpoints, by default in the newest.",
    )
    .option("--stat", "show counts only")
    .option("--exit-code", "exit with 1 if there are differences, as diff and git do")
    .option("--no-pager", "do not use a pager")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate diff @last\n  draftstate diff @last @2 now\n  draftstate diff @last @1 --json   # JSON Patch, RFC 6902",
    )
    .action((wanted: string, from: string | undefined, to: string | undefined, options: DiffOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const { kind, id } = await resolveTarget(manager, wanted);
        const { before, after } =
          kind === "thread"
            ? await (await import("../graph-threads/diff-thread.js")).compareCheckpoints(manager, id, from, to)
            : await manager.compare(id, from, to);
        const patch = toJsonPatch(before.state, after.state);
        const { output } = context;
        if (context.json) output.json(patch);
        else if (patch.length === 0)
          output.message(
            from === undefined && kind === "conversation"
              ? `no backup of ${id} differs from ${after.label}`
              : `no difference between ${before.label} and ${after.label}`,
          );
        else {
          output.message(output.errorStyle.dim(`${id}: ${before.label} → ${after.label}`));
          const text =
            options.stat === true
              ? renderStat(before.state, after.state)
              : renderStateDiff(before.state, after.state, { style: output.style, columns: output.width });
          if (text === "") output.message("no message changed: only what is kept while an answer streams");
          else await context.page(text, { paged: options.pager });
        }
        return options.exitCode === true && patch.length > 0 ? 1 : 0;
      }),
    );
};
