/** `search --json`. */
import { z } from "zod";
import { anyId, count, KINDS, timestamp } from "./parts.js";

const match = z.object({
  messageIndex: count.describe("From 0; the answer being told comes after the last."),
  messageId: z.string().nullable(),
  role: z.string(),
  line: z.int().min(1).describe("Within the text of the message."),
  column: z.int().min(1).describe("Of the first hit, in UTF-16 code units."),
  text: z.string().describe("The line; of a long one what stands around the hit."),
  backup: timestamp.optional().describe("The backup that has it, if the current state has not."),
});

export const search = z
  .array(z.object({ kind: z.enum(KINDS), conversationId: anyId, title: z.string(), matches: z.array(match) }))
  .describe("Conversations and threads with matching lines.");
