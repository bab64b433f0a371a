/** A thread that checks its files one after another, tells how far it is, answers with those that are whole, and ends. */
import { parentPort, workerData } from "node:worker_threads";
import { decodeSnapshot } from "../../snapshot/decode.js";
import { readAtOnce } from "../../storage/fs/read-at-once.js";
import { decompress, MAX_FILE_BYTES } from "../../store/codec.js";
import type { FromThread } from "../workers.js";
import type { FileToCheck } from "./whole-files.js";

const BETWEEN_NEWS = 100;

function tell(message: FromThread<readonly string[]>): void {
  parentPort?.postMessage(message);
}

async function isWhole({ path, conversationId, compression }: FileToCheck): Promise<boolean> {
  const bytes = readAtOnce(path, MAX_FILE_BYTES);
  if (bytes === undefined) return false;
  try {
    return decodeSnapshot(await decompress(bytes, compression), conversationId).kind === "valid";
  } catch {
    return false;
  }
}

async function checkAll(files: readonly FileToCheck[]): Promise<void> {
  const whole: string[] = [];
  for (const [index, file] of files.entries()) {
    if (await isWhole(file)) whole.push(file.path);
    if ((index + 1) % BETWEEN_NEWS === 0) tell({ done: BETWEEN_NEWS });
  }
  tell({ answer: whole });
}

void checkAll(workerData as FileToCheck[]);
