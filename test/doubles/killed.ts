/** A process that was killed while it moved files to the trash or back. */
import type { MemoryStorage } from "../../src/storage/memory.js";
import type { Key } from "../../src/storage/storage.js";

/** As a process leaves it that was killed once `count` files had moved; with `both`, the last of them has its two names. */
export async function killedAfter(
  storage: MemoryStorage,
  { count, both }: { readonly count: number; readonly both: boolean },
  act: () => Promise<unknown>,
): Promise<void> {
  const move = storage.move.bind(storage);
  let moved = 0;
  let last: { readonly from: Key; readonly to: Key } | undefined;
  storage.move = async (from, to, guard) => {
    const isFile = /_(?:state|backup)_/.test(`${from.name} ${to.name}`);
    if (isFile && moved === count) throw new Error("killed");
    if (isFile) [moved, last] = [moved + 1, { from, to }];
    const isMoved = await move(from, to, guard);
    if (isFile && both && moved === count) throw new Error("killed");
    return isMoved;
  };
  await act().catch(() => undefined);
  storage.move = move;
  const bytes = last === undefined ? undefined : await storage.read(last.to);
  if (both && last !== undefined && bytes !== undefined) await storage.replace(last.from, bytes);
}
