/**
 * Looks through every conversation, most of them by their bytes alone: only what may hold the thing looked for is read
 * as a conversation, and what is found is found there. A damaged file is reported and hides no other. Takes no lock.
 */
import { messageOf } from "../errors.js";
import { isStreaming, SCHEMA_VERSION, type Metadata } from "../model/conversation.js";
import type { JsonObject } from "../model/json.js";
import { decodeMetadataEnd, decodeSnapshot } from "../snapshot/decode.js";
import { MAX_FILE_BYTES } from "../store/codec.js";
import { backupsById, journalKey, knownIds, snapshotKey, type BackupName } from "../store/names.js";
import { METADATA_END_BYTES, readBackupFile } from "../store/backups.js";
import { listNames } from "../store/read.js";
import type { Store } from "../store/store.js";
import { load, withSpilledIds } from "./load.js";

export interface ScanQuery<Match> {
  /** Never false for bytes of a snapshot in which `look` would find something. */
  readonly mayHold: (bytes: Uint8Array) => boolean;
  readonly wants: (metadata: Metadata) => boolean;
  readonly look: (state: JsonObject) => Match[];
  /** Also in backups. */
  readonly backups: boolean;
  /** Where many are to be looked at: looks at their snapshots by other means; undefined where it has none. */
  readonly snapshots?: ((ids: readonly string[]) => Promise<SnapshotsScanned<Match> | undefined>) | undefined;
}

export interface Scanned<Match> {
  readonly conversationId: string;
  readonly metadata: Metadata;
  readonly matches: readonly Match[];
  /** Newest first; those without a match are left out. */
  readonly backups: readonly { readonly timestamp: string; readonly matches: readonly Match[] }[];
}

export interface SnapshotsScanned<Match> {
  readonly found: readonly Scanned<Match>[];
  /** What only a closer look can tell of. */
  readonly unsure: readonly string[];
}

export interface ScanResult<Match> {
  /** Newest first. */
  readonly found: readonly Scanned<Match>[];
  readonly problems: readonly { readonly conversationId: string; readonly detail: string }[];
  readonly scanned: number;
}

/** More do not read faster, and each holds a file in memory. */
const AT_ONCE = 16;

type Outcome<Match> = Scanned<Match> | { readonly conversationId: string; readonly problem: string } | undefined;

/** The bytes of a snapshot that has no journal say no. Where its end is not as it should be, only a closer look tells. */
function surelyHasNone(bytes: Uint8Array, id: string, query: Pick<ScanQuery<never>, "wants" | "mayHold">): boolean {
  const metadata = decodeMetadataEnd(bytes.subarray(Math.max(0, bytes.length - METADATA_END_BYTES)));
  if (metadata?.conversationId !== id || metadata.version !== SCHEMA_VERSION || metadata.status === "streaming")
    return false;
  return !query.wants(metadata) || !query.mayHold(bytes);
}

/** What a whole snapshot says by itself; `unsure` where it is not simply a valid one of ours. */
export function scanSnapshot<Match>(
  bytes: Uint8Array,
  id: string,
  query: Pick<ScanQuery<Match>, "wants" | "mayHold" | "look">,
): Scanned<Match> | "none" | "unsure" {
  if (surelyHasNone(bytes, id, query)) return "none";
  const decoded = decodeSnapshot(bytes, id);
  if (decoded.kind !== "valid" || decoded.migratedFrom !== undefined || isStreaming(decoded.state)) return "unsure";
  const matches = query.wants(decoded.metadata) ? query.look(decoded.state) : [];
  return matches.length === 0 ? "none" : { conversationId: id, metadata: decoded.metadata, matches, backups: [] };
}

async function isQuicklyDone<Match>(store: Store, id: string, query: ScanQuery<Match>): Promise<boolean> {
  const bytes = await store.storage.read(snapshotKey(id), { maxBytes: MAX_FILE_BYTES });
  return bytes !== undefined && surelyHasNone(bytes, id, query);
}

async function inBackups<Match>(
  store: Store,
  names: readonly BackupName[],
  query: ScanQuery<Match>,
): Promise<Scanned<Match>["backups"]> {
  const found: { timestamp: string; matches: Match[] }[] = [];
  for (const name of names) {
    const decoded = await readBackupFile(store.storage, name);
    const matches = decoded?.kind === "valid" ? query.look(decoded.state) : [];
    if (matches.length > 0) found.push({ timestamp: name.timestamp, matches });
  }
  return found;
}

interface Way {
  /** Whether a look at the bytes can be enough. */
  readonly quick: boolean;
  readonly backups: readonly BackupName[];
}

async function scanOne<Match>(
  store: Store,
  id: string,
  { quick, backups: names }: Way,
  query: ScanQuery<Match>,
): Promise<Outcome<Match>> {
  try {
    if (quick && (await isQuicklyDone(store, id, query))) return undefined;
    const loaded = await load(store, id, { allowEdited: true });
    if (loaded === undefined || !query.wants(loaded.metadata)) return undefined;
    const matches = query.look(loaded.state);
    const backups = await inBackups(store, names, query);
    return matches.length + backups.length === 0
      ? undefined
      : { conversationId: id, metadata: loaded.metadata, matches, backups };
  } catch (error) {
    return { conversationId: id, problem: messageOf(error) };
  }
}

export async function scanConversations<Match>(store: Store, query: ScanQuery<Match>): Promise<ScanResult<Match>> {
  const { state: stateNames, backup: backupNames } = await listNames(store.storage);
  const ids = await withSpilledIds(store, knownIds(stateNames, backupNames));
  const names = new Set(stateNames);
  // What stands in the fallback directory, and what backups hold, is not in the snapshot.
  const mayBeQuick = !query.backups && store.spills === undefined;
  const backups = query.backups ? backupsById(backupNames) : undefined;
  const quick = new Set(mayBeQuick ? ids.filter((id) => !names.has(journalKey(id).name)) : []);
  const scanned = quick.size === 0 ? undefined : await query.snapshots?.([...quick]);
  const unsure = new Set(scanned?.unsure);
  const outcomes: Outcome<Match>[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < ids.length; index = next++) {
      const id = ids[index] ?? "";
      if (scanned !== undefined && quick.has(id) && !unsure.has(id)) continue;
      outcomes[index] = await scanOne(
        store,
        id,
        { quick: scanned === undefined && quick.has(id), backups: backups?.get(id) ?? [] },
        query,
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { ...sorted([...outcomes, ...(scanned?.found ?? [])]), scanned: ids.length };
}

function sorted<Match>(outcomes: readonly Outcome<Match>[]): Pick<ScanResult<Match>, "found" | "problems"> {
  const found = outcomes.flatMap((outcome) => (outcome !== undefined && "metadata" in outcome ? [outcome] : []));
  found.sort((left, right) =>
    left.metadata.savedAt === right.metadata.savedAt
      ? left.conversationId < right.conversationId
        ? -1
        : 1
      : left.metadata.savedAt < right.metadata.savedAt
        ? 1
        : -1,
  );
  const problems = outcomes.flatMap((outcome) =>
    outcome !== undefined && "problem" in outcome
      ? [{ conversationId: outcome.conversationId, detail: outcome.problem }]
      : [],
  );
  return { found, problems };
}
