/** `copy`: copies conversations, with their backups and trash, from one store to another. */
import type { CopyResult } from "../../operations/copy/copy.js";
import { resolveId } from "../arguments/resolve-id.js";
import { exitStatusOf } from "../exit-status.js";
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
    .summary("copy conversations to another store")
    .description(
      "Copy conversations with their backups and trash to another store; all where no id is given. Every file is read back and compared. The source does not change; what exists at the target and is not the same is left alone and reported. A copy that was cut off continues where it ended.",
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
        const ids = await Promise.all(wanted.map((id) => resolveId(source, id)));
        const progress = startProgress(context.output, "copying", () => context.now().getTime());
        const result = await source
          .copyTo(target, { ...(ids.length === 0 ? {} : { ids }), onProgress: progress.update })
          .finally(progress.end);
        const { output } = context;
        for (const { error } of result.failed) output.warning(error.message);
        if (context.json) output.json(shown(result, source.storage.identity, target.storage.identity));
        else output.message(summary(result));
        const [first] = result.failed;
        return first === undefined ? 0 : exitStatusOf(first.error);
      }),
    );
};

function shown({ copied, failed }: CopyResult, from: string, to: string): unknown {
  return {
    from,
    to,
    copied,
    failed: failed.map(({ conversationId, error }) => ({ conversationId, code: error.code, message: error.message })),
  };
}

function summary({ copied, failed }: CopyResult): string {
  const written = copied.filter(({ outcome }) => outcome === "copied");
  const identical = copied.length - written.length;
  const size = formatBytes(written.reduce((sum, { bytes }) => sum + bytes, 0));
  return [
    `${pluralize(written.length, "conversation")} copied (${size})`,
    ...(identical === 0 ? [] : [`${identical} identical already`]),
    ...(failed.length === 0 ? [] : [`${failed.length} not copied`]),
  ].join(", ");
}
