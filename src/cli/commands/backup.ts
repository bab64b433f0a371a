/** `backup`: a restore point now, on demand. */
import { backupName, backupKey } from "../../store/names.js";
import { resolveId } from "../arguments/resolve-id.js";
import type { Register } from "./registration.js";

interface BackupOptions {
  readonly tag?: string;
  readonly pin?: boolean;
}

export const registerBackup: Register = (program, run) => {
  program
    .command("backup <id>")
    .summary("make a restore point now")
    .description("Make a restore point now. One with a tag, or a pinned one, is never removed by retention.")
    .option("--tag <name>", "a name to go back to it by")
    .option("--pin", "keep it whatever retention says")
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
        const found = (await manager.listBackups(id)).find((backup) => backup.timestamp === timestamp);
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
          context.output.message(`go back to it with: draftstate restore ${id} --backup ${tag ?? timestamp}`);
        }
      }),
    );
};
