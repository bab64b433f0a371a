/** `show --json` and `show --inspect --json`. */
import { z } from "zod";
import { backupReason, bytes, conversationId, count, path, revision, role, status, time, usage } from "./parts.js";
import { verify } from "./verify.js";

export const metadata = z
  .looseObject({
    savedAt: time,
    version: z.string().describe("Version of the schema."),
    conversationId,
    revision,
    checksum: z.string().optional(),
    createdAt: time,
    title: z.string(),
    status,
    messageCount: count,
    tokenCount: count,
    model: z.string().optional(),
    baseUrl: z.string().optional(),
    unbegunCalls: z.string().optional().describe("Shows that the tool calls which wait were not begun here."),
    imported: z
      .object({ updatedAt: time })
      .optional()
      .describe("Of an imported conversation that was not changed since: when it was last changed where it was had."),
    backup: z.object({ reason: backupReason, tag: z.string().optional(), pinned: z.boolean().optional() }).optional(),
  })
  .describe("Fields of other programs are kept beside these.");

/** Of an agent's messages; an application may keep others. */
const message = z.looseObject({
  id: z.string().optional(),
  role: role.optional(),
  content: z.json().optional().describe("A text, or a list of content blocks."),
  createdAt: time.optional(),
  status: status.optional(),
  model: z.string().optional(),
  usage: usage.optional(),
  tokenCount: count.optional(),
  finishReason: z.string().optional(),
  reasoning: z.string().optional().describe("What the model thought before the answer."),
  toolCalls: z.array(z.json()).optional(),
  toolCallId: z.string().optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});

export const show = z
  .looseObject({
    messages: z.array(z.union([message, z.json()])).optional(),
    currentNarrative: z.string().optional().describe("The text of the answer being told or last told."),
    streamingProperties: z
      .looseObject({
        lastToken: z.string(),
        tokenCount: count,
        streamingProgress: z.number().min(0).max(100).describe("100 only when complete."),
        messageId: z.string().optional().describe("Of the message that the answer becomes."),
        partialResponse: z.string(),
        partialReasoning: z.string().optional(),
        streamingStartTime: time.nullable(),
        streamingEndTime: time.nullable(),
      })
      .optional(),
    _metadata: metadata,
  })
  .describe("The state as in the file, journal applied. An application's own fields live beside the agent's.");

export const inspect = z
  .object({
    _metadata: metadata,
    files: z.object({ snapshot: path, sizeBytes: bytes, backups: count }),
    verification: verify,
  })
  .describe("What show --inspect says.");
