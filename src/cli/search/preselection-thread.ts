/** A thread of the preselection: reads its files, names those that may hold the text, ends. */
import { parentPort, workerData } from "node:worker_threads";
import { prefilterFor } from "../../exchange/search/prefilter.js";
import { MAX_FILE_BYTES } from "../../persistence/backup-codec.js";
import { surelyHasNone } from "../../persistence/scan-conversations.js";
import { readAtOnce } from "../../storage/fs.js";
import { wantsMetadata } from "./conditions.js";
import type { PreselectionTask } from "./preselection.js";

function likely({ files, query, matchCase, status, since }: PreselectionTask): string[] {
  const scan = { mayHold: prefilterFor(query, { matchCase }), wants: wantsMetadata(status, since) };
  return files.flatMap(({ id, path }) => {
    const bytes = readAtOnce(path, MAX_FILE_BYTES);
    return bytes !== undefined && surelyHasNone(bytes, id, scan) ? [] : [id];
  });
}

parentPort?.postMessage(likely(workerData as PreselectionTask));
