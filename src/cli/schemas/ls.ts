/** `ls --json`. */
import { z } from "zod";
import { ERROR_CODES } from "../../errors.js";
import { STATUSES } from "../../model/conversation.js";
import { anyId, bytes, count, KINDS, revision, time } from "./parts.js";

export const ls = z
  .array(
    z.object({
      kind: z.enum(KINDS),
      conversationId: anyId,
      title: z.string(),
      status: z
        .enum([...STATUSES, "corrupt"])
        .describe("`corrupt` marks a row that could not be read: `error` says why."),
      messageCount: count,
      tokenCount: count,
      createdAt: time.nullable(),
      updatedAt: time
        .nullable()
        .describe("Of an imported conversation that was not changed since: when it was last changed where it was had."),
      imported: z
        .boolean()
        .describe("Had elsewhere, and not changed here since: never `@last` while there is another."),
      revision: revision.describe("Of a thread: the number of its checkpoints."),
      sizeBytes: bytes,
      backupCount: count.describe("Of a thread: its checkpoints."),
      model: z.string().nullable().describe("`provider:name`."),
      error: z.object({ code: z.enum(ERROR_CODES), message: z.string() }).optional(),
    }),
  )
  .describe("Conversations and LangGraph threads, newest first.");
