/** A thread of the search: reads its snapshots, answers with what they say and with those it cannot tell of, ends. */
import { parentPort, workerData } from "node:worker_threads";
import { findLines, type LineMatch } from "../../../formats/search/find-lines.js";
import { prefilterFor } from "../../../formats/search/prefilter.js";
import { compileQuery } from "../../../formats/search/query.js";
import { MAX_FILE_BYTES } from "../../../store/codec.js";
import { scanSnapshot, type Scanned, type SnapshotsScanned } from "../../../operations/search.js";
import { readAtOnce } from "../../../storage/fs/read-at-once.js";
import { wantsMetadata } from "./conditions.js";
import type { FromThread } from "../../../operations/workers.js";
import type { SearchTask } from "./search-threads.js";

async function search({ files, query, searched, status, since }: SearchTask): Promise<SnapshotsScanned<LineMatch>> {
  const matcher = await compileQuery(query);
  const scan = {
    mayHold: prefilterFor(query, matcher),
    wants: wantsMetadata(status, since),
    look: (state: Parameters<typeof findLines>[0]) => findLines(state, matcher, searched),
  };
  const [found, unsure]: [Scanned<LineMatch>[], string[]] = [[], []];
  for (const { id, path } of files) {
    const bytes = readAtOnce(path, MAX_FILE_BYTES);
    const seen = bytes === undefined ? "unsure" : scanSnapshot(bytes, id, scan);
    if (seen === "unsure") unsure.push(id);
    else if (seen !== "none") found.push(seen);
  }
  return { found, unsure };
}

void search(workerData as SearchTask).then((scanned) => {
  parentPort?.postMessage({ answer: scanned } satisfies FromThread<SnapshotsScanned<LineMatch>>);
});
