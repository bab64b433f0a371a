/**
 * The threads of a store as rows of the list, in no order: of each from the end of its log, whatever its length. The whole log is
 * read where that does not tell: somebody writes it, a crash cut it off, or its files are not as they were. A damaged one is a row that says so.
 */
import { summaryAtEnd, type SegmentLength, type ThreadSummary } from "../../checkpoints/summary.js";
import { DraftstateError, messageOf } from "../../errors.js";
import type { Status } from "../../model/conversation.js";
import { mapAtOnce } from "../../store/map-at-once.js";
import { parseSegmentName, segmentKey, threadIdOf, threadLock, threadName } from "../../store/names.js";
import type { End, Storage } from "../../storage/storage.js";
import { SUMMARY_BYTES } from "../../threads/segment-files.js";
import { summaryOf } from "../../threads/summary.js";
import { Threads } from "../../threads/threads.js";
import type { Store } from "../../store/store.js";
import { mayBeEdited } from "../list/edited.js";
import type { CatalogueRow } from "../list/list.js";

const AT_ONCE = 4;
const ENDS_AT_ONCE = 256;

/** The files of one thread's log. */
interface Files {
  readonly name: string;
  /** The lowest number first. */
  readonly segments: readonly SegmentLength[];
  /** Of the last. */
  readonly end: End | undefined;
}

export interface ListThreadsOptions {
  /** Each log is read whole: also one that was edited and kept its time and length is found. */
  readonly everything?: boolean;
}

export async function listThreads(
  store: Store,
  names: readonly string[],
  { everything = false }: ListThreadsOptions = {},
): Promise<CatalogueRow[]> {
  const threads = new Threads(store);
  const files = await filesOf(store.storage, names);
  const rows = await mapAtOnce(files, AT_ONCE, (of) => rowOf(threads, of, everything));
  return rows.flatMap((row) => row ?? []);
}

/** Undefined for one that went meanwhile, or whose removal was cut off. */
async function rowOf(threads: Threads, files: Files, everything: boolean): Promise<CatalogueRow | undefined> {
  const { name, segments } = files;
  const sizeBytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  try {
    const summary = (everything ? undefined : toldByEnd(files)) ?? (await toldByLog(threads, name));
    if (summary === undefined) return undefined;
    return { ...EMPTY, ...shown(summary, await statusNow(threads.store.storage, summary)), sizeBytes };
  } catch (error) {
    if (!(error instanceof DraftstateError)) throw error;
    if (error.code === "NOT_FOUND") return undefined;
    const told = { code: error.code, message: messageOf(error) };
    return { ...EMPTY, conversationId: threadIdOf(name) ?? (await threads.idOf(name)) ?? name, sizeBytes, error: told };
  }
}

/** Undefined where its files are not, or may not be, those that the end speaks of. */
function toldByEnd({ name, segments, end }: Files): ThreadSummary | undefined {
  const summary = end === undefined ? undefined : summaryAtEnd(end.bytes, end.size);
  if (end === undefined || summary === undefined || threadName(summary.threadId) !== name) return undefined;
  if (summary.segments.at(-1)?.number !== segments.at(-1)?.number) return undefined;
  const sizes = new Map(segments.map(({ number, bytes }) => [number, bytes]));
  if (!summary.segments.every(({ number, bytes }) => (sizes.get(number) ?? 0) >= bytes)) return undefined;
  const { size: sizeBytes, modifiedAt } = end;
  const savedAt = new Date(summary.at).toISOString();
  return mayBeEdited({ savedAt, modifiedAt, sizeBytes, fileBytes: sizeBytes }) ? undefined : summary;
}

async function toldByLog(threads: Threads, name: string): Promise<ThreadSummary | undefined> {
  const threadId = await threads.idOf(name);
  if (threadId === undefined) throw new DraftstateError("CORRUPT", "none of its files tells the thread's id");
  return threads.get(threadId).read((view) => summaryOf(view, [], threads.store.now));
}

/** An answer that no node has written streams while somebody writes the thread. */
async function statusNow(storage: Storage, { threadId, status, partials }: ThreadSummary): Promise<Status> {
  const isLive = partials > 0 && (await storage.lockHolder(threadLock(threadName(threadId)))) !== undefined;
  return isLive ? "streaming" : status;
}

function shown({ threadId, title, messages, checkpoints, createdAt, updatedAt }: ThreadSummary, status: Status) {
  return {
    conversationId: threadId,
    title,
    status,
    messageCount: messages ?? 0,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
    revision: checkpoints,
    backupCount: checkpoints,
  };
}

const EMPTY = {
  kind: "thread",
  title: "",
  status: "corrupt",
  messageCount: 0,
  tokenCount: 0,
  createdAt: null,
  updatedAt: null,
  imported: false,
  revision: 0,
  backupCount: 0,
  model: null,
} as const;

async function filesOf(storage: Storage, names: readonly string[]): Promise<Files[]> {
  const numbers = new Map<string, number[]>();
  for (const { thread, segment } of names.flatMap((name) => parseSegmentName(name) ?? []))
    numbers.set(thread, [...(numbers.get(thread) ?? []), segment]);
  const files: Files[] = [];
  const all = [...numbers].map(([name, of]) => ({ name, numbers: of.sort((left, right) => left - right) }));
  for (let from = 0; from < all.length; from += ENDS_AT_ONCE)
    files.push(...(await withSizes(storage, all.slice(from, from + ENDS_AT_ONCE))));
  return files;
}

interface Numbered {
  readonly name: string;
  readonly numbers: readonly number[];
}

async function withSizes(storage: Storage, threads: readonly Numbered[]): Promise<Files[]> {
  const lasts = threads.map(({ name, numbers }) => segmentKey(name, numbers.at(-1) ?? 0));
  // One that cannot be read fails all of them: each log then says so in its row.
  const ends = await storage.readEnds(lasts, SUMMARY_BYTES).catch(() => []);
  const files: Files[] = [];
  for (const [at, { name, numbers }] of threads.entries()) {
    const end = ends[at];
    const sizeOf = async (number: number): Promise<number> =>
      (number === numbers.at(-1) ? end : undefined)?.size ?? (await storage.stat(segmentKey(name, number)))?.size ?? 0;
    const segments: SegmentLength[] = [];
    for (const number of numbers) segments.push({ number, bytes: await sizeOf(number) });
    files.push({ name, segments, end });
  }
  return files;
}
