/** `copy`: copies conversations and threads, with their backups and trash, and namespaces, from one store to another. */
import type { CopiedKind } from "../../operations/copy/plan.js";
import type { CopyResult } from "../../operations/copy/copy.js";
import { resolveTarget } from "../arguments/resolve-target.js";
import { exitStatusOf } from "../exit-status.js";
import type { Output } from "../output.js";
import { startProgress } from "../terminal/screen/progress.js";
import { formatBytes, pluralize } from "../terminal/text/format.js";
import type { Register } from "./registration.js";

interface CopyCommandOptions {
  readonly from: string;
  readonly to: string;
}

export const registerCopy: Register = (program, run) => {
  program
    .command("copy [id...]")
    .summary("copy conversations and threads to another store")
    .description(
      "Copy conversations and LangGraph threads with their backups and trash to another store; where no id is given, everything, with the namespaces of a LangGraph store. Every file is read back and compared. The source does not change; what exists at the target and is not the same is left alone and reported. A copy that was cut off continues where it ended.",
    )
    .requiredOption("--from <store>", "a directory that holds state/ and backup/, or postgresql://user@host/database")
    .requiredOption("--to <store>", "the same")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate copy --from . --to postgresql://agent@db/agents\n  draftstate copy --from postgresql://agent@db/agents --to ./archive draft_chat_17",
    )
    .action((wanted: readonly string[], { from, to }: CopyCommandOptions) =>
      run(async (context) => {
        const [source, target] = [await context.managerOf(from, "--from"), await context.managerOf(to, "--to")];
        const targets = await Promise.all(wanted.map((id) => resolveTarget(source, id)));
        const named = (kind: CopiedKind): string[] => targets.flatMap((each) => (each.kind === kind ? [each.id] : []));
        const progress = startProgress(context.output, "copying", () => context.now().getTime());
        const result = await source
          .copyTo(target, {
            ...(targets.length === 0 ? {} : { ids: named("conversation"), threads: named("thread") }),
            onProgress: progress.update,
          })
          .finally(progress.end);
        const { output } = context;
        for (const { error } of result.failed) output.warning(error.message);
        if (context.json) output.json(shown(result, source.storage.identity, target.storage.identity, output));
        else output.message(summary(result));
        const [first] = result.failed;
        return first === undefined ? 0 : exitStatusOf(first.error);
      }),
    );
};

function shown({ copied, failed }: CopyResult, from: string, to: string, output: Output): unknown {
  return {
    from,
    to,
    copied,
    failed: failed.map(({ kind, conversationId, error: { code, message } }) => ({
      kind,
      conversationId,
      code,
      message: output.worded(message),
    })),
  };
}

const KINDS: readonly CopiedKind[] = ["conversation", "thread", "namespace"];

/** Conversations always; the others where there are any. */
function countsOf(copied: CopyResult["copied"]): string {
  const counts = KINDS.flatMap((kind) => {
    const count = copied.filter((each) => each.kind === kind).length;
    return count === 0 && kind !== "conversation" ? [] : [pluralize(count, kind)];
  });
  return counts.join(", ");
}

function summary({ copied, failed }: CopyResult): string {
  const written = copied.filter(({ outcome }) => outcome === "copied");
  const identical = copied.length - written.length;
  const size = formatBytes(written.reduce((sum, { bytes }) => sum + bytes, 0));
  return [
    `${countsOf(written)} copied (${size})`,
    ...(identical === 0 ? [] : [`${identical} identical already`]),
    ...(failed.length === 0 ? [] : [`${failed.length} not copied`]),
  ].join(", ");
}
