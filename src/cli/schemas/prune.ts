/** `prune --json`. */
import { z } from "zod";
import { bytes, conversationId, path } from "./parts.js";

export const prune = z
  .object({
    kept: z.array(path),
    removed: z.array(path).describe("Or what would be, in a dry run."),
    bytesFreed: bytes,
    dryRun: z.boolean(),
    purged: z.boolean().describe("Gone for good: not in the trash."),
    skipped: z
      .array(z.object({ conversationId, reason: z.string() }))
      .describe("Conversations left alone: another process writes them."),
    reasons: z
      .record(z.string(), z.array(z.string()))
      .optional()
      .describe("Of a dry run: by path, the rules that keep it."),
  })
  .describe("Retention: what stays and what goes.");
