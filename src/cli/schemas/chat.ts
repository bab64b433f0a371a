/** A line of `chat --json`. */
import { z } from "zod";
import { conversationId, count, errorCode, path, revision, status, usage } from "./parts.js";

export const chat = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("start"), conversationId, model: z.string().nullable() }),
    z.object({ type: z.literal("token"), text: z.string() }),
    z.object({ type: z.literal("reasoning"), text: z.string() }).describe("What the model thinks beside its answer."),
    z.object({ type: z.literal("saved"), revision, tokenCount: count }).describe("Durable from then on."),
    z.object({ type: z.literal("calls"), calls: z.array(z.json()) }).describe("The tools that the model asks for."),
    z.object({ type: z.literal("tools"), messages: z.array(z.json()) }).describe("What the tools answered."),
    z.object({
      type: z.literal("end"),
      conversationId,
      status,
      revision,
      usage: usage.nullable(),
      finishReason: z.string().optional().describe("The model's own word for why it stopped."),
    }),
    z.object({
      type: z.literal("error"),
      code: errorCode,
      message: z.string(),
      error: z.object({ code: errorCode, message: z.string(), path: path.nullable() }).optional(),
    }),
  ])
  .describe("One line for each event.");
