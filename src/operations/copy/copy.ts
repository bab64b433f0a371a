/**
 * Copies conversations, threads and a LangGraph store's namespaces from one store to another, file by file as they are, with
 * backups and trash. Each file is read back and compared. The source is only read; what exists at the target is never changed.
 * A copy that was cut off is taken up where it ended: what is there and the same is not copied again. One failure stops no other.
 * Until a conversation is there as a whole, its snapshot says that it is not: else a backup of it would stand for it.
 */
import { DraftstateError, isDraftstateError, messageOf } from "../../errors.js";
import type { Key, Lock, Storage } from "../../storage/storage.js";
import { MAX_FILE_BYTES } from "../../store/codec.js";
import type { OnProgress } from "../../store/events.js";
import { mapAtOnce } from "../../store/map-at-once.js";
import { labelsOf } from "../../store/item-names.js";
import { isConversationId, knownIds, snapshotKey, threadIdOf, threadName } from "../../store/names.js";
import type { Store } from "../../store/store.js";
import { idInFiles } from "../../threads/segment-files.js";
import { lockOf, nameOf, strangers, unitKey, unitsIn, type AllNames, type CopiedKind, type CopyUnit } from "./plan.js";

const AT_ONCE = 8;
/** In the place of a snapshot: read as a damaged one. */
const UNFINISHED = Buffer.from('{"unfinished": "this conversation was not copied as a whole: copy it again"}\n');

export interface CopyOptions {
  /** Of conversations. Everything where `ids` and `threads` are left out. */
  readonly ids?: readonly string[];
  /** Ids of LangGraph threads. */
  readonly threads?: readonly string[];
  readonly onProgress?: OnProgress | undefined;
}

export interface CopiedConversation {
  readonly kind: CopiedKind;
  /** Of a thread, its id; of a namespace, its labels joined by dots. */
  readonly conversationId: string;
  /** `identical`: all of it was there already. */
  readonly outcome: "copied" | "identical";
  /** Those that were written now. */
  readonly files: number;
  readonly bytes: number;
}

export interface FailedCopy {
  readonly kind: CopiedKind;
  readonly conversationId: string;
  readonly error: DraftstateError;
}

export interface CopyResult {
  readonly copied: readonly CopiedConversation[];
  readonly failed: readonly FailedCopy[];
}

type Units = ReadonlyMap<string, CopyUnit>;

/** Throws what stops all of it before anything is copied, such as a store that is away; what stops one of them is in the result. */
export async function copyConversations(source: Store, target: Store, options: CopyOptions = {}): Promise<CopyResult> {
  if (source.storage.identity === target.storage.identity)
    throw new DraftstateError("USAGE", `${source.storage.identity} is the source and the target: name two stores`);
  // Looked for first: where the store was there and is gone, that is another error.
  const units = unitsIn(await allNames(source.storage));
  if (!(await source.storage.exists()))
    throw new DraftstateError(
      "NOT_FOUND",
      `there is no store at ${source.storage.identity}: give another store to copy from`,
    );
  const spilled = new Set((await source.spills?.ids()) ?? []);
  await target.storage.prepare();
  const names = await allNames(target.storage);
  const there = unitsIn(names);
  const lookalikes = new Map(knownIds(names.state, names.backup).map((id) => [id.toLowerCase(), id]));
  const wanted = wantedOf(units, options);
  const [copied, failed]: [CopiedConversation[], FailedCopy[]] = [[], []];
  await mapAtOnce(wanted, AT_ONCE, async (unit) => {
    const [kind, id] = [unit.kind, await idOf(source.storage, unit)];
    try {
      if (kind === "conversation") {
        if (spilled.has(id)) throw isSpilled(id);
        assertNoLookalike(id, lookalikes);
      }
      copied.push({ kind, ...(await copyOne({ source, target, id, unit, there })) });
    } catch (error) {
      failed.push({ kind, conversationId: id, error: told(error, `${kind} ${id} was not copied`) });
    }
    options.onProgress?.(copied.length + failed.length, wanted.length);
  });
  return { copied: copied.sort(byId), failed: failed.sort(byId) };
}

/** In the order of their keys. One that is not there has no files. */
function wantedOf(units: Units, { ids, threads }: CopyOptions): CopyUnit[] {
  if (ids === undefined && threads === undefined)
    return [...units.values()].sort((left, right) => (unitKey(left) < unitKey(right) ? -1 : 1));
  const named = [
    ...(ids ?? []).map((id) => ({ kind: "conversation", name: id }) as const),
    ...(threads ?? []).map((id) => ({ kind: "thread", name: threadName(id) }) as const),
  ];
  return named.map((unit) => units.get(unitKey(unit)) ?? { ...unit, files: [] });
}

/** What a person calls it. */
async function idOf(storage: Storage, { kind, name }: CopyUnit): Promise<string> {
  if (kind === "conversation") return name;
  if (kind === "namespace") return labelsOf(name)?.join(".") ?? name;
  return threadIdOf(name) ?? (await idInFiles(storage, name).catch(() => undefined)) ?? name;
}

interface Copying {
  readonly source: Store;
  readonly target: Store;
  readonly id: string;
  readonly unit: CopyUnit;
  readonly there: Units;
}

type Copied = Omit<CopiedConversation, "kind">;

async function copyOne({ source, target, id, unit, there }: Copying): Promise<Copied> {
  const { kind, files: wanted } = unit;
  if (wanted.length === 0 || (kind === "conversation" && !isConversationId(id)))
    throw new DraftstateError("NOT_FOUND", `there is no ${kind} ${id} in ${source.storage.identity}`);
  const holder = await source.storage.lockHolder(lockOf(unit));
  if (holder !== undefined) throw inUse(unit, id, `${holder.holder} has it open since ${holder.since}`);
  const what = { unit, id };
  const found = there.get(unitKey(unit))?.files ?? [];
  if (strangers(wanted, found).length > 0)
    throw found.every(({ area }) => area === "trash")
      ? isInTrash(what, target.storage)
      : existsAlready(what, target.storage);
  return underLock(target, what, (lock) => copyFiles(source.storage, target.storage, { ...what, lock }));
}

interface What {
  readonly id: string;
  readonly unit: CopyUnit;
}

interface Work extends What {
  readonly lock: Lock;
}

/** What this run wrote goes again where the source changed meanwhile: half of one moment and half of another is no conversation. */
async function copyFiles(source: Storage, target: Storage, { id, unit, lock }: Work): Promise<Copied> {
  const { files: wanted } = unit;
  const written: Key[] = [];
  let [files, bytes] = [0, 0];
  const before = await versions(source, wanted);
  try {
    const snapshot = snapshotOf(unit);
    if (snapshot !== undefined && (await target.create(snapshot, UNFINISHED, lock))) written.push(snapshot);
    for (const key of wanted) {
      const content = await source.read(key, { maxBytes: MAX_FILE_BYTES });
      if (content === undefined) throw inUse(unit, id, "a file of it went away while it was copied");
      if (await put(target, key, content, lock)) {
        files += 1;
        written.push(key);
        bytes += content.length;
      }
      if (!(await isSame(target, key, content))) throw differs(key, { id, unit }, target, written);
    }
    const after = await versions(source, wanted);
    if (after.some((version, index) => version !== before[index]))
      throw inUse(unit, id, "it changed while it was copied");
  } catch (error) {
    for (const key of [...written].reverse()) await target.remove(key, lock).catch(() => false);
    throw error;
  }
  await target.settle("state");
  return { conversationId: id, outcome: files === 0 ? "identical" : "copied", files, bytes };
}

/** The last of its files to be there. */
function snapshotOf({ kind, name, files }: CopyUnit): Key | undefined {
  const last = files.at(-1);
  return kind === "conversation" && last?.area === "state" && last.name === snapshotKey(name).name ? last : undefined;
}

/** False where something else has the name. */
async function put(target: Storage, key: Key, content: Uint8Array, lock: Lock): Promise<boolean> {
  if (await target.create(key, content, lock)) return true;
  if (!(await isSame(target, key, UNFINISHED))) return false;
  await target.replace(key, content, lock);
  return true;
}

async function versions(storage: Storage, keys: readonly Key[]): Promise<(string | undefined)[]> {
  return (await storage.readEnds(keys, 0)).map((end) => end?.version);
}

async function isSame(storage: Storage, key: Key, content: Uint8Array): Promise<boolean> {
  const found = await storage.read(key, { maxBytes: MAX_FILE_BYTES });
  return found !== undefined && Buffer.compare(found, content) === 0;
}

async function underLock<T>(
  { storage, locks }: Store,
  { id, unit }: What,
  act: (lock: Lock) => Promise<T>,
): Promise<T> {
  const name = lockOf(unit);
  const attempt = await locks.try(name);
  if (!attempt.acquired)
    throw inUse(
      unit,
      id,
      `${attempt.holder?.holder ?? "another process"} has it open at the target (${attempt.where})`,
    );
  try {
    if (attempt.takenOverFrom !== undefined) await storage.sweep(name);
    return await act(attempt.lock);
  } finally {
    await locks.release(attempt.lock, id);
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

function told(error: unknown, what: string): DraftstateError {
  return isDraftstateError(error)
    ? error
    : new DraftstateError("STORAGE", `${what}: ${messageOf(error)}`, { cause: error });
}

function existsAlready({ id, unit: { kind } }: What, target: Storage): DraftstateError {
  const remove =
    kind === "conversation"
      ? `remove it there for good (manager.remove(${JSON.stringify(id)}, { purge: true }))`
      : "remove it there";
  return new DraftstateError(
    "INVALID_ID",
    `${kind} ${id} exists in ${target.identity} and is not the same: nothing of it was changed; ${remove}, or copy the others by their ids`,
  );
}

function isInTrash({ id, unit }: What, target: Storage): DraftstateError {
  return new DraftstateError(
    "INVALID_ID",
    `${unit.kind} ${id} was removed from ${target.identity}, whose trash still keeps it: nothing of it was changed; empty the trash of that store (manager.emptyTrash()), then copy again`,
  );
}

function differs(key: Key, what: What, target: Storage, written: readonly Key[]): DraftstateError {
  const isOwn = written.some((each) => nameOf(each) === nameOf(key));
  return isOwn
    ? new DraftstateError("CORRUPT", `${target.describe(key)} does not read back as it was written: it was removed`)
    : existsAlready(what, target);
}

function inUse({ kind }: CopyUnit, id: string, why: string): DraftstateError {
  return new DraftstateError("LOCKED", `${kind} ${id} is in use: ${why}: close it there, then copy again`);
}

function isSpilled(id: string): DraftstateError {
  return new DraftstateError(
    "STORAGE",
    `conversation ${id} has changes in the fallback directory that its store does not hold yet: open it once (manager.repair("${id}")), then copy again`,
  );
}

function byId(left: { readonly conversationId: string }, right: { readonly conversationId: string }): number {
  return left.conversationId < right.conversationId ? -1 : 1;
}
