/** `backups`: the restore points of a conversation, newest first, each with what changed since the one before. */
import { compareMessages, countChanges, type ChangeCounts } from "../../model/compare.js";
import { textOf, titleFrom } from "../../model/conversation.js";
import { isJsonObject } from "../../model/json.js";
import type { Backup } from "../../persistence/backups.js";
import { fromTimestamp } from "../../persistence/layout.js";
import { resolveId } from "../resolve-id.js";
import type { CommandContext } from "../context.js";
import { formatAge, formatBytes, formatCount } from "../terminal/format.js";
import { renderTable } from "../terminal/table.js";
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

function render(backups: readonly Backup[], context: CommandContext): string {
  const { style, width } = context.output;
  return renderTable({
    style,
    width,
    columns: [
      { title: "", align: "right" },
      { title: "TIMESTAMP", dispensable: 1 },
      { title: "AGE", minimum: 6 },
      { title: "REVISION", align: "right", dispensable: 3 },
      { title: "MSGS", align: "right", dispensable: 3 },
      { title: "REASON", dispensable: 2 },
      { title: "CHANGED", minimum: 12, shrink: true, paint: (shown, cell) => (cell.startsWith("damaged") ? style.red(shown) : shown) },
      { title: "SIZE", align: "right", dispensable: 4 },
    ],
    rows: backups.map((backup, index) => [
      `~${index}`,
      backup.timestamp,
      formatAge(fromTimestamp(backup.timestamp), context.now()),
      formatCount(backup.revision),
      formatCount(backup.messageCount),
      [backup.reason ?? "?", backup.tag ?? "", backup.pinned ? "(pinned)" : ""].filter((part) => part !== "").join(" "),
      backup.valid ? describeChanges(changesOf(backups, index), saidIn(backups, index)) : `damaged: ${backup.problem ?? ""}`,
      formatBytes(backup.sizeBytes),
    ]),
  });
}

export const registerBackups: Register = (program, run) => {
  program
    .command("backups <id>")
    .summary("list the restore points of a conversation")
    .description("List the restore points of a conversation, newest first, with what changed in each.")
    .addHelpText("after", "\nExamples:\n  draftstate backups @last\n  draftstate restore @last --backup ~2")
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
