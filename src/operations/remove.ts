/**
 * Takes a conversation away, with its backups: into the trash, from where `undo` brings it back, or for good. The snapshot
 * goes last: until then the conversation is there, whole.
 */
import { DraftstateError, isDraftstateError } from "../errors.js";
import { takeStock } from "../session/open.js";
import { recover, type Locked } from "../session/recover.js";
import type { Sessions } from "../session/sessions.js";
import { listBackupNames } from "../store/backups.js";
import { journalKey, snapshotKey, unbegunKey } from "../store/names.js";
import { quarantinedOf } from "../store/quarantine.js";
import { isNotThere, refusal } from "../store/read.js";
import { assertNoneNewer } from "../store/spills.js";
import type { Store } from "../store/store.js";
import type { Key } from "../storage/storage.js";
import type { KeptFile, Operation } from "../store/trash-record.js";
import { redoOf, type Redoing } from "./redoing.js";
import { ABSENT, markOf } from "./undo/mark.js";

export interface RemoveResult {
  readonly conversationId: string;
  /** Where its files were, for messages. */
  readonly removed: readonly string[];
  readonly bytes: number;
  /** Gone for good: not in the trash. */
  readonly purged: boolean;
  readonly dryRun: boolean;
}

export interface RemoveOptions {
  readonly purge?: boolean;
  readonly dryRun?: boolean;
}

/** In the order in which they go: backups from the oldest on, then the snapshot. Throws `STORAGE` where only the state directory is missing. */
export async function filesOf({ storage }: Pick<Store, "storage">, id: string): Promise<KeptFile[]> {
  const backups = (await listBackupNames(storage, id))
    .reverse()
    .map(({ name }): KeptFile => ({ area: "backup", name }));
  const present: KeptFile[] = [];
  // A journal without its snapshot is read together with a backup: it goes once the snapshot has gone.
  for (const { name } of [snapshotKey(id), journalKey(id)])
    if ((await storage.stat({ area: "state", name })) !== undefined) present.push({ area: "state", name });
  if (present.length === 0 && !(await isNotThere(storage, id))) return filesOf({ storage }, id);
  return [...backups, ...present];
}

async function takeAway<K extends Key>(
  { storage }: Store,
  files: readonly K[],
  take: (file: K) => Promise<boolean>,
): Promise<Pick<RemoveResult, "removed" | "bytes">> {
  const removed: string[] = [];
  let bytes = 0;
  for (const file of files) {
    const size = (await storage.stat(file))?.size ?? 0;
    if (!(await take(file))) continue;
    removed.push(storage.describe(file));
    bytes += size;
  }
  return { removed, bytes };
}

/** One file to move instead of several: a crash between them could leave a snapshot without its latest changes. */
async function gather(locked: Locked): Promise<void> {
  // What was spilled and cannot be brought home would come back by itself, as if nothing had been removed.
  const {
    found,
    plan,
    kept: [stays],
  } = await takeStock(locked);
  if (stays !== undefined)
    throw new DraftstateError(
      "STORAGE",
      `${stays} holds changes of ${locked.id} that could not be kept as a conversation of their own yet: nothing was removed; try again when that can be done, or remove it for good with { purge: true }`,
      { path: stays },
    );
  if (plan.kind === "usable" && found.snapshot !== undefined && found.journal !== undefined)
    await recover(locked, plan);
  const isUndecided = plan.kind === "edited" || plan.kind === "newer";
  if (isUndecided && ((await locked.store.spills?.find(locked.id)) ?? []).length > 0)
    throw refusal(locked.store.storage, locked.id, plan);
}

async function toTrash(
  locked: Locked,
  group: string | undefined,
  redoing: Redoing | undefined,
): Promise<RemoveResult & { readonly stamp: string }> {
  const { store, id, guard } = locked;
  const { storage, trash } = store;
  await gather(locked);
  // A journal that a power loss brings back once its snapshot has gone would be a conversation that cannot be read.
  await storage.settle("state");
  const files = await filesOf(store, id);
  if (files.length === 0) throw refusal(storage, id, { kind: "absent" });
  // What comes back by an undo is asked about.
  await storage.remove(unbegunKey(id), guard);
  const stamp = await trash.newStamp(guard);
  const operation: Operation = {
    kind: "rm",
    conversationId: id,
    stamp,
    group: group ?? stamp,
    files,
    ...redoOf(redoing),
  };
  await trash.begin(operation, guard);
  try {
    return {
      conversationId: id,
      ...(await takeAway(store, files, (file) => trash.files.take(stamp, file, guard))),
      purged: false,
      dryRun: false,
      stamp,
    };
  } catch (error) {
    await trash.withdrawIfNothingWent(operation, guard).catch(() => undefined);
    throw error;
  }
}

/** Needs no room on the disk beyond the lock's: nothing is folded in, nothing recorded. */
async function forGood({ store, id, guard }: Locked): Promise<RemoveResult> {
  const { storage, trash, spills } = store;
  const files = await filesOf(store, id);
  const spilled = (await spills?.find(id)) ?? [];
  if (files.length + spilled.length === 0) throw refusal(storage, id, { kind: "absent" });
  // They go first: one that stayed would bring the conversation back.
  for (const { session } of spilled) await spills?.purge(id, session);
  await trash.forgetAll(id, guard);
  // Copies before what they are of: a purge that is cut off can be asked for again.
  const copies = await takeAway(store, await quarantinedOf(store, id), (file) => storage.remove(file, guard));
  await storage.remove(unbegunKey(id), guard);
  const taken = await takeAway(store, files, (file) => storage.remove(file, guard));
  return {
    conversationId: id,
    removed: [...taken.removed, ...copies.removed, ...spilled.map(({ path }) => path)],
    bytes: spilled.reduce((sum, { sizeBytes }) => sum + sizeBytes, taken.bytes + copies.bytes),
    purged: true,
    dryRun: false,
  };
}

/** What a removal would take, without a lock and without folding a journal in first. */
async function preview(store: Store, id: string, purged: boolean): Promise<RemoveResult> {
  const files = await filesOf(store, id);
  const spilled = (await store.spills?.find(id)) ?? [];
  if (files.length + spilled.length === 0) throw refusal(store.storage, id, { kind: "absent" });
  const copies = purged ? await quarantinedOf(store, id) : [];
  const taken = await takeAway(store, [...files, ...copies], () => Promise.resolve(true));
  return {
    conversationId: id,
    removed: [...taken.removed, ...spilled.map(({ path }) => path)],
    bytes: spilled.reduce((sum, { sizeBytes }) => sum + sizeBytes, taken.bytes),
    purged,
    dryRun: true,
  };
}

/** What an error half-way through several means for those that went before it. */
function stoppedAfter(done: readonly RemoveResult[], error: unknown): unknown {
  if (done.length === 0 || !isDraftstateError(error)) return error;
  const gone = done.map(({ conversationId }) => conversationId).join(", ");
  const where = done.every(({ purged }) => purged) ? "gone for good" : "in the trash (manager.undo() brings them back)";
  return new DraftstateError(error.code, `${error.message}; ${gone} went before it: ${where}`, {
    ...(error.path === undefined ? {} : { path: error.path }),
    cause: error,
  });
}

/** By what the conversation is with what was spilled: that came after the undo. */
async function checkAgain(locked: Locked, redoing: Redoing): Promise<void> {
  if (((await locked.store.spills?.find(locked.id)) ?? []).length > 0) await gather(locked);
  await redoing.check(locked.id, await markOf(locked.store, locked.id));
}

/** All are locked before the first goes, and share a group, so that one undo takes all of them back. The same id twice is one. */
export async function removeAll(
  store: Store,
  sessions: Sessions,
  ids: readonly string[],
  { purge = false, dryRun = false }: RemoveOptions,
  redoing?: Redoing,
): Promise<RemoveResult[]> {
  const different = [...new Set(ids)];
  const purged = purge || !store.trash.keeps;
  const results: RemoveResult[] = [];
  if (dryRun) {
    for (const id of different) results.push(await preview(store, id, purged));
    return results;
  }
  return sessions.exclusive(different, async (held) => {
    for (const id of different) assertNoneNewer((await store.spills?.find(id)) ?? []);
    if (redoing !== undefined) for (const locked of inOrder(different, held)) await checkAgain(locked, redoing);
    // Named by the stamp of its first operation.
    let group: string | undefined;
    for (const locked of inOrder(different, held)) {
      try {
        if (purged) results.push(await forGood(locked));
        else {
          const { stamp, ...result } = await toTrash(locked, group, redoing);
          group ??= stamp;
          results.push(result);
        }
      } catch (error) {
        throw stoppedAfter(results, error);
      }
    }
    for (const { id, guard } of inOrder(different, held)) await redoing?.done(id, ABSENT, guard);
    return results;
  });
}

/** What was asked for first goes first. */
function inOrder(ids: readonly string[], held: ReadonlyMap<string, Locked>): Locked[] {
  return ids.flatMap((id) => held.get(id) ?? []);
}
