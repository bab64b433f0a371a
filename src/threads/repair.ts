/**
 * A damaged thread made usable: copies of its files go to quarantine, and every line that can be read becomes a new log. A
 * checkpoint whose values are not all there is left out, and told. The files themselves go to the trash, so that it can be undone.
 */
import { isDraftstateError } from "../errors.js";
import { bufferOf, decodeLine, linesOf } from "../journal/framing.js";
import { THREAD_CODEC, type ThreadHeader } from "../checkpoints/record.js";
import { ThreadIndex } from "../checkpoints/thread-index.js";
import { MAX_FILE_BYTES } from "../store/codec.js";
import { newerVersion } from "../store/newer.js";
import { segmentKey } from "../store/names.js";
import { copyToQuarantine } from "../store/quarantine.js";
import { bytesOf, headerOfWhole, writeSegment } from "./new-segment.js";
import { loadThread, segmentNumbers, SegmentReader } from "./segment-files.js";
import { beginChange, takeSegments } from "./thread-trash.js";
import type { HeldThread } from "./thread.js";

export interface RepairThreadResult {
  readonly repaired: boolean;
  /** Checkpoints that are kept. */
  readonly kept: number;
  /** Lines that cannot be read, and checkpoints whose values are lost. */
  readonly lostLines: number;
  readonly lostCheckpoints: readonly string[];
  /** Where copies of the files are. */
  readonly quarantined: readonly string[];
}

interface Salvaged {
  readonly index: ThreadIndex;
  readonly header: ThreadHeader | undefined;
  readonly lostLines: number;
}

/** Throws `NEWER_VERSION`: what a newer version wrote is not repaired. */
export async function repairThread(held: HeldThread): Promise<RepairThreadResult> {
  const { store, name, threadId } = held;
  const numbers = (await segmentNumbers(store.storage, name)).sort((left, right) => left - right);
  const sound = await loadThread(store.storage, name, threadId).catch((error: unknown) => {
    if (isDraftstateError(error, "CORRUPT")) return "damaged" as const;
    throw error;
  });
  const isSound = sound !== "damaged" && (sound?.index.incomplete ?? []).length === 0;
  if (isSound || numbers.length === 0) {
    const kept = sound === "damaged" ? 0 : (sound?.index.checkpoints().length ?? 0);
    return { repaired: false, kept, lostLines: 0, lostCheckpoints: [], quarantined: [] };
  }
  return rewritten(held, numbers, await salvage({ store, name, threadId }, numbers));
}

async function rewritten(
  { store, name, threadId, lock }: HeldThread,
  numbers: readonly number[],
  { index, header, lostLines }: Salvaged,
): Promise<RepairThreadResult> {
  const { storage, trash } = store;
  const quarantined: string[] = [];
  for (const number of numbers) quarantined.push((await copyToQuarantine(store, segmentKey(name, number), lock)) ?? "");
  const all = index.checkpoints();
  const incomplete = new Set(index.incomplete);
  const whole = all.filter((entry) => !incomplete.has(entry));
  const bytes = await bytesOf(index.withOnly(whole), new SegmentReader(storage, name));
  const createdAt = header?.createdAt ?? store.now().toISOString();
  const stamp = await trash.newStamp(lock);
  const record = { kind: "repair", threadId, createdAt, stamp, group: stamp, segments: numbers } as const;
  if (trash.keeps) await beginChange(store, name, record, lock);
  await writeSegment(store, name, headerOfWhole(threadId, createdAt, (numbers.at(-1) ?? 0) + 1, index), bytes, lock);
  if (trash.keeps) await takeSegments(store, name, record, lock);
  else for (const number of numbers) await storage.remove(segmentKey(name, number), lock);
  const lostCheckpoints = [...incomplete].map(({ id }) => id);
  return { repaired: true, kept: whole.length, lostLines, lostCheckpoints, quarantined };
}

async function salvage(
  { store, name, threadId }: Pick<HeldThread, "store" | "name" | "threadId">,
  numbers: readonly number[],
): Promise<Salvaged> {
  const index = new ThreadIndex();
  let header: ThreadHeader | undefined;
  let lostLines = 0;
  for (const segment of numbers) {
    const key = segmentKey(name, segment);
    let isOurs = true;
    const bytes = await store.storage.read(key, { maxBytes: MAX_FILE_BYTES });
    for (const { start, bytes: line, hasEnd } of linesOf(bufferOf(bytes ?? new Uint8Array()))) {
      const decoded = decodeLine(line, THREAD_CODEC);
      if (decoded.kind === "newer") throw newerVersion(store.storage.describe(key), decoded.detail);
      if (decoded.kind === "bad" || !hasEnd) lostLines += 1;
      else if (decoded.value.kind === "header") {
        isOurs = decoded.value.header.threadId === threadId;
        if (isOurs) header = decoded.value.header;
      } else if (!isOurs) lostLines += 1;
      else index.apply(decoded.value, { segment, start, length: line.length + 1 });
    }
  }
  index.used(header?.numbers ?? 0);
  return { index, header, lostLines };
}
