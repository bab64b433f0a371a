/** `backup --json`, `fork --json`, `rename --json`, `rm --json` and `migrate --json`: what is done with a conversation as a whole. */
import { z } from "zod";
import { ERROR_CODES } from "../../errors.js";
import { anyId, backupReason, bytes, conversationId, count, path, revision, timestamp } from "./parts.js";

export const backup = z
  .object({
    conversationId,
    timestamp,
    path,
    revision: revision.nullable(),
    reason: backupReason.nullable().describe("That of an earlier one, where it holds the same."),
    tag: z.string().nullable(),
    pinned: z.boolean().describe("Kept whatever retention says, as each one with a tag is."),
  })
  .describe("The backup that holds the current state.");

export const fork = z
  .object({
    conversationId: conversationId.describe("Id of the copy."),
    forkedFrom: conversationId,
    backup: timestamp.nullable().describe("The backup that it starts from; null for the current state."),
    revision,
  })
  .describe("The copy.");

export const rename = z.object({ conversationId, title: z.string(), revision }).describe("The title as it is now.");

export const rm = z
  .array(
    z.object({
      conversationId: anyId,
      removed: z.array(path).describe("Or what would be, in a dry run."),
      bytes,
      purged: z.boolean().describe("Gone for good: not in the trash."),
      dryRun: z.boolean(),
    }),
  )
  .describe("What went, of each conversation.");

export const migrate = z
  .object({
    migrated: z.array(
      z.object({ conversationId, from: z.string().describe("Schema before."), to: z.string().describe("Schema now.") }),
    ),
    upToDate: count.describe("Conversations of the current schema."),
    failed: z.array(z.object({ conversationId, code: z.enum(ERROR_CODES), message: z.string() })),
    dryRun: z.boolean(),
  })
  .describe("What was brought to the current schema, and what could not be.");
