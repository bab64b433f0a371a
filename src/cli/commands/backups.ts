/** `backups`: the restore points of a conversation, newest first, each with what changed since the one before. */
import { compareMessages, countChanges, type ChangeCounts } from "../../model/compare.js";
import { textOf, titleFrom } from "../../model/conversation.js";
import { isJsonObject } from "../../model/json.js";
import type { Backup } from "../../store/backups.js";
import { fromTimestamp } from "../../store/names.js";
import { resolveId } from "../resolve-id.js";
import type { CommandContext } from "../context.js";
import { renderFittingTable, type FittingColumn } from "../terminal/fitting-table.js";
import { formatAge, formatBytes, formatCount } from "../terminal/format.js";
import type { Register } from "./registration.js";

function toJson(backup: Backup, changes: ChangeCounts | null): object {
  const { conversationId, timestamp, path, sizeBytes, revision, messageCount, valid, pinned, tag, problem } = backup;
  return { conversationId, timestamp, path, sizeBytes, revision, messageCount, reason: backup.reason ?? null, valid, pinned, tag: tag ?? null, problem: problem ?? null, changes };
}

/** What a backup adds to the next older valid one; null where one of them cannot be read. */
function changesOf(backups: readonly Backup[], index: number): ChangeCounts | null {
  const [backup, older] = [backups[index], backups.slice(index + 1).find((candidate) => candidate.valid)];
  if (backup?.decoded.kind !== "valid") return null;
  return countChanges(older?.decoded.kind === "valid" ? older.decoded.state : {}, backup.decoded.state);
}

/** What a person said last in the messages that are new: by that one knows a turn. */
function saidIn(backups: readonly Backup[], index: number): string {
  const [backup, older] = [backups[index], backups.slice(index + 1).find((candidate) => candidate.valid)];
  if (backup?.decoded.kind !== "valid") return "";
  const changes = compareMessages(older?.decoded.kind === "valid" ? older.decoded.state : {}, backup.decoded.state);
  const said = changes.findLast((change) => change.kind === "added" && isJsonObject(change.message) && change.message["role"] === "user");
  return said !== undefined && isJsonObject(said.message) ? titleFrom(textOf(said.message["content"])) : "";
}

function describeChanges(changes: ChangeCounts | null, said: string): string {
  if (changes === null) return "";
  const parts = [
    changes.added > 0 ? `+${changes.added}` : "",
    changes.removed > 0 ? `-${changes.removed}` : "",
    changes.edited > 0 ? `~${changes.edited}` : "",
    changes.moved > 0 ? `↕${changes.moved}` : "",
  ].filter((part) => part !== "");
  return parts.length === 0 ? (changes.fields > 0 ? "fields" : "none") : `${parts.join(" ")} messages${said === "" ? "" : `: ${said}`}`;
}

function columnsFor(backups: readonly Backup[], context: CommandContext): FittingColumn<Backup>[] {
  const { style } = context.output;
  return [
    { title: "", align: "right", dispensable: 0, cell: (_backup, index) => `@${index}` },
    { title: "TIMESTAMP", dispensable: 2, cell: ({ timestamp }) => timestamp },
    { title: "AGE", dispensable: 0, cell: ({ timestamp }) => formatAge(fromTimestamp(timestamp), context.now()) },
    { title: "REVISION", align: "right", dispensable: 5, cell: ({ revision }) => formatCount(revision) },
    { title: "MSGS", align: "right", dispensable: 3, cell: ({ messageCount }) => formatCount(messageCount) },
    { title: "REASON", dispensable: 1, cell: ({ reason, tag, pinned }) => [reason ?? "?", tag ?? "", pinned ? "(pinned)" : ""].filter((part) => part !== "").join(" ") },
    {
      title: "CHANGED", minimum: 12, shrink: true, dispensable: 0,
      paint: (shown, cell) => (cell.startsWith("damaged") ? style.red(shown) : shown),
      cell: (backup, index) => (backup.valid ? describeChanges(changesOf(backups, index), saidIn(backups, index)) : `damaged: ${backup.problem ?? ""}`),
    },
    { title: "SIZE", align: "right", dispensable: 4, cell: ({ sizeBytes }) => formatBytes(sizeBytes) },
  ];
}

function render(backups: readonly Backup[], context: CommandContext): string {
  const { style, width } = context.output;
  return renderFittingTable({ style, width, columns: columnsFor(backups, context), rows: backups });
}

export const registerBackups: Register = (program, run) => {
  program
    .command("backups <id>")
    .summary("list the restore points of a conversation")
    .description("List the restore points of a conversation, newest first, with what changed in each.")
    .addHelpText("after", "\nExamples:\n  draftstate backups @last\n  draftstate restore @last --backup @2")
    .action((wanted: string) =>
      run(async (context) => {
        const manager = await context.reader();
        const id = await resolveId(manager, wanted);
        const backups = await manager.listBackups(id);
        if (context.json) context.output.json(backups.map((backup, index) => toJson(backup, changesOf(backups, index))));
        else if (backups.length > 0) context.output.line(render(backups, context));
        else context.output.message(`${id} has no backups yet: one is made at the end of each turn`);
      }),
    );
};
