/**
 * Snapshots searched by threads: reading and parsing thousands of small files is work for every core. What a thread
 * cannot tell by the snapshot alone is left to the caller, and where there are no threads, everything is.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { LineMatch } from "../../exchange/search/find-lines.js";
import type { Query } from "../../exchange/search/query.js";
import type { SnapshotsScanned } from "../../persistence/reading/scan-conversations.js";

export interface SearchTask {
  readonly files: readonly { readonly id: string; readonly path: string }[];
  readonly query: Query;
  readonly role: string | undefined;
  readonly status: string | undefined;
  /** ISO 8601. */
  readonly since: string | undefined;
}

/** A thread costs some tens of milliseconds to start. */
const WORTHWHILE = 400;
const MAX_THREADS = 4;

function runThread(task: SearchTask): Promise<SnapshotsScanned<LineMatch>> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./search-thread.js", import.meta.url), { workerData: task });
    worker.once("message", (scanned: SnapshotsScanned<LineMatch>) => {
      resolve(scanned);
      void worker.terminate();
    });
    worker.once("error", reject);
    worker.once("exit", () => {
      reject(new Error("a search thread ended without a word"));
    });
  });
}

/** Undefined where threads are not worth it, or cannot be had. */
export async function searchInThreads(task: SearchTask): Promise<SnapshotsScanned<LineMatch> | undefined> {
  const threads = Math.min(availableParallelism(), MAX_THREADS);
  if (task.files.length < WORTHWHILE || threads < 2) return undefined;
  const parts = Array.from({ length: threads }, (_, thread) => ({ ...task, files: task.files.filter((_file, index) => index % threads === thread) }));
  try {
    const scanned = await Promise.all(parts.map(runThread));
    return { found: scanned.flatMap(({ found }) => found), unsure: scanned.flatMap(({ unsure }) => unsure) };
  } catch {
    return undefined;
  }
}
