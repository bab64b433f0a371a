/** Work over many files on every core. Where threads are not worth it, or cannot be had, there is no answer and the caller does it. */
import { availableParallelism } from "node:os";

/** What a thread says: how many more it has done, and in the end its answer. */
export type FromThread<Answer> = { readonly done: number } | { readonly answer: Answer };

/** A thread costs some tens of milliseconds to start. */
const WORTHWHILE = 400;
const MAX_THREADS = 4;

async function runThread<Answer>(
  script: URL,
  workerData: unknown,
  onProgress: (more: number) => void,
): Promise<Answer> {
  const { Worker } = await import("node:worker_threads");
  return new Promise((resolve, reject) => {
    const worker = new Worker(script, { workerData });
    worker.on("message", (message: FromThread<Answer>) => {
      if ("done" in message) onProgress(message.done);
      else {
        resolve(message.answer);
        void worker.terminate();
      }
    });
    worker.once("error", reject);
    worker.once("exit", () => {
      reject(new Error("a thread ended without a word"));
    });
  });
}

/** The answers of the threads, each given what `dataOf` makes of its share of the items. */
export async function inThreads<Item, Answer>(
  script: URL,
  items: readonly Item[],
  dataOf: (items: readonly Item[]) => unknown,
  onProgress: (done: number) => void = () => undefined,
): Promise<Answer[] | undefined> {
  const threads = Math.min(availableParallelism(), MAX_THREADS);
  if (items.length < WORTHWHILE || threads < 2) return undefined;
  let done = 0;
  const count = (more: number): void => {
    onProgress((done += more));
  };
  const shares = Array.from({ length: threads }, (_, thread) =>
    items.filter((_item, index) => index % threads === thread),
  );
  try {
    return await Promise.all(shares.map((share) => runThread<Answer>(script, dataOf(share), count)));
  } catch {
    return undefined;
  }
}
