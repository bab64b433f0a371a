/** `backups --json`. */
import { z } from "zod";
import { backupReason, bytes, conversationId, count, path, revision, timestamp } from "./parts.js";

export const backups = z
  .array(
    z.object({
      conversationId,
      timestamp,
      path,
      sizeBytes: bytes,
      revision,
      messageCount: count,
      reason: backupReason.nullable().describe("Why it was made; null where the file does not say."),
      valid: z.boolean(),
      pinned: z.boolean().describe("Never removed by retention."),
      tag: z.string().nullable(),
      problem: z.string().nullable().describe("What is wrong with it; null where it is valid."),
      changes: z
        .object({
          added: count,
          removed: count,
          edited: count,
          moved: count,
          fields: count.describe("Fields beside the messages that differ."),
        })
        .nullable()
        .describe("Against the next older valid one; null where it cannot be read."),
    }),
  )
  .describe("Backups of one conversation, newest first.");
