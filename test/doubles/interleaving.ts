/** File systems that let a test decide what happens between two calls, or leave it to chance in a way that can be repeated. */
import type { FileSystem } from "../../src/storage/file-system.js";

/** Each call goes through `around`, with the paths it was given. */
export function intercepted(
  fs: FileSystem,
  around: <T>(call: keyof FileSystem, paths: readonly string[], act: () => Promise<T>) => Promise<T>,
): FileSystem {
  return {
    makeDirectory: (path) => around("makeDirectory", [path], () => fs.makeDirectory(path)),
    hasDirectory: (path) => around("hasDirectory", [path], () => fs.hasDirectory(path)),
    isWritable: (path) => around("isWritable", [path], () => fs.isWritable(path)),
    openForReading: (path) => around("openForReading", [path], () => fs.openForReading(path)),
    createFile: (path) => around("createFile", [path], () => fs.createFile(path)),
    rename: (from, to) => around("rename", [from, to], () => fs.rename(from, to)),
    link: (from, to) => around("link", [from, to], () => fs.link(from, to)),
    unlink: (path) => around("unlink", [path], () => fs.unlink(path)),
    syncDirectory: (path) => around("syncDirectory", [path], () => fs.syncDirectory(path)),
    list: (path) => around("list", [path], () => fs.list(path)),
    stat: (path) => around("stat", [path], () => fs.stat(path)),
    space: (path) => around("space", [path], () => fs.space(path)),
  };
}

export interface Death {
  /** The call that never returns, counted from 1. */
  readonly at: number;
  readonly die: () => void;
}

/** Each call waits a random number of turns first, now and then long enough for all the others to finish. */
export function unsteady(
  fs: FileSystem,
  random: () => number,
  { at, die }: Death = { at: Infinity, die: () => undefined },
): FileSystem {
  let calls = 0;
  return intercepted(fs, async (_call, _paths, act) => {
    const turns = random() < 0.15 ? 300 : 8;
    for (let left = Math.floor(random() * turns); left > 0; left -= 1) await Promise.resolve();
    calls += 1;
    if (calls >= at) {
      die();
      await new Promise<never>(() => undefined);
    }
    return act();
  });
}

/** mulberry32: the same seed, the same interleaving. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    const mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    const more = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((more ^ (more >>> 14)) >>> 0) / 2 ** 32;
  };
}
