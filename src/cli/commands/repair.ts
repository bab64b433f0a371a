/** `repair`: repairs what can be repaired; damaged files are kept in quarantine. */
import { resolveTarget } from "../arguments/resolve-target.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import type { Register } from "./registration.js";

/** Before the labels of a LangGraph store's namespace, joined by dots. */
const NAMESPACE = "namespace:";

export const registerRepair: Register = (program, run) => {
  program
    .command("repair <id>")
    .summary("repair damaged files")
    .description(
      "Repair the files of a conversation from what is valid: snapshot, journal, backups; or those of a LangGraph thread, or of a namespace of its store (namespace:<labels>), with what can be read. Damaged files are kept in quarantine.",
    )
    .option("--accept", "accept a snapshot that was edited by hand, as a new revision")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate verify\n  draftstate repair draft_chat_17\n  draftstate repair draft_chat_17 --accept",
    )
    .action((wanted: string, options: { readonly accept?: boolean }) =>
      run(async (context) => {
        const manager = await context.reader();
        if (wanted.startsWith(NAMESPACE)) {
          const { repairNamespaceOf } = await import("../graph-threads/repair-namespace.js");
          await repairNamespaceOf(manager, wanted.slice(NAMESPACE.length), options.accept === true, context);
          return 0;
        }
        const { kind, id } = await resolveTarget(manager, wanted);
        if (kind === "thread") {
          const { repairThreadOf } = await import("../graph-threads/repair-thread.js");
          await repairThreadOf(manager, id, options.accept === true, context);
          return 0;
        }
        const { output } = context;
        const repaired = await manager.repair(id, { accept: options.accept === true });
        const result = { ...repaired, problems: output.detailed(repaired.problems) };
        if (context.json) output.json(result);
        else {
          for (const problem of result.problems)
            output.line(`${output.style.yellow(problem.kind)}  ${toSafeLine(problem.detail)}`);
          for (const path of result.quarantined) output.message(toSafeLine(`kept the file as found: ${path}`));
          output.message(
            result.repaired ? `repaired ${id}, now at revision ${result.revision}` : `${id} needs no repair`,
          );
          if (result.repaired) output.message(`undo it with: draftstate undo ${id}`);
        }
        return 0;
      }),
    );
};
