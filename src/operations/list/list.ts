/**
 * The list of conversations, also of those that have only backups or a spill left: from the ends of the snapshots, without
 * reading the rest. A journal or a spill means that the snapshot does not tell everything, so only then the whole is read.
 * One bad file never hides the others.
 */
import { DraftstateError, messageOf, type ErrorCode } from "../../errors.js";
import type { Metadata, Status } from "../../model/conversation.js";
import type { End, Storage } from "../../storage/storage.js";
import { mapAtOnce } from "../../store/map-at-once.js";
import { conversationIds, journalKey, parseBackupName, snapshotKey } from "../../store/names.js";
import { listNames, readMetadataOnly, readSnapshotEnds, type StoreNames } from "../../store/read.js";
import type { FoundSpill } from "../../store/spills.js";
import type { Store } from "../../store/store.js";
import { load } from "../load.js";
import { damageOf, findEdit, mayBeEdited } from "./edited.js";

export interface CatalogueRow {
  /** A thread is one of a LangGraph graph. */
  readonly kind: "conversation" | "thread";
  /** Of the conversation or thread. */
  readonly conversationId: string;
  readonly title: string;
  /** `corrupt` marks a row that could not be read; `error` says why. */
  readonly status: Status | "corrupt";
  readonly messageCount: number;
  readonly tokenCount: number;
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  /** Had elsewhere, and not changed here since. */
  readonly imported: boolean;
  readonly revision: number;
  readonly sizeBytes: number;
  /** Of a thread: its checkpoints. */
  readonly backupCount: number;
  readonly model: string | null;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

const AT_ONCE = 32;

function row(id: string, metadata: Metadata, sizeBytes: number, backupCount: number): CatalogueRow {
  const { title, status, messageCount, tokenCount, createdAt, savedAt, revision, model, imported } = metadata;
  return {
    kind: "conversation",
    conversationId: id,
    title,
    status,
    messageCount,
    tokenCount,
    createdAt,
    updatedAt: imported?.updatedAt ?? savedAt,
    imported: imported !== undefined,
    revision,
    sizeBytes,
    backupCount,
    model: model ?? null,
  };
}

function problemOf(error: unknown): Pick<CatalogueRow, "status" | "error"> {
  return {
    status: "corrupt",
    error: { code: error instanceof DraftstateError ? error.code : "CORRUPT", message: messageOf(error) },
  };
}

function badRow(id: string, error: unknown, sizeBytes: number, backupCount: number): CatalogueRow {
  return {
    kind: "conversation",
    conversationId: id,
    title: "",
    messageCount: 0,
    tokenCount: 0,
    createdAt: null,
    updatedAt: null,
    imported: false,
    revision: 0,
    sizeBytes,
    backupCount,
    model: null,
    ...problemOf(error),
  };
}

async function sizeOf(storage: Storage, id: string, spills: readonly FoundSpill[]): Promise<number> {
  const [snapshot, journal] = await Promise.all([storage.stat(snapshotKey(id)), storage.stat(journalKey(id))]);
  return spills.reduce((sum, { sizeBytes }) => sum + sizeBytes, (snapshot?.size ?? 0) + (journal?.size ?? 0));
}

interface RowContext {
  /** The end of the snapshot, where that may tell everything. */
  readonly end: End | undefined;
  readonly hasJournal: boolean;
  readonly spills: readonly FoundSpill[];
  readonly backupCount: number;
  readonly everything: boolean;
}

async function readRow(
  store: Store,
  id: string,
  { end, hasJournal, spills, backupCount, everything }: RowContext,
): Promise<CatalogueRow | undefined> {
  const { storage } = store;
  try {
    const quick = hasJournal || spills.length > 0 ? undefined : await readMetadataOnly(storage, id, end);
    if (quick !== undefined && quick.metadata.status !== "streaming") {
      const {
        metadata,
        fileBytes,
        end: { size, modifiedAt },
      } = quick;
      const edit =
        everything || mayBeEdited({ savedAt: metadata.savedAt, modifiedAt, sizeBytes: size, fileBytes })
          ? await findEdit(storage, id)
          : undefined;
      const known = row(id, metadata, size, backupCount);
      return edit === undefined ? known : { ...known, ...problemOf(edit) };
    }
    const loaded = await load(store, id, { spills });
    if (loaded === undefined) return undefined;
    const known = row(id, loaded.metadata, await sizeOf(storage, id, spills), backupCount);
    const damage = damageOf(storage, id, loaded.problems);
    return damage === undefined ? known : { ...known, ...problemOf(damage) };
  } catch (error) {
    return badRow(id, error, await sizeOf(storage, id, spills).catch(() => 0), backupCount);
  }
}

export interface ListOptions {
  /** Each file is read whole: also one that was edited and kept its time is found. */
  readonly everything?: boolean;
  /** Where the store was listed already. */
  readonly names?: StoreNames;
}

/** Newest first. */
export async function list(
  store: Store,
  { everything = false, names: listed }: ListOptions = {},
): Promise<CatalogueRow[]> {
  const [{ state: names, backup: backups }, found] = await Promise.all([
    listed ?? listNames(store.storage),
    store.spills?.find(),
  ]);
  const present = new Set(names);
  const backupCounts = new Map<string, number>();
  for (const name of backups) {
    const id = parseBackupName(name)?.conversationId;
    if (id !== undefined) backupCounts.set(id, (backupCounts.get(id) ?? 0) + 1);
  }
  const spills = groupById(found ?? []);
  const ids = [...new Set([...conversationIds(names), ...backupCounts.keys(), ...spills.keys()])];
  const quick = ids.filter(
    (id) => present.has(snapshotKey(id).name) && !present.has(journalKey(id).name) && !spills.has(id),
  );
  // One that cannot be read fails all of them: each is then read by itself, and says so in its row.
  const ends = await readSnapshotEnds(store.storage, quick).catch(() => new Map<string, End>());
  const rows = await mapAtOnce(ids, AT_ONCE, (id) =>
    readRow(store, id, {
      end: ends.get(id),
      hasJournal: present.has(journalKey(id).name),
      spills: spills.get(id) ?? [],
      backupCount: backupCounts.get(id) ?? 0,
      everything,
    }),
  );
  return rows.filter((each) => each !== undefined).sort((left, right) => compareNewest(left, right));
}

function groupById(spills: readonly FoundSpill[]): Map<string, FoundSpill[]> {
  const byId = new Map<string, FoundSpill[]>();
  for (const spill of spills) byId.set(spill.id, [...(byId.get(spill.id) ?? []), spill]);
  return byId;
}

export function compareNewest(left: CatalogueRow, right: CatalogueRow): number {
  const [a, b] = [left.updatedAt ?? "", right.updatedAt ?? ""];
  if (a !== b) return a < b ? 1 : -1;
  return left.conversationId < right.conversationId ? -1 : 1;
}
