/** `backup`: makes a backup on demand. */
import type { Backup } from "../../store/backups.js";
import { backupName, backupKey } from "../../store/names.js";
import { resolveId } from "../arguments/resolve-id.js";
import type { Register } from "./registration.js";

interface BackupOptions {
  readonly tag?: string;
  readonly pin?: boolean;
}

/** The tag, if it names this backup and no other. */
function nameFor(timestamp: string, tag: string | undefined, backups: readonly Backup[]): string {
  return tag !== undefined && backups.filter((backup) => backup.tag === tag).length === 1 ? tag : timestamp;
}

export const registerBackup: Register = (program, run) => {
  program
    .command("backup <id>")
    .summary("make a backup now")
    .description("Make a backup now. Retention never removes a backup with a tag, or a pinned one.")
    .option("--tag <name>", "a name for restore --backup")
    .option("--pin", "never remove it by retention")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate backup @last\n  draftstate backup @last --tag before-the-dragon\n  draftstate restore @last --backup before-the-dragon",
    )
    .action((wanted: string, options: BackupOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const id = await resolveId(manager, wanted);
        const { tag, pin } = options;
        const timestamp = await manager.backup(id, {
          reason: "manual",
          ...(tag === undefined ? {} : { tag }),
          ...(pin === true ? { pinned: true } : {}),
        });
        const backups = await manager.listBackups(id);
        const found = backups.find((backup) => backup.timestamp === timestamp);
        const path = found?.path ?? manager.storage.describe(backupKey(backupName(id, timestamp, "none")));
        if (context.json)
          context.output.json({
            conversationId: id,
            timestamp,
            path,
            revision: found?.revision ?? null,
            reason: found?.reason ?? null,
            tag: found?.tag ?? null,
            pinned: found?.pinned === true,
          });
        else {
          context.output.line(timestamp);
          context.output.message(
            `restore it with: draftstate restore ${id} --backup ${nameFor(timestamp, tag, backups)}`,
          );
        }
      }),
    );
};
