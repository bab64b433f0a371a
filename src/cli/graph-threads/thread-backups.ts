/** `backups` of a LangGraph thread: its checkpoints, newest first, each with its step, its source, the nodes that ran and what they changed. */
import type { DraftStatePersistenceManager } from "../../manager.js";
import { listCheckpoints, type ListedCheckpoint } from "../../operations/graph-threads/list-checkpoints.js";
import { mustExist } from "../../operations/graph-threads/thread-document.js";
import type { CommandContext } from "../context.js";
import { renderFittingTable, type FittingColumn } from "../terminal/tables/fitting-table.js";
import { changedMessages } from "../terminal/text/changed-messages.js";
import { formatAge } from "../terminal/text/format.js";
import { toSafeLine } from "../terminal/text/safe-text.js";

export async function printCheckpoints(
  manager: DraftStatePersistenceManager,
  threadId: string,
  context: CommandContext,
): Promise<void> {
  const { output } = context;
  const rows = await manager.threads.get(threadId).read(async (view) => {
    if (view.index.isEmpty) throw mustExist({ threadId });
    return listCheckpoints(view);
  });
  if (context.json)
    output.json(rows.map(({ said: _, ...row }) => ({ kind: "thread", conversationId: threadId, ...row })));
  else if (rows.length > 0)
    output.line(renderFittingTable({ style: output.style, width: output.width, columns: columnsFor(context), rows }));
  else output.message(`${threadId} has no checkpoints yet: only tokens of an answer`);
}

function columnsFor(context: CommandContext): FittingColumn<ListedCheckpoint>[] {
  return [
    { title: "", align: "right", dispensable: 0, cell: (_row, index) => `@${index}` },
    { title: "CHECKPOINT", dispensable: 2, cell: ({ id }) => toSafeLine(id) },
    { title: "AGE", dispensable: 1, cell: ({ createdAt }) => formatAge(new Date(createdAt), context.now()) },
    { title: "STEP", align: "right", dispensable: 3, cell: ({ step }) => (step === null ? "?" : String(step)) },
    { title: "SOURCE", dispensable: 3, cell: ({ source }) => toSafeLine(source ?? "?") },
    { title: "NODES", dispensable: 2, cell: ({ nodes }) => toSafeLine(nodes.join(", ")) },
    { title: "CHANGED", minimum: 12, shrink: true, dispensable: 0, cell: changed },
  ];
}

function changed({ channels, changes, said }: ListedCheckpoint): string {
  const messages = changedMessages(changes, said);
  return toSafeLine(
    [...channels.filter((channel) => channel !== "messages"), ...(messages === "" ? [] : [messages])].join(", "),
  );
}
