/** Repairs one namespace of a LangGraph store, named by its labels joined by dots. */
import { DraftstateError } from "../errors.js";
import { Namespaces } from "../namespaces/namespaces.js";
import type { RepairNamespaceResult } from "../namespaces/repair.js";
import { namespaceName, namespacesIn } from "../store/item-names.js";
import type { Store } from "../store/store.js";

/** Throws `NOT_FOUND` where it has no files, `NEWER_VERSION`, `LOCKED`. */
export async function repairNamespaceNamed(store: Store, joined: string): Promise<RepairNamespaceResult> {
  const labels = joined.split(".");
  if (!namespacesIn(await store.storage.list("state")).includes(namespaceName(labels)))
    throw new DraftstateError(
      "NOT_FOUND",
      `there is no namespace ${JSON.stringify(joined)} in the store: manager.verify() names those that are damaged`,
    );
  const namespaces = new Namespaces(store);
  try {
    return await namespaces.get(labels).repair();
  } finally {
    await namespaces.close();
  }
}
