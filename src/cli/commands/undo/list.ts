/** `undo --list`: what can be undone and what that would do, then what was undone and whether it can be done again. */
import type { DraftStatePersistenceManager } from "../../../manager.js";
import type { LoggedUndo } from "../../../operations/undo/redo.js";
import type { UndoneOperation, UndoPreview } from "../../../operations/undo/undone.js";
import type { Target } from "../../arguments/resolve-target.js";
import type { CommandContext } from "../../context.js";
import { renderFittingTable } from "../../terminal/tables/fitting-table.js";
import { formatAge } from "../../terminal/text/format.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";
import { describeUndo } from "./descriptions.js";

export async function listOperations(
  manager: DraftStatePersistenceManager,
  target: Target | undefined,
  context: CommandContext,
): Promise<void> {
  const isOf = ({ kind, conversationId }: UndoneOperation): boolean =>
    target === undefined || (kind === target.kind && conversationId === target.id);
  const undone = (await manager.undone()).filter(isOf);
  if (context.json) {
    const operations = (await manager.operations()).filter(isOf);
    context.output.json([...operations.map((each) => ({ ...each, undoneAt: null, canRedo: false })), ...undone]);
    return;
  }
  const previews = await manager.previewUndos(target ?? {});
  if (previews.length === 0) context.output.message("there is nothing to undo");
  else context.output.line(undoable(previews, context));
  if (undone.length === 0) return;
  if (previews.length > 0) context.output.line("");
  context.output.line(tableOfUndone(undone, context));
}

function undoable(previews: readonly UndoPreview[], context: CommandContext): string {
  const { style, width } = context.output;
  return renderFittingTable({
    style,
    width,
    columns: [
      { title: "OPERATION", dispensable: 0, cell: ({ operation }: UndoPreview) => operation },
      { title: "ID", dispensable: 0, cell: ({ conversationId }: UndoPreview) => toSafeLine(conversationId) },
      ...(previews.some(({ kind }) => kind === "thread")
        ? [{ title: "KIND", dispensable: 1, cell: ({ kind }: UndoPreview) => kind }]
        : []),
      { title: "AGE", dispensable: 1, cell: ({ at }: UndoPreview) => formatAge(new Date(at), context.now()) },
      { title: "UNDOING IT", shrink: true, minimum: 12, dispensable: 2, cell: describeUndo },
      { title: "AT", dispensable: 3, cell: ({ at }: UndoPreview) => at },
    ],
    rows: previews,
  });
}

function tableOfUndone(undone: readonly LoggedUndo[], context: CommandContext): string {
  const { style, width } = context.output;
  return renderFittingTable({
    style,
    width,
    columns: [
      { title: "UNDONE", dispensable: 0, cell: ({ operation }: LoggedUndo) => operation },
      { title: "ID", dispensable: 0, cell: ({ conversationId }: LoggedUndo) => toSafeLine(conversationId) },
      {
        title: "SINCE",
        dispensable: 1,
        cell: ({ undoneAt }: LoggedUndo) => formatAge(new Date(undoneAt), context.now()),
      },
      { title: "REDO", dispensable: 2, cell: ({ canRedo }: LoggedUndo) => (canRedo ? "possible" : "changed since") },
    ],
    rows: undone,
  });
}
