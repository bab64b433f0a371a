/** `import --json`. */
import { z } from "zod";
import { ASIDE_REASONS, SOURCE_FORMATS } from "../../formats/import/source-formats.js";
import { conversationId, count, path, time } from "./parts.js";

const format = z.enum(SOURCE_FORMATS);

export const imported = z
  .object({
    format: z
      .enum([...SOURCE_FORMATS, "several"])
      .nullable()
      .describe("Of all conversations that were read; null where there are none."),
    dryRun: z.boolean(),
    imported: z
      .array(
        z.object({
          conversationId,
          exists: z.boolean(),
          format,
          file: path.describe("Where it was read from; an entry of a ZIP archive behind the archive's own path."),
          place: z.string().describe("Where in the file; empty where it is the whole file."),
          title: z.string(),
          messageCount: count,
          turnCount: count.describe("Messages, and what was left aside."),
          leftAside: z
            .array(z.object({ reason: z.enum(ASIDE_REASONS), count }))
            .describe("Turns of the source that are not among the messages; the state keeps them."),
          createdAt: time,
          updatedAt: time.describe("When it was last changed where it was had."),
          backups: count.describe("Backups that the file had."),
          backupCount: count.describe("Backups there are then."),
        }),
      )
      .describe("What was imported; with --dry-run, what would be."),
    skipped: z.array(conversationId).describe("Left out with --skip-existing."),
    leftAside: count.describe("Turns left aside, of all conversations."),
    problems: z
      .array(z.object({ file: path, place: z.string(), message: z.string() }))
      .describe("What could not be read; the exit status is 4 where there is any."),
    otherFiles: count.describe("Files of a directory or archive that hold no conversation."),
    sideChainFiles: count.describe("Files of a directory that hold side chains alone."),
  })
  .describe("What an import did, or would do.");
