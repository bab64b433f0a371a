/** A namespace's two files, read without a lock: what they hold, and how it is told later whether that is still so. */
import { DraftstateError } from "../errors.js";
import { replayItems, type ReplayedItems, type UsableItems } from "../items/replay.js";
import type { Labels } from "../items/record.js";
import type { Storage } from "../storage/storage.js";
import { MAX_FILE_BYTES } from "../store/codec.js";
import { changesKey, itemsKey } from "../store/item-names.js";
import { newerVersion } from "../store/newer.js";

export interface LoadedNamespace extends UsableItems {
  /** Of the files, before they were read; undefined for one that is not there. */
  readonly versions: readonly (string | undefined)[];
}

const READ_ATTEMPTS = 8;

export async function versionsOf(storage: Storage, name: string): Promise<(string | undefined)[]> {
  const stats = await Promise.all([itemsKey(name), changesKey(name)].map((key) => storage.stat(key)));
  return stats.map((stat) => stat?.version);
}

/** Empty where there are no files. Throws `CORRUPT`, `NEWER_VERSION`, `STORAGE`. */
export async function loadNamespace(storage: Storage, name: string, labels?: Labels): Promise<LoadedNamespace> {
  for (let attempt = 1; ; attempt += 1) {
    const versions = await versionsOf(storage, name);
    // The journal first: a newer snapshot holds what it says, an older one would lack it.
    const journal = await storage.read(changesKey(name), { maxBytes: MAX_FILE_BYTES });
    const snapshot = await storage.read(itemsKey(name), { maxBytes: MAX_FILE_BYTES });
    const plan = replayItems({ snapshot, journal }, labels);
    if (plan.kind === "usable") return { ...plan, versions };
    if (plan.kind === "absent") return { ...EMPTY, namespace: labels ?? [], items: new Map(), versions };
    const isSame = String(await versionsOf(storage, name)) === String(versions);
    if (isSame || attempt === READ_ATTEMPTS) throw refusal(storage, name, plan);
  }
}

const EMPTY = {
  kind: "usable",
  revision: 0,
  snapshotRevision: 0,
  snapshotBytes: 0,
  tail: new Uint8Array(),
  torn: undefined,
} as const;

function refusal(
  storage: Storage,
  name: string,
  { kind, problem }: Extract<ReplayedItems, { readonly problem: unknown }>,
): DraftstateError {
  const path = storage.describe(problem.file === "snapshot" ? itemsKey(name) : changesKey(name));
  if (kind === "newer") return newerVersion(path, problem.detail);
  return new DraftstateError(
    "CORRUPT",
    `${path} is damaged: ${problem.detail}; nothing was changed: repair the namespace (store.repair), which keeps what can be read`,
    { path },
  );
}
