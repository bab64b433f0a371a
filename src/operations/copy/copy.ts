/**
 * Copies conversations from one store to another, file by file as they are: snapshot, journal, backups, trash. Each file is
 * read back and compared. The source is only read; what exists at the target is never changed. A copy that was cut off
 * is taken up where it ended: what is there and the same is not copied again. One conversation's failure stops no other.
 */
import { DraftstateError, isDraftstateError } from "../../errors.js";
import type { Key, Lock, Storage } from "../../storage/storage.js";
import { MAX_FILE_BYTES } from "../../store/codec.js";
import type { OnProgress } from "../../store/events.js";
import { mapAtOnce } from "../../store/map-at-once.js";
import { isConversationId, knownIds } from "../../store/names.js";
import type { Store } from "../../store/store.js";
import { filesById, nameOf, strangers, type AllNames } from "./plan.js";

const AT_ONCE = 8;

export interface CopyOptions {
  /** All where it is left out. */
  readonly ids?: readonly string[];
  readonly onProgress?: OnProgress | undefined;
}

export interface CopiedConversation {
  readonly conversationId: string;
  /** `identical`: all of it was there already. */
  readonly outcome: "copied" | "identical";
  /** Those that were written now. */
  readonly files: number;
  readonly bytes: number;
}

export interface FailedCopy {
  readonly conversationId: string;
  readonly error: DraftstateError;
}

export interface CopyResult {
  readonly copied: readonly CopiedConversation[];
  readonly failed: readonly FailedCopy[];
}

type Files = ReadonlyMap<string, readonly Key[]>;

/** Throws what stops all of it, such as a store that is away; what stops one conversation is in the result. */
export async function copyConversations(source: Store, target: Store, options: CopyOptions = {}): Promise<CopyResult> {
  if (source.storage.identity === target.storage.identity)
    throw new DraftstateError("USAGE", `${source.storage.identity} is the source and the target: name two stores`);
  if (!(await source.storage.exists()))
    throw new DraftstateError("NOT_FOUND", `there is no store at ${source.storage.identity}: check --from`);
  const files = filesById(await allNames(source.storage));
  const spilled = new Set((await source.spills?.ids()) ?? []);
  await target.storage.prepare();
  const names = await allNames(target.storage);
  const there = filesById(names);
  const lookalikes = new Map(knownIds(names.state, names.backup).map((id) => [id.toLowerCase(), id]));
  const wanted = options.ids ?? [...files.keys()].sort();
  const [copied, failed]: [CopiedConversation[], FailedCopy[]] = [[], []];
  await mapAtOnce(wanted, AT_ONCE, async (id) => {
    try {
      if (spilled.has(id)) throw isSpilled(id);
      assertNoLookalike(id, lookalikes);
      copied.push(await copyOne({ source, target, id, files, there }));
    } catch (error) {
      if (!isDraftstateError(error)) throw error;
      failed.push({ conversationId: id, error });
    }
    options.onProgress?.(copied.length + failed.length, wanted.length);
  });
  return { copied: copied.sort(byId), failed: failed.sort(byId) };
}

interface Copying {
  readonly source: Store;
  readonly target: Store;
  readonly id: string;
  readonly files: Files;
  readonly there: Files;
}

async function copyOne({ source, target, id, files, there }: Copying): Promise<CopiedConversation> {
  const wanted = files.get(id) ?? [];
  if (!isConversationId(id) || wanted.length === 0)
    throw new DraftstateError("NOT_FOUND", `there is no conversation ${id} in ${source.storage.identity}`);
  const holder = await source.storage.lockHolder(id);
  if (holder !== undefined) throw inUse(id, `${holder.holder} has it open since ${holder.since}`);
  if (strangers(wanted, there.get(id) ?? []).length > 0) throw existsAlready(id, target.storage);
  return underLock(target, id, (lock) => copyFiles(source.storage, target.storage, { id, wanted, lock }));
}

interface Work {
  readonly id: string;
  readonly wanted: readonly Key[];
  readonly lock: Lock;
}

/** What this run wrote goes again where the source changed meanwhile: half of one moment and half of another is no conversation. */
async function copyFiles(source: Storage, target: Storage, { id, wanted, lock }: Work): Promise<CopiedConversation> {
  const written: Key[] = [];
  let bytes = 0;
  const before = await versions(source, wanted);
  try {
    for (const key of wanted) {
      const content = await source.read(key, { maxBytes: MAX_FILE_BYTES });
      if (content === undefined) throw inUse(id, "a file of it went away while it was copied");
      if (await target.create(key, content, lock)) {
        written.push(key);
        bytes += content.length;
      }
      if (!(await isSame(target, key, content))) throw differs(key, id, target, written);
    }
    const after = await versions(source, wanted);
    if (after.some((version, index) => version !== before[index])) throw inUse(id, "it changed while it was copied");
  } catch (error) {
    for (const key of [...written].reverse()) await target.remove(key, lock).catch(() => false);
    throw error;
  }
  await target.settle("state");
  return { conversationId: id, outcome: written.length === 0 ? "identical" : "copied", files: written.length, bytes };
}

async function versions(storage: Storage, keys: readonly Key[]): Promise<(string | undefined)[]> {
  return (await storage.readEnds(keys, 0)).map((end) => end?.version);
}

async function isSame(storage: Storage, key: Key, content: Uint8Array): Promise<boolean> {
  const found = await storage.read(key, { maxBytes: MAX_FILE_BYTES });
  return found !== undefined && Buffer.compare(found, content) === 0;
}

async function underLock<T>({ storage, now }: Store, id: string, act: (lock: Lock) => Promise<T>): Promise<T> {
  const attempt = await storage.tryLock(id, now());
  if (!attempt.acquired)
    throw inUse(id, `${attempt.holder?.holder ?? "another process"} has it open at the target (${attempt.where})`);
  try {
    if (attempt.takenOverFrom !== undefined) await storage.sweep(id);
    return await act(attempt.lock);
  } finally {
    await attempt.lock.release();
  }
}

async function allNames(storage: Storage): Promise<AllNames> {
  const [state, backup, trash] = await Promise.all([
    storage.list("state"),
    storage.list("backup"),
    storage.list("trash"),
  ]);
  return { state, backup, trash };
}

function assertNoLookalike(id: string, lookalikes: ReadonlyMap<string, string>): void {
  const like = lookalikes.get(id.toLowerCase());
  if (like === undefined || like === id) return;
  throw new DraftstateError(
    "INVALID_ID",
    `conversation ${id} differs from ${like} at the target by upper and lower case alone: it was not copied`,
  );
}

function existsAlready(id: string, target: Storage): DraftstateError {
  return new DraftstateError(
    "INVALID_ID",
    `conversation ${id} exists in ${target.identity} and is not the same: nothing of it was changed; remove it there, or copy the others by their ids`,
  );
}

function differs(key: Key, id: string, target: Storage, written: readonly Key[]): DraftstateError {
  const isOwn = written.some((each) => nameOf(each) === nameOf(key));
  return isOwn
    ? new DraftstateError("CORRUPT", `${target.describe(key)} does not read back as it was written: it was removed`)
    : existsAlready(id, target);
}

function inUse(id: string, why: string): DraftstateError {
  return new DraftstateError("LOCKED", `conversation ${id} is in use: ${why}: close it there, then copy again`);
}

function isSpilled(id: string): DraftstateError {
  return new DraftstateError(
    "STORAGE",
    `conversation ${id} has changes in the fallback directory that its store does not hold yet: open it once (draftstate repair ${id}), then copy again`,
  );
}

function byId(left: { readonly conversationId: string }, right: { readonly conversationId: string }): number {
  return left.conversationId < right.conversationId ? -1 : 1;
}
