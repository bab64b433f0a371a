/** `undo --json`, also with `--list` and `--empty-trash`. */
import { z } from "zod";
import { OPERATION_KINDS } from "../../store/trash-record.js";
import { anyId, bytes, KINDS, path, time, timestamp } from "./parts.js";

const operation = {
  operation: z.enum(OPERATION_KINDS),
  kind: z.enum(KINDS).describe("What it was done to."),
  conversationId: anyId,
  at: time.describe("ISO 8601: when the operation was done; undo --at takes it as it is."),
};

export const undo = z
  .object({
    ...operation,
    conversationIds: z.array(anyId).describe("Every conversation that the one command had changed, or every thread."),
    restored: z.array(path).describe("Files that are back."),
    safetyBackup: timestamp
      .nullable()
      .describe("Holds what was there before the undo; null where nothing was replaced."),
  })
  .describe("What was undone, and the state before.");

export const redo = z
  .object({
    ...operation,
    conversationIds: z.array(anyId).describe("Every conversation that it was done to again."),
    safetyBackup: timestamp.nullable().describe("Of a restore: holds what was there before; else null."),
  })
  .describe("What was done again.");

export const operations = z
  .array(
    z.object({
      ...operation,
      undoneAt: time.nullable().describe("ISO 8601: when it was undone; null of what can be undone."),
      canRedo: z.boolean().describe("It was undone, and redo does it again."),
    }),
  )
  .describe("undo --list: what can be undone, newest first; then what was undone, the last first.");

export const trash = z.object({ bytesFreed: bytes }).describe("undo --empty-trash: what was kept is gone.");
