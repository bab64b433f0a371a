/**
 * What one operation took away, as a sealed record, and the names of everything in the trash. Pure. A record is data
 * from a disk: it names files of its own conversation, of the kinds that its operation touches, or it is damaged. One of a
 * newer version, or of an operation that this one does not know, is told from damage.
 */
import { isJsonObject, ownValue, type Json, type JsonObject } from "../model/json.js";
import { seal, verifySeal } from "../snapshot/checksum.js";
import type { Area, Key } from "../storage/storage.js";
import { fromTimestamp, isConversationId, journalKey, parseBackupName, snapshotKey, toTimestamp } from "./names.js";

/** Records without a version are of the first. */
export const RECORD_VERSION = 1;

export const OPERATION_KINDS = ["rm", "prune", "restore", "repair", "rename"] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** A file that the operation took away, or a copy of one that it changed, under its name in its own area. */
export interface KeptFile {
  readonly area: "state" | "backup";
  readonly name: string;
}

export interface Operation {
  readonly kind: OperationKind;
  readonly conversationId: string;
  /** Orders operations; drawn under the conversation's lock. */
  readonly stamp: string;
  /** Shared by what one command did to several conversations: one undo takes all of it back. */
  readonly group: string;
  readonly files: readonly KeptFile[];
  /** Of a rename: the title before; null where there was none of its own. */
  readonly title?: string | null;
  /** Of a rename: the title that it gives. */
  readonly renamedTo?: string;
  /** Of a restore or repair: the revision that it writes. */
  readonly revision?: number;
  /** Of a restore or rename: the session that did it. What it spilled tells whether it happened. */
  readonly session?: string;
  /** Of a repair that signed an edit: so does doing it again. */
  readonly accept?: true;
  /** Done again: the stamp of the undo that it reverts. */
  readonly redoOf?: string;
}

export type DecodedOperation =
  | { readonly kind: "valid"; readonly operation: Operation }
  | { readonly kind: "newer"; readonly detail: string }
  | { readonly kind: "damaged"; readonly detail: string };

const AREAS_OF: Readonly<Record<OperationKind, readonly Area[]>> = {
  rm: ["backup", "state"],
  prune: ["backup"],
  restore: ["state"],
  repair: ["state", "backup"],
  rename: [],
};
const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z-[0-9a-z]{4}$/;
const STAMP_LENGTH = "2025-01-14T21-30-00-000Z-0000".length;
const RECORD = /^_(?:operation|undoing)_(.+)\.json$/;
/** The last moment whose year has four digits: a stamp beyond it would not be read as one. */
const LAST_MOMENT = Date.UTC(10_000, 0) - 1;

export function recordKey({ stamp, conversationId }: Pick<Operation, "stamp" | "conversationId">): Key {
  return { area: "trash", name: `${stamp}_operation_${conversationId}.json` };
}

/**
 * The two names that a record of moved files may have. It changes from one to the other when its undo begins: who removes what
 * is too old, and had listed it under its name before, finds nothing under that, and leaves the files.
 */
export function recordKeys(operation: Pick<Operation, "stamp" | "conversationId">): readonly [Key, Key] {
  const { stamp, conversationId } = operation;
  return [recordKey(operation), { area: "trash", name: `${stamp}_undoing_${conversationId}.json` }];
}

/** A repair that cleared damaged backups away, and left the conversation as it was. */
export function tookBackupsAlone({ kind, revision, files }: Operation): boolean {
  return (
    kind === "repair" && revision === undefined && files.length > 0 && files.every(({ area }) => area === "backup")
  );
}

/**
 * What moves files has a record before the first of them moves. While none of them is among the names in the trash nothing has happened,
 * but where an undo was cut off once all were back.
 */
export function isUnmoved(operation: Operation, names: ReadonlySet<string>): boolean {
  const { kind, stamp, files } = operation;
  const movesFiles = kind === "rm" || kind === "prune" || tookBackupsAlone(operation);
  const [, claimed] = recordKeys(operation);
  return movesFiles && !names.has(claimed.name) && !files.some((file) => names.has(trashKey(stamp, file).name));
}

/** A record of what is about to be done. One operation at a time is under way on a conversation. */
export function pendingKey(conversationId: string): Key {
  return { area: "trash", name: `pending_${conversationId}.json` };
}

/** Undefined for any other name. */
export function parsePendingName(name: string): string | undefined {
  const id = /^pending_(.+)\.json$/.exec(name)?.[1];
  return id !== undefined && isConversationId(id) ? id : undefined;
}

/** What a record is called once it was undone: the name means nothing, and goes next. */
export function undoneKey({ stamp, conversationId }: Operation): Key {
  return { area: "trash", name: `${stamp}_undone_${conversationId}.json` };
}

export function trashKey(stamp: string, { area, name }: KeptFile): Key {
  return { area: "trash", name: `${stamp}_${area}_${name}` };
}

export function timeOfStamp(stamp: string): Date {
  return fromTimestamp(stamp.slice(0, -"-0000".length));
}

/** The stamp at the beginning of a name in the trash. */
export function stampOf(name: string): string | undefined {
  const stamp = name.slice(0, STAMP_LENGTH);
  return STAMP.test(stamp) && !Number.isNaN(timeOfStamp(stamp).getTime()) ? stamp : undefined;
}

export function parseRecordName(name: string): Pick<Operation, "stamp" | "conversationId"> | undefined {
  const [stamp, conversationId] = [stampOf(name), RECORD.exec(name.slice(STAMP_LENGTH))?.[1]];
  return stamp === undefined || conversationId === undefined || !isConversationId(conversationId)
    ? undefined
    : { stamp, conversationId };
}

/** Which conversation anything in the trash is of; undefined if the name is not ours. */
export function conversationIn(name: string): string | undefined {
  const pending = parsePendingName(name);
  if (pending !== undefined || stampOf(name) === undefined) return pending;
  const rest = name.slice(STAMP_LENGTH);
  const id =
    /^_(?:operation|undoing|undone|redo)_(.+)\.json$/.exec(rest)?.[1] ??
    /^_state_(.+)\.(?:json|journal)$/.exec(rest)?.[1] ??
    parseBackupName(/^_backup_(.+)$/.exec(rest)?.[1] ?? "")?.conversationId;
  return id !== undefined && isConversationId(id) ? id : undefined;
}

/** Later than every stamp among these names, which are sorted; `random` is 0 to 1. */
export function stampAfter(names: readonly string[], now: Date, random: number): string {
  const newest = names.findLast((name) => stampOf(name) !== undefined);
  const floor = newest === undefined ? 0 : timeOfStamp(newest.slice(0, STAMP_LENGTH)).getTime() + 1;
  const at = new Date(Math.min(LAST_MOMENT, Math.max(now.getTime(), floor)));
  return `${toTimestamp(at)}-${Math.floor(random * 36 ** 4)
    .toString(36)
    .padStart(4, "0")
    .slice(-4)}`;
}

export function encodeOperation(operation: Operation): Uint8Array {
  return seal(
    Buffer.from(`${JSON.stringify({ version: RECORD_VERSION, ...operation, checksum: "sha256:" }, null, 2)}\n`),
  );
}

function damaged(detail: string): DecodedOperation {
  return { kind: "damaged", detail };
}

export function decodeOperation(
  bytes: Uint8Array,
  named: Pick<Operation, "stamp" | "conversationId">,
): DecodedOperation {
  if (verifySeal(Buffer.from(bytes)) !== "valid") return damaged("its checksum differs from its content");
  const value = parse(bytes);
  if (value === undefined) return damaged("it is not a JSON object");
  const { stamp, conversationId } = named;
  // Before all else: of a newer version any other field may have changed.
  const version = ownValue(value, "version") ?? RECORD_VERSION;
  if (version !== RECORD_VERSION) return newerOrDamaged(version);
  if (value["stamp"] !== stamp || value["conversationId"] !== conversationId)
    return damaged("it is not the record that its name says");
  const kind = OPERATION_KINDS.find((known) => known === value["kind"]);
  if (kind === undefined)
    return typeof value["kind"] === "string"
      ? { kind: "newer", detail: `operation ${inShort(value["kind"])}` }
      : damaged("it names no operation");
  const files = decodeFiles(ownValue(value, "files"), kind, conversationId);
  if (files === undefined) return damaged(`it names files that ${kind} of ${conversationId} cannot have taken`);
  const [group, title, renamedTo, revision, redoOf] = ["group", "title", "renamedTo", "revision", "redoOf"].map(
    (field) => ownValue(value, field),
  );
  const session = ownValue(value, "session");
  const operation = {
    kind,
    conversationId,
    stamp,
    files,
    group: typeof group === "string" ? group : stamp,
    ...(typeof title === "string" || title === null ? { title } : {}),
    ...(typeof renamedTo === "string" ? { renamedTo } : {}),
    ...(typeof revision === "number" ? { revision } : {}),
    ...(typeof session === "string" ? { session } : {}),
    ...(ownValue(value, "accept") === true ? { accept: true as const } : {}),
    ...(typeof redoOf === "string" ? { redoOf } : {}),
  };
  return { kind: "valid", operation };
}

function newerOrDamaged(version: Json): DecodedOperation {
  return typeof version === "number" && version > RECORD_VERSION
    ? { kind: "newer", detail: `record version ${version}` }
    : damaged(`its version ${inShort(version)} is not a version`);
}

/** In few characters, whatever it is. */
function inShort(value: Json): string {
  return JSON.stringify(value).slice(0, 40);
}

/** The name of a pending record holds no stamp: the record says it. */
export function decodePending(bytes: Uint8Array, conversationId: string): DecodedOperation {
  const stamp = parse(bytes)?.["stamp"];
  return decodeOperation(bytes, {
    conversationId,
    stamp: typeof stamp === "string" && stampOf(stamp) === stamp ? stamp : "",
  });
}

function parse(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function decodeFiles(value: Json | undefined, kind: OperationKind, id: string): KeptFile[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const files = (value as readonly Json[]).map((file) => decodeFile(file, kind, id));
  return files.includes(undefined) ? undefined : files.filter((file) => file !== undefined);
}

/** No path, no other area and no other conversation's file: what is put back goes where it came from. */
function decodeFile(value: Json, kind: OperationKind, id: string): KeptFile | undefined {
  if (!isJsonObject(value)) return undefined;
  const area = AREAS_OF[kind].find((known) => known === value["area"]);
  const name = value["name"];
  if (typeof name !== "string") return undefined;
  if (area === "backup" && parseBackupName(name)?.conversationId === id) return { area, name };
  if (area === "state" && (name === snapshotKey(id).name || name === journalKey(id).name)) return { area, name };
  return undefined;
}
