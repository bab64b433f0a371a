/**
 * Which of many snapshots may hold a text, found by threads that do nothing but read bytes: reading thousands of small
 * files is work for every core. Only ever narrows down; what a thread cannot tell is looked at like the rest.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Query } from "../../exchange/search/query.js";

export interface PreselectionTask {
  readonly files: readonly { readonly id: string; readonly path: string }[];
  readonly query: Query;
  readonly matchCase: boolean;
  readonly status: string | undefined;
  /** ISO 8601. */
  readonly since: string | undefined;
}

/** A thread costs some tens of milliseconds to start. */
const WORTHWHILE = 400;
const MAX_THREADS = 4;

function runThread(task: PreselectionTask): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./preselection-thread.js", import.meta.url), { workerData: task });
    worker.once("message", (ids: string[]) => {
      resolve(ids);
      void worker.terminate();
    });
    worker.once("error", reject);
    worker.once("exit", () => {
      reject(new Error("a search thread ended without a word"));
    });
  });
}

/** Undefined where threads are not worth it, or cannot be had. */
export async function preselect(task: PreselectionTask): Promise<ReadonlySet<string> | undefined> {
  const threads = Math.min(availableParallelism(), MAX_THREADS);
  if (task.files.length < WORTHWHILE || threads < 2) return undefined;
  const parts = Array.from({ length: threads }, (_, thread) => ({ ...task, files: task.files.filter((_file, index) => index % threads === thread) }));
  try {
    return new Set((await Promise.all(parts.map(runThread))).flat());
  } catch {
    return undefined;
  }
}
