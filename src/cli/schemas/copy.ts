/** `copy --json`. */
import { z } from "zod";
import { bytes, conversationId, count, errorCode } from "./parts.js";

export const copy = z
  .object({
    from: z.string().describe("The source: a directory, or host, port, database and schema."),
    to: z.string().describe("The target."),
    copied: z.array(
      z.object({
        conversationId,
        outcome: z.enum(["copied", "identical"]).describe("identical: all of it was there already."),
        files: count.describe("Those that were written now."),
        bytes,
      }),
    ),
    failed: z
      .array(z.object({ conversationId, code: errorCode, message: z.string() }))
      .describe("Conversations that were not copied."),
  })
  .describe("Conversations copied from one store to another.");
