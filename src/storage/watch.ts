/** Watches one directory with chokidar, loaded only when something is watched. */
import { basename } from "node:path";
import type { Watcher } from "./storage.js";

export async function watchDirectory(directory: string, listener: (name: string) => void): Promise<Watcher> {
  const { watch } = await import("chokidar");
  const watcher = watch(directory, { depth: 0, ignoreInitial: true, followSymlinks: false });
  watcher.on("all", (_event, path) => {
    listener(basename(path));
  });
  await new Promise<void>((resolve, reject) => {
    watcher.once("ready", resolve);
    watcher.once("error", reject);
  });
  return { close: () => watcher.close() };
}
