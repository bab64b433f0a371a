/** What an undo does, in a few words, before and after it. Text from files is made safe. */
import type { UndoResult } from "../../../operations/undo/undone.js";
import type { UndoPreview } from "../../../operations/undo/undone.js";
import { pluralize } from "../../terminal/text/format.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";

function titleChange({ titles }: UndoPreview): string {
  return titles === undefined ? "" : toSafeLine(`${JSON.stringify(titles.from)} → ${JSON.stringify(titles.to)}`);
}

function restoreChange({ restored }: UndoPreview): string {
  if (restored === undefined) return "";
  const { point, messageCount, revision } = restored;
  return `${point === null ? "" : `from backup ${point} `}back to ${pluralize(messageCount, "message")} at revision ${revision}`;
}

/** In the list: what it would do. */
export function describeUndo(preview: UndoPreview): string {
  return `${change(preview)}${withOthers(preview)}`;
}

const NAMED = 3;

function withOthers({ together }: UndoPreview): string {
  if (together.length === 0) return "";
  const more = together.length - NAMED;
  return `, with ${toSafeLine(together.slice(0, NAMED).join(", "))}${more > 0 ? ` and ${more} more` : ""}`;
}

function change(preview: UndoPreview): string {
  const { operation, files } = preview;
  switch (operation) {
    case "rename":
      return titleChange(preview);
    case "restore":
      return restoreChange({
        ...preview,
        ...(preview.restored === undefined ? {} : { restored: { ...preview.restored, point: null } }),
      });
    case "prune":
      return preview.kind === "thread" ? "its checkpoints back" : `${pluralize(files, "backup")} back`;
    case "rm":
      return `${pluralize(files, "file")} back`;
    case "repair":
      return `${pluralize(files, "file")} as found`;
  }
}

/** After it: what it did. */
export function describeUndone(preview: UndoPreview, { operation, restored }: UndoResult): string {
  switch (operation) {
    case "rename":
      return titleChange(preview);
    case "restore":
      return restoreChange(preview);
    case "prune":
      return preview.kind === "thread" ? "its checkpoints back" : `${pluralize(restored.length, "backup")} back`;
    case "rm":
      return `${pluralize(restored.length, "file")} back`;
    case "repair":
      return `${pluralize(restored.length, "file")} as found`;
  }
}
