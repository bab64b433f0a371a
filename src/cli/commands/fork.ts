/** `fork`: copies a conversation, or one of its backups, under a new id. */
import { DraftstateError } from "../../errors.js";
import { resolveId, splitPoint } from "../arguments/resolve-id.js";
import type { Register } from "./registration.js";

interface ForkCommandOptions {
  readonly id?: string;
  readonly backup?: string;
}

export const registerFork: Register = (program, run) => {
  program
    .command("fork <id[@backup]> [newId]")
    .summary("copy a conversation under a new id")
    .description("Copy a conversation, or one of its backups, under a new id. The original does not change.")
    .option("--id <newId>", "id of the copy")
    .option("--backup <ts>", "copy a backup: its timestamp, a prefix of it, a tag, latest, or @2 for the third newest")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate fork @last\n  draftstate fork draft_chat_17 idea-2\n  draftstate fork draft_chat_17@~2 --id idea-3",
    )
    .action((spec: string, positional: string | undefined, options: ForkCommandOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const { wanted, point } = splitPoint(spec);
        if (point !== undefined && options.backup !== undefined)
          throw new DraftstateError("USAGE", `${spec} and --backup both name a backup: give one of them`);
        if (positional !== undefined && options.id !== undefined)
          throw new DraftstateError("USAGE", `${positional} and --id both name the copy: give one of them`);
        const [id, backup, newId] = [
          await resolveId(manager, wanted),
          point ?? options.backup,
          positional ?? options.id,
        ];
        const result = await manager.fork(id, {
          ...(newId === undefined ? {} : { newId }),
          ...(backup === undefined ? {} : { backup }),
        });
        if (context.json) context.output.json(result);
        else {
          context.output.line(result.conversationId);
          context.output.message(`resume it with: draftstate chat --resume ${result.conversationId}`);
        }
      }),
    );
};
