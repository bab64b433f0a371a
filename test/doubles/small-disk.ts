/** A real file system of a size of one's own, where this machine lets us mount one (a privileged user on Linux). */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface SmallDisk {
  /** From now on nothing can be written. */
  makeReadOnly(): Promise<void>;
  unmount(): Promise<void>;
}

/** Undefined where mounting is not allowed: the caller then stages the same fact another way. */
export async function mountSmallDisk(directory: string, size: string): Promise<SmallDisk | undefined> {
  await mkdir(directory, { recursive: true });
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", directory]);
  } catch {
    return undefined;
  }
  return {
    makeReadOnly: async () => {
      await run("mount", ["-o", "remount,ro", directory]);
    },
    unmount: async () => {
      await run("umount", ["-l", directory]);
    },
  };
}
