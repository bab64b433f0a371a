/** `repair --json`. */
import { z } from "zod";
import { conversationId, path, problemKind, revision } from "./parts.js";

export const repair = z
  .object({
    conversationId,
    repaired: z.boolean(),
    problems: z.array(
      z.object({
        kind: problemKind,
        file: z.union([z.enum(["snapshot", "journal"]), z.object({ backup: z.string() })]),
        detail: z.string(),
      }),
    ),
    quarantined: z.array(path).describe("Copies of the damaged files."),
    revision,
  })
  .describe("The problems that were repaired.");
