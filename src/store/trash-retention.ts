/**
 * What goes from the trash for good: what is too old, and all of it when it is emptied. An operation and its undo hold the lock
 * of their conversation: nothing goes of one that another holder has, nor what a pending record still needs. No lock is taken
 * here, since that needs room on a full disk and turns others away. Instead records go first, then the lock is looked at again:
 * whoever takes it after that finds no record, and so touches none of the files that go next. An undo that was faster has given its
 * record another name (`claim` in trash.ts), by which its files are known: they stay.
 */
import type { Key, Lock, Storage } from "../storage/storage.js";
import { conversationIn, parsePendingName, parseRecordName, recordKeys, stampOf } from "./trash-record.js";

export interface Discarding {
  readonly storage: Storage;
  /** Of the trash, as they were listed: what comes later is not looked at. */
  readonly names: readonly string[];
  readonly isOver: (name: string) => boolean;
  /** Undefined where no operation is pending on the conversation, or where its record is damaged. */
  readonly pendingOn: (conversationId: string) => Promise<PendingStamp | undefined>;
  /** Of the conversation whose lock the caller has, in its turn. */
  readonly guard?: Lock | undefined;
}

/** `newer`: a newer version began it, and what it needs is not known here. */
export type PendingStamp = { readonly stamp: string } | "newer";

export interface Discarded {
  readonly freed: number;
  /** Conversations that another holder has, or a newer version works on: what is kept of them stays. */
  readonly left: readonly string[];
}

export async function discard(discarding: Discarding): Promise<Discarded> {
  const left: string[] = [];
  let freed = 0;
  for (const [id, names] of byConversation(discarding)) {
    const each = id === undefined ? await discardForeign(discarding, names) : await discardOf(discarding, id, names);
    freed += each.freed;
    if (each.isLeft && id !== undefined) left.push(id);
  }
  return { freed, left };
}

interface DiscardedOf {
  readonly freed: number;
  readonly isLeft: boolean;
}

/** Under undefined what names no conversation. */
function byConversation({ names, isOver }: Discarding): Map<string | undefined, string[]> {
  const groups = new Map<string | undefined, string[]>();
  for (const name of names.filter(isOver)) {
    const id = conversationIn(name);
    groups.set(id, [...(groups.get(id) ?? []), name]);
  }
  return groups;
}

async function discardForeign({ storage }: Discarding, names: readonly string[]): Promise<DiscardedOf> {
  return { freed: await removeEach(storage, names), isLeft: false };
}

async function discardOf(
  { storage, pendingOn, guard }: Discarding,
  id: string,
  names: readonly string[],
): Promise<DiscardedOf> {
  const isOwn = id === guard?.name;
  const isTaken = async (): Promise<boolean> => !isOwn && (await storage.lockHolder(id)) !== undefined;
  if (await isTaken()) return { freed: 0, isLeft: true };
  const pending = await pendingOn(id);
  if (pending === "newer") return { freed: 0, isLeft: true };
  const stays = pendingThatStays(names, pending, isOwn);
  const over = names.filter(
    (name) => stays === undefined || (parsePendingName(name) === undefined && stampOf(name) !== stays),
  );
  const isRecord = (name: string): boolean => (parseRecordName(name) ?? parsePendingName(name)) !== undefined;
  const freed = await removeEach(storage, over.filter(isRecord));
  if (await isTaken()) return { freed, isLeft: true };
  const claimed = await claimedIn(storage, over);
  const rest = over.filter((name) => !isRecord(name) && !claimed.has(stampOf(name)));
  return { freed: freed + (await removeEach(storage, rest)), isLeft: claimed.size > 0 };
}

/** The stamps of those whose undo was faster, and may have been killed since: their records have another name. */
async function claimedIn(storage: Storage, removed: readonly string[]): Promise<ReadonlySet<string | undefined>> {
  const claimed = new Set<string | undefined>();
  for (const named of removed.flatMap((name) => parseRecordName(name) ?? [])) {
    const found = await Promise.all(recordKeys(named).map((key) => storage.stat(key)));
    if (found.some((stat) => stat !== undefined)) claimed.add(named.stamp);
  }
  return claimed;
}

/** One that a dead process left goes where all goes; otherwise whoever opens the conversation next settles it. */
function pendingThatStays(
  names: readonly string[],
  pending: { readonly stamp: string } | undefined,
  isOwn: boolean,
): string | undefined {
  const goes = !isOwn && names.some((name) => parsePendingName(name) !== undefined);
  return goes ? undefined : pending?.stamp;
}

async function removeEach(storage: Storage, names: readonly string[]): Promise<number> {
  let freed = 0;
  for (const name of names) {
    const key: Key = { area: "trash", name };
    const size = (await storage.stat(key))?.size ?? 0;
    if (await storage.remove(key)) freed += size;
  }
  return freed;
}
