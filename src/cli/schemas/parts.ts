/** What several shapes are made of. */
import { z } from "zod";
import { ERROR_CODES } from "../../errors.js";
import { BACKUP_REASONS, ROLES, STATUSES } from "../../model/conversation.js";

export const conversationId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
  .describe("Id of the conversation.");
/** What an id is of: a conversation, or a thread of a LangGraph graph. */
export const KINDS = ["conversation", "thread"] as const;
export const anyId = z.string().describe("Id of the conversation or LangGraph thread.");
export const timestamp = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/)
  .describe("Timestamp of a backup, as in its file name.");
export const time = z.string().describe("ISO 8601.");
export const revision = z.int().min(0).describe("Number of the state's last change; orders everything, clocks do not.");
export const count = z.int().min(0);
export const bytes = z.int().min(0).describe("Bytes.");
export const path = z.string().describe("Path of a file.");
export const status = z.enum(STATUSES);
export const backupReason = z.enum(BACKUP_REASONS);
export const role = z.enum(ROLES);

export const errorCode = z.enum([...ERROR_CODES, "UNEXPECTED"]);

export const usage = z.object({ inputTokens: count, outputTokens: count });

/** RFC 6902, the operations that a difference is made of. */
export const jsonPatch = z.array(
  z.union([
    z.object({ op: z.enum(["add", "replace"]), path: z.string().describe("JSON Pointer, RFC 6901."), value: z.json() }),
    z.object({ op: z.literal("remove"), path: z.string().describe("JSON Pointer, RFC 6901.") }),
  ]),
);

export const problemKind = z.enum([
  "journal-torn",
  "journal-damaged",
  "journal-gap",
  "journal-foreign",
  "journal-orphaned",
  "journal-newer",
  "snapshot-missing",
  "snapshot-damaged",
  "snapshot-edited",
  "snapshot-newer",
  "backup-damaged",
  "backup-newer",
  "spill-damaged",
  "spill-newer",
  "thread-torn",
  "thread-damaged",
  "thread-newer",
  "conflict-copy",
  "items-torn",
  "items-damaged",
  "items-newer",
  "unreadable",
]);
