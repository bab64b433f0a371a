/** A disk of a few hundred kilobytes, so that it is really full soon. Only a privileged process of Linux can have one. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemErrorCode } from "../../src/errors.js";

const run = promisify(execFile);
const CHUNK = 4096;

export class SmallDisk {
  #ballast = 0;

  private constructor(readonly directory: string) {}

  /** Undefined, with a word on the console, where it cannot be had. */
  static async mount(kibibytes: number): Promise<SmallDisk | undefined> {
    if (platform() !== "linux") return unavailable("this is no Linux");
    const directory = await mkdtemp(join(tmpdir(), "draftstate-small-disk-"));
    try {
      await run("mount", ["-t", "tmpfs", "-o", `size=${kibibytes}k`, "tmpfs", directory]);
      return new SmallDisk(directory);
    } catch (error) {
      await rm(directory, { recursive: true });
      return unavailable(String(error).split("\n")[0] ?? "");
    }
  }

  /** Fills what is left, but for so many chunks of 4 KiB. */
  async fill(leave: number): Promise<void> {
    const path = (number: number): string => join(this.directory, `ballast-${number}`);
    for (;;) {
      try {
        await writeFile(path(this.#ballast), Buffer.alloc(CHUNK));
        this.#ballast += 1;
      } catch (error) {
        if (systemErrorCode(error) !== "ENOSPC") throw error;
        await rm(path(this.#ballast), { force: true });
        break;
      }
    }
    for (let given = 0; given < leave && this.#ballast > 0; given += 1) await rm(path((this.#ballast -= 1)));
  }

  /** Takes away what `fill` put there. */
  async free(): Promise<void> {
    while (this.#ballast > 0) await rm(join(this.directory, `ballast-${(this.#ballast -= 1)}`), { force: true });
  }

  async setReadOnly(readOnly: boolean): Promise<void> {
    await run("mount", ["-o", `remount,${readOnly ? "ro" : "rw"}`, this.directory]);
  }

  async unmount(): Promise<void> {
    await run("umount", ["-l", this.directory]);
    await rm(this.directory, { recursive: true, force: true });
  }
}

function unavailable(why: string): undefined {
  console.info(`no small disk could be mounted, so nothing was tried on one: ${why}`);
  return undefined;
}
