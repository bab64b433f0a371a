/** `export --json`: the conversation itself, or with a file or another format what was written. */
import { z } from "zod";
import { anyId, bytes, count, path, timestamp } from "./parts.js";
import { metadata, show } from "./show.js";

const backup = z.object({ timestamp, state: z.looseObject({}), metadata });
const mark = z
  .object({ format: z.literal(1), backups: z.array(backup).optional().describe("With --history, newest first.") })
  .describe("Says that this is an export, for import.");

export const exported = show
  .extend({ _metadata: metadata.extend({ conversationId: anyId, draftstateExport: mark }) })
  .describe("The state with its metadata, as show --json prints it, without a checksum: import reads it back.");

const result = z.object({
  conversationId: anyId,
  format: z.enum(["md", "html", "json", "jsonl"]),
  messageCount: count,
  backups: count,
  redacted: z.record(z.string(), count).nullable().describe("Places replaced, by kind; null without --redact."),
});

export const exportResult = z
  .union([result.extend({ path, sizeBytes: bytes }), result.extend({ content: z.string() })])
  .describe("What was written, with --output; or the text itself, in a format other than JSON.");
