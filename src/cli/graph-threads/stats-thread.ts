/** `stats` of a LangGraph thread. */
import type { DraftStatePersistenceManager } from "../../manager.js";
import { threadStats } from "../../operations/graph-threads/thread-stats.js";
import { shownId } from "../arguments/resolve-target.js";
import type { CommandContext } from "../context.js";
import { renderProperties } from "../terminal/tables/properties.js";
import { formatAge, formatBytes, formatCount } from "../terminal/text/format.js";
import { toSafeLine } from "../terminal/text/safe-text.js";

export async function printThreadStats(
  manager: DraftStatePersistenceManager,
  threadId: string,
  context: CommandContext,
): Promise<void> {
  const stats = await threadStats(manager.threads, threadId);
  const { output } = context;
  if (context.json) {
    output.json(stats);
    return;
  }
  const age = (time: string): string => formatAge(new Date(time), context.now());
  output.line(
    await renderProperties(
      [
        { name: "thread", value: toSafeLine(shownId(threadId)) },
        { name: "status", value: stats.status },
        { name: "checkpoints", value: `${formatCount(stats.checkpoints)}, subgraphs included` },
        { name: "messages", value: formatCount(stats.messageCount) },
        { name: "values", value: `${formatCount(stats.values)}, ${formatBytes(stats.valueBytes)}` },
        { name: "partial answers", value: formatCount(stats.partials) },
        { name: "files", value: `${formatCount(stats.files)}, ${formatBytes(stats.sizeBytes)}` },
        { name: "created", value: age(stats.createdAt) },
        { name: "updated", value: age(stats.updatedAt) },
      ],
      output.style,
    ),
  );
}
