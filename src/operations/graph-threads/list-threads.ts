/** The threads of a store as rows of the list, in no order. Each log is read whole; a damaged one is a row that says so. */
import { DraftstateError, messageOf } from "../../errors.js";
import { mapAtOnce } from "../../store/map-at-once.js";
import { parseSegmentName, segmentKey, threadIdOf, threadNames } from "../../store/names.js";
import type { Storage } from "../../storage/storage.js";
import { Threads } from "../../threads/threads.js";
import type { Store } from "../../store/store.js";
import type { CatalogueRow } from "../list/list.js";
import { readThreadDocument } from "./thread-document.js";

const AT_ONCE = 4;

export async function listThreads(store: Store, names: readonly string[]): Promise<CatalogueRow[]> {
  const threads = new Threads(store);
  const sizes = await sizesOf(store.storage, names);
  const rows = await mapAtOnce(threadNames(names), AT_ONCE, (name) => rowOf(threads, name, sizes.get(name) ?? 0));
  return rows.flatMap((row) => row ?? []);
}

/** Undefined for one that went meanwhile, or whose removal was cut off. */
async function rowOf(threads: Threads, name: string, sizeBytes: number): Promise<CatalogueRow | undefined> {
  try {
    const threadId = await threads.idOf(name);
    if (threadId === undefined) throw new DraftstateError("CORRUPT", "none of its files tells the thread's id");
    const { metadata, checkpointCount, hasMessages } = await readThreadDocument(threads, threadId);
    const { title, status, messageCount, createdAt, savedAt } = metadata;
    return {
      ...EMPTY,
      conversationId: threadId,
      title: hasMessages ? title : "",
      status,
      messageCount,
      createdAt,
      updatedAt: savedAt,
      revision: checkpointCount,
      sizeBytes,
      backupCount: checkpointCount,
    };
  } catch (error) {
    if (!(error instanceof DraftstateError)) throw error;
    if (error.code === "NOT_FOUND") return undefined;
    const told = { code: error.code, message: messageOf(error) };
    return { ...EMPTY, conversationId: threadIdOf(name) ?? (await threads.idOf(name)) ?? name, sizeBytes, error: told };
  }
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

async function sizesOf(storage: Storage, names: readonly string[]): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const name of names) {
    const parsed = parseSegmentName(name);
    if (parsed === undefined) continue;
    const size = (await storage.stat(segmentKey(parsed.thread, parsed.segment)))?.size ?? 0;
    sizes.set(parsed.thread, (sizes.get(parsed.thread) ?? 0) + size);
  }
  return sizes;
}
