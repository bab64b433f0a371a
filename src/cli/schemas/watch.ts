/** A line of `watch --json`. */
import { z } from "zod";
import { conversationId, count, errorCode, revision, status } from "./parts.js";

export const watch = z
  .discriminatedUnion("type", [
    z
      .object({ type: z.literal("token"), conversationId, text: z.string(), revision, tokenCount: count })
      .describe("Text that was added to the answer; put together, they are the answer."),
    z
      .object({
        type: z.literal("message"),
        conversationId,
        role: z.string(),
        messageId: z.string().nullable(),
        text: z.string().nullable().describe("Null for an answer: its tokens said it."),
        revision,
      })
      .describe("A message joined the conversation."),
    z
      .object({ type: z.literal("restart"), conversationId, revision })
      .describe("The answer began anew: what was said of it does not count."),
    z
      .object({ type: z.literal("saved"), conversationId, revision, tokenCount: count })
      .describe("On disk up to this revision."),
    z.object({ type: z.literal("status"), conversationId, status, revision }),
    z.object({ type: z.literal("removed"), conversationId, revision: revision.optional() }),
    z
      .object({
        type: z.literal("problem"),
        conversationId,
        code: errorCode,
        message: z.string(),
        revision: revision.optional(),
      })
      .describe("Its files cannot be read; the watch continues."),
    z
      .object({ type: z.literal("changed"), conversationId, title: z.string(), status, revision, tokenCount: count })
      .describe("Of all conversations: this one is now so."),
  ])
  .describe(
    "With an id: token, message, restart, saved, status, removed, problem. Without: changed, removed, problem.",
  );
