/** `restore --json`. */
import { z } from "zod";
import { conversationId, jsonPatch, revision, timestamp } from "./parts.js";

export const restore = z
  .object({
    conversationId: conversationId.describe("The conversation that was written: a new one with --fork."),
    restoredFrom: timestamp,
    safetyBackup: timestamp.nullable().describe("Holds what was there before; null for a fork or a dry run."),
    revision,
    dryRun: z.boolean(),
    changes: jsonPatch.describe("What it changes, as JSON Patch."),
  })
  .describe("What was gone back to, and the way back.");
