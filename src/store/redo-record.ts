/**
 * What an undo took back, as a sealed record in the trash: the log of undos, and what `redo` does again. Pure. A record is data from
 * a disk: its operation is checked as that of a trash record is.
 */
import { isJsonObject, ownValue, type JsonObject } from "../model/json.js";
import { seal, verifySeal } from "../snapshot/checksum.js";
import type { Key } from "../storage/storage.js";
import { isConversationId } from "./names.js";
import { decodeOperation, encodeOperation, RECORD_VERSION, stampOf, type Operation } from "./trash-record.js";

export interface UndoneRecord {
  /** When it was undone; later than every stamp in the trash then. What one undo took back shares it: one redo does all of it again. */
  readonly stamp: string;
  /** What the conversation was once it was undone: it is done again only while the conversation is that. */
  readonly mark: string;
  /** Timestamp of the backup that holds what the undo replaced; null where it replaced nothing. */
  readonly safetyBackup: string | null;
  readonly operation: Operation;
}

export interface NamedUndone {
  readonly stamp: string;
  readonly conversationId: string;
}

/** Of a prune: what the conversation holds is nothing to it. */
export const ANY_CONTENT = "";
export const ABSENT = "absent";

export function markOfRevision(revision: number): string {
  return `revision ${revision}`;
}

/** Undefined for any other mark. */
export function revisionOfMark(mark: string): number | undefined {
  const revision = /^revision (\d+)$/.exec(mark)?.[1];
  return revision === undefined ? undefined : Number(revision);
}

const NAME = /^_redo_(.+)\.json$/;

export function undoneRecordKey({ stamp, conversationId }: NamedUndone): Key {
  return { area: "trash", name: `${stamp}_redo_${conversationId}.json` };
}

/** Undefined for any other name. */
export function parseUndoneName(name: string): NamedUndone | undefined {
  const stamp = stampOf(name);
  const conversationId = stamp === undefined ? undefined : NAME.exec(name.slice(stamp.length))?.[1];
  return stamp !== undefined && conversationId !== undefined && isConversationId(conversationId)
    ? { stamp, conversationId }
    : undefined;
}

export function encodeUndone(record: UndoneRecord): Uint8Array {
  const operation = Buffer.from(encodeOperation(record.operation)).toString("utf8");
  return seal(
    Buffer.from(`${JSON.stringify({ version: RECORD_VERSION, ...record, operation, checksum: "sha256:" }, null, 2)}\n`),
  );
}

/** Undefined for one that is damaged or of a newer version: nothing is done again by it. */
export function decodeUndone(bytes: Uint8Array, named: NamedUndone): UndoneRecord | undefined {
  const value = verifySeal(Buffer.from(bytes)) === "valid" ? parse(bytes) : undefined;
  if (value === undefined || value["version"] !== RECORD_VERSION) return undefined;
  const [stamp, mark, safetyBackup, sealed] = ["stamp", "mark", "safetyBackup", "operation"].map((field) =>
    ownValue(value, field),
  );
  if (stamp !== named.stamp || typeof mark !== "string") return undefined;
  if (typeof sealed !== "string" || (typeof safetyBackup !== "string" && safetyBackup !== null)) return undefined;
  const operation = operationIn(Buffer.from(sealed, "utf8"), named.conversationId);
  return operation === undefined ? undefined : { stamp: named.stamp, mark, safetyBackup, operation };
}

function operationIn(bytes: Buffer, conversationId: string): Operation | undefined {
  const done = parse(bytes)?.["stamp"];
  const stamp = typeof done === "string" && stampOf(done) === done ? done : "";
  const decoded = decodeOperation(bytes, { stamp, conversationId });
  return decoded.kind === "valid" ? decoded.operation : undefined;
}

function parse(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
