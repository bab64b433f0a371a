/**
 * A damaged namespace made usable: copies of its files go to quarantine, and every item that can be read becomes a new snapshot,
 * durable before the journal goes. A crash in between leaves what a repair finds again.
 */
import { isDraftstateError } from "../errors.js";
import { withoutExpired } from "../items/item.js";
import { encodeItem, encodeSnapshotHeader, type Labels } from "../items/record.js";
import { salvageItems, type SalvagedItems } from "../items/salvage.js";
import type { Lock } from "../storage/storage.js";
import { MAX_FILE_BYTES } from "../store/codec.js";
import { changesKey, itemsKey, labelsOf, namespaceName } from "../store/item-names.js";
import { newerVersion } from "../store/newer.js";
import { copyToQuarantine } from "../store/quarantine.js";
import type { Store } from "../store/store.js";
import { loadNamespace } from "./load.js";

export interface RepairNamespaceResult {
  readonly repaired: boolean;
  /** Items that are kept. */
  readonly kept: number;
  /** Lines that cannot be read. */
  readonly lostLines: number;
  /** Where copies of the files are. */
  readonly quarantined: readonly string[];
}

/** Under the namespace's lock. Throws `NEWER_VERSION`: what a newer version wrote is not repaired. */
export async function repairNamespace(store: Store, name: string, lock: Lock): Promise<RepairNamespaceResult> {
  const sound = await loadNamespace(store.storage, name).catch((error: unknown) => {
    if (isDraftstateError(error, "CORRUPT")) return undefined;
    throw error;
  });
  if (sound !== undefined && sound.torn === undefined)
    return { repaired: false, kept: sound.items.size, lostLines: 0, quarantined: [] };
  const [items, changes] = [itemsKey(name), changesKey(name)];
  const read = (key: typeof items) => store.storage.read(key, { maxBytes: MAX_FILE_BYTES });
  const salvaged = salvageItems(
    { snapshot: await read(items), journal: await read(changes) },
    (labels) => namespaceName(labels) === name,
  );
  if (salvaged.newer !== undefined) throw newerVersion(store.storage.describe(changes), salvaged.newer);
  const quarantined: string[] = [];
  for (const key of [items, changes])
    if ((await store.storage.stat(key)) !== undefined)
      quarantined.push((await copyToQuarantine(store, key, lock)) ?? "");
  const content = snapshotOf(salvaged, labelsOf(name) ?? [], store.now().getTime());
  await store.storage.replace(items, content, lock);
  await store.storage.remove(changes, lock);
  return { repaired: true, kept: salvaged.items.size, lostLines: salvaged.lostLines, quarantined };
}

function snapshotOf({ namespace, items, revision }: SalvagedItems, spelled: Labels, now: number): Buffer {
  const kept = withoutExpired(items, now);
  const header = encodeSnapshotHeader({ namespace: namespace ?? spelled, revision, count: kept.size });
  const lines = [...kept].map(([key, item]) => encodeItem(key, item));
  return Buffer.from([header, ...lines].join(""), "utf8");
}
