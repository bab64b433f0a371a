/**
 * The list of conversations, also of those that have only backups left: from the ends of the snapshots, without reading the rest. A journal means that the
 * snapshot does not tell everything, so only then the whole is read. One bad file never hides the others.
 */
import { DraftstateError, messageOf, type ErrorCode } from "../../errors.js";
import type { Metadata, Status } from "../../model/conversation.js";
import type { Storage } from "../../storage/storage.js";
import { findEdit, mayBeEdited } from "./edited.js";
import { conversationIds, journalKey, parseBackupName, snapshotKey } from "../../store/names.js";
import { mapAtOnce } from "../../store/map-at-once.js";
import { readConversation, readMetadataOnly } from "../../store/read.js";

export interface CatalogueRow {
  readonly conversationId: string;
  readonly title: string;
  /** `corrupt` marks a row that could not be read; `error` says why. */
  readonly status: Status | "corrupt";
  readonly messageCount: number;
  readonly tokenCount: number;
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  readonly revision: number;
  readonly sizeBytes: number;
  readonly backupCount: number;
  readonly model: string | null;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

const AT_ONCE = 32;

function row(id: string, metadata: Metadata, sizeBytes: number, backupCount: number): CatalogueRow {
  const { title, status, messageCount, tokenCount, createdAt, savedAt, revision, model } = metadata;
  return { conversationId: id, title, status, messageCount, tokenCount, createdAt, updatedAt: savedAt, revision, sizeBytes, backupCount, model: model ?? null };
}

function problemOf(error: unknown): Pick<CatalogueRow, "status" | "error"> {
  return { status: "corrupt", error: { code: error instanceof DraftstateError ? error.code : "CORRUPT", message: messageOf(error) } };
}

function badRow(id: string, error: unknown, sizeBytes: number, backupCount: number): CatalogueRow {
  return {
    conversationId: id, title: "", messageCount: 0, tokenCount: 0, createdAt: null, updatedAt: null,
    revision: 0, sizeBytes, backupCount, model: null, ...problemOf(error),
  };
}

async function sizeOf(storage: Storage, id: string): Promise<number> {
  const [snapshot, journal] = await Promise.all([storage.stat(snapshotKey(id)), storage.stat(journalKey(id))]);
  return (snapshot?.size ?? 0) + (journal?.size ?? 0);
}

interface RowContext {
  readonly hasJournal: boolean;
  readonly backupCount: number;
  readonly everything: boolean;
}

async function readRow(storage: Storage, id: string, { hasJournal, backupCount, everything }: RowContext): Promise<CatalogueRow | undefined> {
  try {
    const quick = hasJournal ? undefined : await readMetadataOnly(storage, id);
    if (quick !== undefined && quick.metadata.status !== "streaming") {
      const { metadata, sizeBytes, modifiedAt } = quick;
      const edit = everything || mayBeEdited({ savedAt: metadata.savedAt, modifiedAt, sizeBytes }) ? await findEdit(storage, id) : undefined;
      const known = row(id, metadata, sizeBytes, backupCount);
      return edit === undefined ? known : { ...known, ...problemOf(edit) };
    }
    const read = await readConversation(storage, id);
    if (read === undefined) return undefined;
    return row(id, read.metadata, await sizeOf(storage, id), backupCount);
  } catch (error) {
    return badRow(id, error, await sizeOf(storage, id).catch(() => 0), backupCount);
  }
}

export interface ListOptions {
  /** Each file is read whole: also one that was edited and kept its time is found. */
  readonly everything?: boolean;
}

/** Newest first. */
export async function listConversations(storage: Storage, { everything = false }: ListOptions = {}): Promise<CatalogueRow[]> {
  const [names, backups] = await Promise.all([storage.list("state"), storage.list("backup")]);
  const present = new Set(names);
  const backupCounts = new Map<string, number>();
  for (const name of backups) {
    const id = parseBackupName(name)?.conversationId;
    if (id !== undefined) backupCounts.set(id, (backupCounts.get(id) ?? 0) + 1);
  }
  const ids = [...new Set([...conversationIds(names), ...backupCounts.keys()])];
  const rows = await mapAtOnce(ids, AT_ONCE, (id) => readRow(storage, id, { hasJournal: present.has(journalKey(id).name), backupCount: backupCounts.get(id) ?? 0, everything }));
  return rows.filter((found) => found !== undefined).sort((left, right) => compareNewest(left, right));
}

function compareNewest(left: CatalogueRow, right: CatalogueRow): number {
  const [a, b] = [left.updatedAt ?? "", right.updatedAt ?? ""];
  if (a !== b) return a < b ? 1 : -1;
  return left.conversationId < right.conversationId ? -1 : 1;
}
