/**
 * The proof that the tool calls of a message were not begun. It has two halves. A mark beside the state names store, conversation and
 * message, and is no part of what `restore`, `fork`, `import` or a save puts in place. The same mark in a file of its own, which no
 * copy, backup, trash or undo has, is durable before the calls are asked for and durably gone before the first begins: an older
 * snapshot that comes back to its place, by whatever way, finds none, and its calls are asked about.
 */
import type { Info } from "../model/conversation.js";
import { contentHash } from "../storage/content-hash.js";
import type { Lock } from "../storage/storage.js";
import { unbegunKey } from "../store/names.js";
import type { Store } from "../store/store.js";

interface Place {
  readonly store: Pick<Store, "storage" | "spills">;
  readonly id: string;
  readonly lock: Lock;
}

/** In hexadecimal. */
const MARK_LENGTH = 64;

export function unbegunMark({ store, id }: Place, { createdAt }: Info, messageId: string): string {
  return contentHash(store.storage.identity, id, createdAt, messageId);
}

/** Of a conversation that begins with what another had. */
export function withoutMark<I extends Partial<Info>>(info: I): Omit<I, "unbegunCalls"> {
  const { unbegunCalls: _theirs, ...rest } = info;
  return rest;
}

/** Durable when it resolves. Never rejects: calls whose mark cannot be written are asked about when they are taken up again. */
export async function register({ store, id, lock }: Place, mark: string): Promise<void> {
  await store.storage.replace(unbegunKey(id), Buffer.from(mark), lock).catch(() => undefined);
}

export async function isUnbegun(place: Place, info: Info, messageId: string): Promise<boolean> {
  const mark = unbegunMark(place, info, messageId);
  if (info.unbegunCalls !== mark) return false;
  const bytes = await place.store.storage.read(unbegunKey(place.id), { maxBytes: MARK_LENGTH }).catch(() => undefined);
  return bytes !== undefined && Buffer.from(bytes).toString() === mark;
}

/**
 * Durably gone when it resolves. Where a session may go on without its store, in a fallback, what begins is kept there, and brought
 * home before the conversation is opened again.
 */
export async function unregister({ store: { storage, spills }, id, lock }: Place): Promise<void> {
  const key = unbegunKey(id);
  try {
    await storage.remove(key, lock);
    await storage.settle(key.area);
  } catch (error) {
    if (spills === undefined) throw error;
  }
}
