/**
 * Snapshots searched by threads: reading and parsing thousands of small files is work for every core. What a thread
 * cannot tell by the snapshot alone is left to the caller, and where there are no threads, everything is.
 */
import type { LineMatch, Searched } from "../../../formats/search/find-lines.js";
import type { Query } from "../../../formats/search/query.js";
import type { SnapshotsScanned } from "../../../operations/search.js";
import { inThreads } from "../../../operations/workers.js";

export interface SearchTask {
  readonly files: readonly { readonly id: string; readonly path: string }[];
  readonly query: Query;
  readonly searched: Searched;
  readonly status: string | undefined;
  /** ISO 8601. */
  readonly since: string | undefined;
}

/** Undefined without threads. */
export async function searchInThreads(task: SearchTask): Promise<SnapshotsScanned<LineMatch> | undefined> {
  const dataOf = (files: SearchTask["files"]): SearchTask => ({ ...task, files });
  const scanned = await inThreads<SearchTask["files"][number], SnapshotsScanned<LineMatch>>(
    new URL("./search-thread.js", import.meta.url),
    task.files,
    dataOf,
  );
  return scanned === undefined
    ? undefined
    : { found: scanned.flatMap(({ found }) => found), unsure: scanned.flatMap(({ unsure }) => unsure) };
}
