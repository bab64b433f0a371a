/** Ways in which a state directory goes out of reach, and its way back: an unmounted disk, a wrong mount, a mode. */
import { chmodSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getuid } from "node:process";
import type { CreateManagerOptions, DraftStatePersistenceManager } from "../../src/index.js";
import {
  managerIn,
  noPermission,
  stateDirectory,
  temporaryDirectory,
  turnedStorage,
  type StorageCall,
} from "./seam.js";

export const ABSENCES = ["a file in its place", "missing", "without permission"] as const;
export type Absence = (typeof ABSENCES)[number];

/** Everything that looks at or changes the state directory. A backup directory elsewhere stays in reach. */
const IN_STATE_DIRECTORY: readonly StorageCall[] = ["prepare", "exists", "tryLock", "lockHolder", "locks", "sweep"];
const WITH_A_KEY: readonly StorageCall[] = ["read", "readEnd", "stat", "replace", "create", "remove", "createLog"];

function isRoot(): boolean {
  return getuid?.() === 0;
}

/** A store whose state directory can be taken out of reach. */
export class Place {
  readonly directory = temporaryDirectory();
  #isDenied = false;

  constructor(private readonly how: Absence) {}

  /** Modes do not keep root out: a storage that refuses stands in for them. */
  manager(options: CreateManagerOptions = {}): DraftStatePersistenceManager {
    const double = this.how === "without permission" && isRoot() ? { storage: this.#deniable() } : {};
    return managerIn(this.directory, { ...double, ...options });
  }

  takeAway(): void {
    const state = stateDirectory(this.directory);
    if (this.how === "without permission") {
      if (isRoot()) this.#isDenied = true;
      else chmodSync(state, 0);
      return;
    }
    renameSync(state, join(this.directory, "away"));
    if (this.how === "a file in its place") writeFileSync(state, "");
  }

  bringBack(): void {
    const state = stateDirectory(this.directory);
    if (this.how === "without permission") {
      if (isRoot()) this.#isDenied = false;
      else chmodSync(state, 0o700);
      return;
    }
    rmSync(state, { recursive: true, force: true });
    renameSync(join(this.directory, "away"), state);
  }

  #deniable(): ReturnType<typeof turnedStorage> {
    const concerns = (arg: unknown): boolean =>
      arg !== "backup" && (arg as { readonly area?: string } | undefined)?.area !== "backup";
    const always = IN_STATE_DIRECTORY.map(
      (name) =>
        [name, (go: () => Promise<unknown>) => (this.#isDenied ? Promise.reject(noPermission()) : go())] as const,
    );
    const byKey = [...WITH_A_KEY, "list", "settle", "watch", "probe", "space"].map(
      (name) =>
        [
          name,
          (go: () => Promise<unknown>, key: unknown) =>
            this.#isDenied && concerns(key) ? Promise.reject(noPermission()) : go(),
        ] as const,
    );
    const moves = [
      "move",
      (go: () => Promise<unknown>) => (this.#isDenied ? Promise.reject(noPermission()) : go()),
    ] as const;
    const many = [
      "readEnds",
      (go: () => Promise<unknown>, keys: unknown) =>
        this.#isDenied && (keys as readonly unknown[]).some(concerns) ? Promise.reject(noPermission()) : go(),
    ] as const;
    return turnedStorage(this.directory, Object.fromEntries([...always, ...byKey, moves, many]));
  }
}
