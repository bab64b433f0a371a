/**
 * Folds the files of processes that have ended into `total.json`, under a lock. The total names what it holds, so a
 * crash between its replacement and the removal of a file counts nothing twice. What a fold costs does not depend on
 * the size of the store: it lists the metrics area alone and looks at a bounded number of conversations.
 */
import { addMetrics, EMPTY, withConversations, withNewestDays, type MetricData } from "../monitoring/figures.js";
import type { Lock } from "../storage/storage.js";
import { journalKey, snapshotKey } from "../store/names.js";
import { encodeTotal, processKey, readProcess, readTotal, TOTAL, type TotalFile } from "./metric-files.js";
import type { MetricsStorage } from "./storage-gate.js";

export interface FoldContext {
  readonly storage: MetricsStorage;
  readonly now: () => Date;
  readonly random: () => number;
}

interface Ended {
  readonly name: string;
  readonly data: MetricData;
  /** It closed its file itself, and so left nothing else. */
  readonly closed: boolean;
}

/** Named so that no conversation can have the name, since locks are named like conversations. */
const FOLD_LOCK = "_metrics";
const DAYS_KEPT = 60;
/** Folded names that are remembered after their files are gone, for readers that saw them before. */
const NAMES_KEPT = 500;
/** Conversations of the table that one fold looks for in the store. */
const LOOKED_AT = 100;
/** Killed processes that one fold cleans up after: each costs a listing of all areas. */
const KILLED_AT_ONCE = 4;

export async function foldEnded(context: FoldContext, names: readonly string[]): Promise<void> {
  const attempt = await context.storage.tryLock(FOLD_LOCK, context.now());
  if (!attempt.acquired) return;
  try {
    await foldLocked(context, names, attempt.lock);
  } finally {
    await attempt.lock.release();
  }
}

async function foldLocked(context: FoldContext, names: readonly string[], lock: Lock): Promise<void> {
  const { storage } = context;
  const total = await usableTotal(context);
  if (total === undefined) return;
  const ended = await endedOf(storage, names);
  const fresh = ended.filter(({ name }) => !total.folded.includes(name));
  const data = fresh.reduce((sum, file) => addMetrics(sum, file.data), total.data);
  const endedNames = ended.map(({ name }) => name);
  const folded = [...total.folded.filter((name) => !endedNames.includes(name)).slice(-NAMES_KEPT), ...endedNames];
  const kept = withNewestDays(await withoutGone(context, data), DAYS_KEPT);
  await storage.replace(TOTAL, encodeTotal({ data: kept, folded }), lock);
  for (const file of ended) await removeEnded(context, file);
}

/** Undefined where the total is of a newer version. A damaged one is moved aside: what it counted may yet be had from it. */
async function usableTotal({ storage, now }: FoldContext): Promise<TotalFile | undefined> {
  const total = await readTotal(storage);
  if (total === "newer") return undefined;
  if (total !== "damaged") return total;
  await storage.move(TOTAL, { area: "quarantine", name: `metrics-total.json.${now().getTime()}` });
  return { data: EMPTY, folded: [] };
}

async function endedOf(storage: MetricsStorage, names: readonly string[]): Promise<Ended[]> {
  const ended: Ended[] = [];
  let killed = 0;
  for (const name of names) {
    const file = await readProcess(storage, name);
    if (file === undefined) continue;
    if (!file.closed && (killed === KILLED_AT_ONCE || (await storage.lockHolder(name)) !== undefined)) continue;
    if (!file.closed) killed += 1;
    ended.push({ name, data: file.data, closed: file.closed });
  }
  return ended;
}

/** Drops conversations without a snapshot or a journal: of a large table, each fold looks at another part. */
async function withoutGone({ storage, random }: FoldContext, data: MetricData): Promise<MetricData> {
  const ids = Object.keys(data.conversations);
  const first = ids.length <= LOOKED_AT ? 0 : Math.floor(random() * ids.length);
  const looked = [...ids, ...ids].slice(first, first + Math.min(LOOKED_AT, ids.length));
  const gone = new Set<string>();
  for (const id of looked) {
    if ((await storage.stat(snapshotKey(id))) === undefined && (await storage.stat(journalKey(id))) === undefined)
      gone.add(id);
  }
  return withConversations(data, (id) => !gone.has(id));
}

async function removeEnded({ storage, now }: FoldContext, { name, closed }: Ended): Promise<void> {
  await storage.remove(processKey(name));
  if (closed) return;
  // What a killed process left of its lock and its unfinished writes goes with its file.
  const attempt = await storage.tryLock(name, now());
  if (!attempt.acquired) return;
  try {
    await storage.sweep(name);
  } finally {
    await attempt.lock.release();
  }
}
