/** `ls --json`. */
import { z } from "zod";
import { ERROR_CODES } from "../../errors.js";
import { STATUSES } from "../../model/conversation.js";
import { bytes, conversationId, count, revision, time } from "./parts.js";

export const ls = z
  .array(
    z.object({
      conversationId,
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
      revision,
      sizeBytes: bytes,
      backupCount: count,
      model: z.string().nullable().describe("`provider:name`."),
      error: z.object({ code: z.enum(ERROR_CODES), message: z.string() }).optional(),
    }),
  )
  .describe("Conversations, newest first.");
