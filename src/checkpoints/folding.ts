/**
 * Which of a log's last segments the next one takes the place of, so that there are never many small files: each byte is
 * copied a few times in its life, however many processes write the thread one after another. Pure.
 */
/** A segment that has so much is full: the next batch begins another. */
export const SEGMENT_BYTES = 4 * 1024 * 1024;
const SMALL = 64 * 1024;
const MIDDLING = 1024 * 1024;
const MAX_MIDDLING = 8;

/** The position of the first that is folded; their count where none is. `mustFoldLast`: not all of it may be durable. */
export function firstFolded(sizes: readonly number[], mustFoldLast: boolean): number {
  const beforeMiddling = sizes.findLastIndex((size) => size >= MIDDLING) + 1;
  if (sizes.length - beforeMiddling >= MAX_MIDDLING) return beforeMiddling;
  const last = sizes.at(-1);
  return last !== undefined && (mustFoldLast || last < SMALL) ? sizes.length - 1 : sizes.length;
}
