/** Threads removed, pruned and repaired by a command: what several lose at once is taken back at once. */
import type { RetentionPolicy } from "../../plan/retention.js";
import { threadName } from "../../store/names.js";
import { byPolicy, prune, resultOf, type PruneThreadResult } from "../../threads/prune.js";
import { bytesOf, filesOfThread, removeThread } from "../../threads/remove.js";
import { repairThread, type RepairThreadResult } from "../../threads/repair.js";
import { segmentNumbers } from "../../threads/segment-files.js";
import type { Threads } from "../../threads/threads.js";
import type { RemoveOptions, RemoveResult } from "../remove.js";
import { mustExist } from "./thread-document.js";

/** Throws `NOT_FOUND` before anything goes. */
export async function removeThreads(
  threads: Threads,
  ids: readonly string[],
  { purge = false, dryRun = false }: RemoveOptions,
): Promise<RemoveResult[]> {
  const previews: RemoveResult[] = [];
  for (const id of ids) previews.push(await preview(threads, id, purge || !threads.store.trash.keeps));
  if (dryRun) return previews;
  const results: RemoveResult[] = [];
  let group: string | undefined;
  for (const id of ids) {
    const thread = threads.get(id);
    const removed = await thread.holding((held) => removeThread(held, { purge, group }));
    if (removed === undefined) throw mustExist(thread);
    group ??= removed.group;
    const paths = removed.files.map((file) => threads.store.storage.describe(file));
    results.push({ conversationId: id, removed: paths, bytes: removed.bytes, purged: removed.purged, dryRun: false });
  }
  return results;
}

async function preview({ store }: Threads, threadId: string, purged: boolean): Promise<RemoveResult> {
  const name = threadName(threadId);
  const segments = await segmentNumbers(store.storage, name);
  if (segments.length === 0) throw mustExist({ threadId });
  const files = await filesOfThread(store, name, segments, purged);
  const removed = files.map((file) => store.storage.describe(file));
  return { conversationId: threadId, removed, bytes: await bytesOf(store, files), purged, dryRun: true };
}

export type PrunedThread = PruneThreadResult & { readonly conversationId: string };

export interface PruneThreadsOptions {
  readonly dryRun?: boolean;
  readonly purge?: boolean;
}

export async function pruneThreads(
  threads: Threads,
  ids: readonly string[],
  policy: RetentionPolicy,
  { dryRun = false, purge = false }: PruneThreadsOptions = {},
): Promise<PrunedThread[]> {
  const plan = byPolicy(policy, threads.store.now());
  const results: PrunedThread[] = [];
  let group: string | undefined;
  for (const id of ids) {
    const thread = threads.get(id);
    const looked = await thread.read(async (view) => {
      if (view.index.isEmpty) throw mustExist(thread);
      return resultOf(await plan(view));
    });
    if (dryRun || looked.removed.length === 0) results.push({ conversationId: id, ...looked });
    else {
      const { group: first, ...pruned } = await thread.exclusive((locked) => prune(locked, plan, { purge, group }));
      group ??= first;
      results.push({ conversationId: id, ...pruned });
    }
  }
  return results;
}

/** Throws `NEWER_VERSION`, `NOT_FOUND`. */
export async function repairOneThread(threads: Threads, threadId: string): Promise<RepairThreadResult> {
  const thread = threads.get(threadId);
  if ((await segmentNumbers(threads.store.storage, thread.name)).length === 0) throw mustExist(thread);
  return thread.holding(repairThread);
}
