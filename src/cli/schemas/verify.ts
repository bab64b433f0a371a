/** `verify --json`. */
import { z } from "zod";
import { anyId, count, path, problemKind } from "./parts.js";

export const verify = z
  .object({
    checked: count.describe("Files looked at."),
    ok: z.boolean(),
    problems: z.array(
      z.object({
        conversationId: anyId,
        path,
        kind: problemKind,
        detail: z.string(),
        repairable: z.boolean().describe("Whether the state can be had from other files."),
      }),
    ),
  })
  .describe("What is wrong with the files; nothing was changed.");
