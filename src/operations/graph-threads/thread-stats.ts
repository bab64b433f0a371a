/** How much a LangGraph thread is: its checkpoints, what their values take, and what waits. */
import { segmentKey, threadName } from "../../store/names.js";
import { segmentNumbers } from "../../threads/segment-files.js";
import type { Threads } from "../../threads/threads.js";
import { readThreadDocument } from "./thread-document.js";

export interface ThreadStats {
  readonly kind: "thread";
  readonly conversationId: string;
  readonly status: string;
  readonly checkpoints: number;
  /** The graph's own, and one for each run of a subgraph. */
  readonly namespaces: number;
  readonly messageCount: number;
  /** Values that are stored: an unchanged one is stored once. */
  readonly values: number;
  readonly valueBytes: number;
  readonly partials: number;
  readonly files: number;
  readonly sizeBytes: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export async function threadStats(threads: Threads, threadId: string): Promise<ThreadStats> {
  const { metadata, partials } = await readThreadDocument(threads, threadId);
  const { storage } = threads.store;
  const counts = await threads.get(threadId).read(({ index }) => {
    const values = [...index.values];
    return Promise.resolve({
      checkpoints: index.checkpoints().length,
      namespaces: index.namespaces.length,
      values: values.length,
      valueBytes: values.reduce((sum, { place }) => sum + place.length, 0),
    });
  });
  const numbers = await segmentNumbers(storage, threadName(threadId));
  let sizeBytes = 0;
  for (const number of numbers) sizeBytes += (await storage.stat(segmentKey(threadName(threadId), number)))?.size ?? 0;
  const { status, messageCount, createdAt, savedAt } = metadata;
  return {
    kind: "thread",
    conversationId: threadId,
    status,
    ...counts,
    messageCount,
    partials: partials.length,
    files: numbers.length,
    sizeBytes,
    createdAt,
    updatedAt: savedAt,
  };
}
