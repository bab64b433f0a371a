/** `backups`: lists the backups of a conversation, newest first, each with what changed since the one before. */
import type { ChangeCounts } from "../../model/compare.js";
import { backupChanges, type ChangedBackup } from "../../operations/backup-changes.js";
import { fromTimestamp } from "../../store/names.js";
import { resolveTarget } from "../arguments/resolve-target.js";
import type { CommandContext } from "../context.js";
import { renderFittingTable, type FittingColumn } from "../terminal/tables/fitting-table.js";
import { formatAge, formatBytes, formatCount } from "../terminal/text/format.js";
import { changedMessages } from "../terminal/text/changed-messages.js";
import type { Register } from "./registration.js";

function toJson({ backup, changes }: ChangedBackup): object {
  const { conversationId, timestamp, path, sizeBytes, revision, messageCount, valid, pinned, tag, problem } = backup;
  return {
    conversationId,
    timestamp,
    path,
    sizeBytes,
    revision,
    messageCount,
    reason: backup.reason ?? null,
    valid,
    pinned,
    tag: tag ?? null,
    problem: problem ?? null,
    changes,
  };
}

function describeChanges(changes: ChangeCounts, said: string, older: number): string {
  const messages = changedMessages(changes, said);
  if (messages !== "") return messages;
  if (changes.fields > 0) return "fields";
  return older < 0 ? "empty" : `same as @${older}`;
}

/** Against the next older one that can be read. */
function changedIn({ backup, changes, said }: ChangedBackup, index: number, rows: readonly ChangedBackup[]): string {
  if (!backup.valid) return `damaged: ${backup.problem ?? ""}`;
  const older = rows.findIndex((row, at) => at > index && row.backup.valid);
  return changes === null ? "" : describeChanges(changes, said, older);
}

function columnsFor(rows: readonly ChangedBackup[], context: CommandContext): FittingColumn<ChangedBackup>[] {
  const { style } = context.output;
  return [
    { title: "", align: "right", dispensable: 0, cell: (_row, index) => `@${index}` },
    { title: "TIMESTAMP", dispensable: 2, cell: ({ backup: { timestamp } }) => timestamp },
    {
      title: "AGE",
      dispensable: 0,
      cell: ({ backup: { timestamp } }) => formatAge(fromTimestamp(timestamp), context.now()),
    },
    { title: "REVISION", align: "right", dispensable: 5, cell: ({ backup: { revision } }) => formatCount(revision) },
    {
      title: "MSGS",
      align: "right",
      dispensable: 3,
      cell: ({ backup: { messageCount } }) => formatCount(messageCount),
    },
    {
      title: "REASON",
      dispensable: 1,
      cell: ({ backup: { reason, tag, pinned } }) =>
        [reason ?? "?", tag ?? "", pinned ? "(pinned)" : ""].filter((part) => part !== "").join(" "),
    },
    {
      title: "CHANGED",
      minimum: 12,
      shrink: true,
      dispensable: 0,
      paint: (shown, cell) => (cell.startsWith("damaged") ? style.red(shown) : shown),
      cell: (row, index) => changedIn(row, index, rows),
    },
    { title: "SIZE", align: "right", dispensable: 4, cell: ({ backup: { sizeBytes } }) => formatBytes(sizeBytes) },
  ];
}

function render(rows: readonly ChangedBackup[], context: CommandContext): string {
  const { style, width } = context.output;
  return renderFittingTable({ style, width, columns: columnsFor(rows, context), rows });
}

export const registerBackups: Register = (program, run) => {
  program
    .command("backups <id>")
    .summary("list the backups of a conversation, or the checkpoints of a thread")
    .description(
      "List the backups of a conversation, or the checkpoints of a LangGraph thread, newest first, with what changed in each.",
    )
    .addHelpText("after", "\nExamples:\n  draftstate backups @last\n  draftstate restore @last --backup @2")
    .action((wanted: string) =>
      run(async (context) => {
        const manager = await context.reader();
        const { kind, id } = await resolveTarget(manager, wanted);
        if (kind === "thread") {
          const { printCheckpoints } = await import("../graph-threads/thread-backups.js");
          return printCheckpoints(manager, id, context);
        }
        const rows = await backupChanges(manager.storage, await manager.listBackups(id));
        if (context.json) context.output.json(rows.map(toJson));
        else if (rows.length > 0) context.output.line(render(rows, context));
        else context.output.message(`${id} has no backups: one is made at the end of each turn`);
      }),
    );
};
