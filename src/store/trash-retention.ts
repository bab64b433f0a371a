/**
 * What goes from the trash for good: what is too old, and all of it when it is emptied. An operation and its undo hold the lock
 * of their conversation or thread: nothing goes of one that another holder has, nor what a pending record still needs. No lock is taken
 * here, since that needs room on a full disk and turns others away. Instead records go first, then the lock is looked at again:
 * the next holder finds no record, and so touches none of the files that go next. An undo that was faster has given its
 * record another name (`claim` in trash.ts), by which its files are known: they stay.
 */
import type { Key, Lock, Storage } from "../storage/storage.js";
import { threadLock } from "./names.js";
import { parseUndoneName } from "./redo-record.js";
import { keptSegmentKey, parseThreadRecordName, readThreadRecord, threadIn } from "./thread-record.js";
import { conversationIn, parsePendingName, parseRecordName, recordKeys, stampOf } from "./trash-record.js";

export interface Discarding {
  readonly storage: Storage;
  /** Of the trash, as they were listed: what comes later is not looked at. */
  readonly names: readonly string[];
  readonly isOver: (name: string) => boolean;
  /** Undefined where no operation is pending on the conversation, or where its record is damaged. */
  readonly pendingOn: (conversationId: string) => Promise<PendingStamp | undefined>;
  /** Of the conversation or thread whose lock the caller has, in its turn. */
  readonly guard?: Lock | undefined;
}

/** `newer`: a newer version began it, and what it needs is not known here. */
export type PendingStamp = { readonly stamp: string } | "newer";

export interface Discarded {
  readonly freed: number;
  /** Locks of conversations and threads that another holder has, or a newer version works on: what is kept of them stays. */
  readonly left: readonly string[];
}

export async function discard(discarding: Discarding): Promise<Discarded> {
  const left: string[] = [];
  let freed = 0;
  for (const [lock, { owner, names }] of byOwner(discarding)) {
    const each = await discardOf(discarding, owner, names);
    freed += each.freed;
    if (each.isLeft && lock !== undefined) left.push(lock);
  }
  return { freed, left };
}

/** Whose it is; undefined for a name that says nothing. */
type Owner = { readonly kind: "conversation" | "thread"; readonly name: string } | undefined;

interface DiscardedOf {
  readonly freed: number;
  readonly isLeft: boolean;
}

/** By the lock, under undefined what names neither a conversation nor a thread. */
function byOwner({ names, isOver }: Discarding): Map<string | undefined, { owner: Owner; names: string[] }> {
  const groups = new Map<string | undefined, { owner: Owner; names: string[] }>();
  for (const name of names.filter(isOver)) {
    const lock = lockIn(name);
    const group = groups.get(lock);
    if (group === undefined) groups.set(lock, { owner: ownerOf(name), names: [name] });
    else group.names.push(name);
  }
  return groups;
}

function ownerOf(name: string): Owner {
  const [thread, id] = [threadIn(name), conversationIn(name)];
  if (thread !== undefined) return { kind: "thread", name: thread };
  return id === undefined ? undefined : { kind: "conversation", name: id };
}

/** The lock that guards what a name in the trash is of. */
export function lockIn(name: string): string | undefined {
  const owner = ownerOf(name);
  return owner?.kind === "thread" ? threadLock(owner.name) : owner?.name;
}

function discardOf(discarding: Discarding, owner: Owner, names: readonly string[]): Promise<DiscardedOf> {
  if (owner === undefined) return discardForeign(discarding, names);
  return owner.kind === "thread"
    ? discardOfThread(discarding, owner.name, names)
    : discardOfConversation(discarding, owner.name, names);
}

async function discardForeign({ storage }: Discarding, names: readonly string[]): Promise<DiscardedOf> {
  return { freed: await removeEach(storage, names), isLeft: false };
}

async function discardOfConversation(
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
  return discardInTwo(storage, over, isTaken);
}

async function discardOfThread(
  { storage, guard, names: all }: Discarding,
  thread: string,
  names: readonly string[],
): Promise<DiscardedOf> {
  const lock = threadLock(thread);
  const isTaken = async (): Promise<boolean> => lock !== guard?.name && (await storage.lockHolder(lock)) !== undefined;
  if (await isTaken()) return { freed: 0, isLeft: true };
  const stay = await changesThatStay(storage, all, names);
  const over = names.filter((name) => !stay.has(stampOf(name) ?? ""));
  const { freed, isLeft } = await discardInTwo(storage, over, isTaken);
  return { freed, isLeft: isLeft || over.length < names.length };
}

/**
 * Stamps of changes that tell what became of files beside the trash: a deletion, or its undo, that was cut off, until the
 * thread's next writer has settled it; and what a newer version did.
 */
async function changesThatStay(
  storage: Storage,
  all: readonly string[],
  names: readonly string[],
): Promise<Set<string>> {
  const present = new Set(all);
  const stay = new Set<string>();
  for (const named of names.flatMap((name) => parseThreadRecordName(name) ?? [])) {
    const decoded = await readThreadRecord(storage, named);
    if (decoded?.kind === "newer") stay.add(named.stamp);
    if (decoded?.kind !== "valid" || decoded.record.kind !== "delete") continue;
    const { segments } = decoded.record;
    const kept = segments.filter((segment) => present.has(keptSegmentKey(named, segment).name));
    if (kept.length > 0 && kept.length < segments.length) stay.add(named.stamp);
  }
  return stay;
}

/** Records first: the next holder of the lock finds none, and so touches none of the other files. */
async function discardInTwo(
  storage: Storage,
  names: readonly string[],
  isTaken: () => Promise<boolean>,
): Promise<DiscardedOf> {
  const isRecord = (name: string): boolean =>
    (parseRecordName(name) ?? parsePendingName(name) ?? parseThreadRecordName(name) ?? parseUndoneName(name)) !==
    undefined;
  const freed = await removeEach(storage, names.filter(isRecord));
  if (await isTaken()) return { freed, isLeft: true };
  const claimed = await claimedIn(storage, names);
  const rest = names.filter((name) => !isRecord(name) && !claimed.has(stampOf(name)));
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

/** One that a dead process left goes where all goes; otherwise the next opening of the conversation settles it. */
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
