/** `copy --json`. */
import { z } from "zod";
import { bytes, count, errorCode } from "./parts.js";

const kind = z.enum(["conversation", "thread", "namespace"]).describe("namespace: of a LangGraph store.");
const conversationId = z
  .string()
  .describe("Id of the conversation or thread; of a namespace, its labels joined by dots.");

export const copy = z
  .object({
    from: z.string().describe("The source: a directory, or host, port, database and schema."),
    to: z.string().describe("The target."),
    copied: z.array(
      z.object({
        kind,
        conversationId,
        outcome: z.enum(["copied", "identical"]).describe("identical: all of it was there already."),
        files: count.describe("Those that were written now."),
        bytes,
      }),
    ),
    failed: z
      .array(z.object({ kind, conversationId, code: errorCode, message: z.string() }))
      .describe("What was not copied."),
  })
  .describe("Conversations, threads and namespaces copied from one store to another.");
