/**
 * A conversation on its way out: its state, what is known of it and, if wanted, its backups. Every format is
 * made from this one shape; where something is to be redacted, it has been before.
 */
import type { Metadata } from "../model/conversation.js";
import type { JsonObject } from "../model/json.js";

export interface ExportedBackup {
  /** `2025-01-14T21-30-00-000Z`. */
  readonly timestamp: string;
  readonly state: JsonObject;
  readonly metadata: Metadata;
}

export interface ConversationDocument {
  readonly conversationId: string;
  readonly state: JsonObject;
  readonly metadata: Metadata;
  /** Newest first. */
  readonly backups: readonly ExportedBackup[];
  /** Timestamp of the backup whose state this is; undefined for the present. */
  readonly asOf: string | undefined;
  /** Of what models thought: left out of what a person reads, unless it is wanted there. */
  readonly reasoning?: "included";
}

/** Text of files and models as it may be shown: acting characters made visible. */
export type MakeVisible = (text: string) => string;
