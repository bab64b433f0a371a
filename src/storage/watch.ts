/**
 * Tells of each name that changes in one directory, with chokidar, loaded only when something is watched. A hint and no
 * more: it may come late, twice, or for nothing, so the listener looks itself.
 *
 * chokidar itself lists the directory at each event and looks at every file in it: with 10,000 conversations a stream of
 * tokens would keep a processor busy with that alone, and each file would take an inotify watch. So it is given nothing to
 * list, and its `raw` events, the operating system's own, say which name it was: one watch, whatever the directory's size.
 */
import { resolve } from "node:path";
import type { Watcher } from "./storage.js";

export async function watchDirectory(directory: string, listener: (name: string) => void): Promise<Watcher> {
  const { FSWatcher } = await import("chokidar");
  class UnlistedDirectory extends FSWatcher {
    override _readdirp(): undefined {
      return undefined;
    }
  }
  const watcher = new UnlistedDirectory({ depth: 0, ignoreInitial: true, followSymlinks: false, usePolling: false });
  watcher.on("raw", (_event, name: unknown) => {
    if (typeof name === "string" && name !== "") listener(name);
  });
  await new Promise<void>((ready, reject) => {
    watcher.once("ready", ready);
    watcher.once("error", reject);
    watcher.add(resolve(directory));
  });
  // Such as a directory that is taken away: what was in it is told of by its names.
  watcher.on("error", () => undefined);
  return { close: () => watcher.close() };
}
