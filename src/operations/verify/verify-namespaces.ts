/** Looks at the files of a LangGraph store's namespaces and says what is wrong: what a replay refuses, and an end that a crash cut off. */
import { isDraftstateError, type DraftstateError } from "../../errors.js";
import { loadNamespace } from "../../namespaces/load.js";
import { changesKey, itemsKey, labelsOf, namespaceLock, namespacesIn } from "../../store/item-names.js";
import { mapAtOnce } from "../../store/map-at-once.js";
import type { Storage } from "../../storage/storage.js";
import type { Verification, VerifiedProblem } from "./verification.js";

/** Files are read whole: few at a time. */
const AT_ONCE = 4;

/** Of all that have a file among the names. */
export async function verifyNamespaces(
  storage: Storage,
  names: readonly string[],
  done: () => void = () => undefined,
): Promise<Verification> {
  const present = new Set(names);
  const namespaces = namespacesIn(names);
  const problems = await mapAtOnce(namespaces, AT_ONCE, async (name) => {
    const found = await problemOf(storage, name);
    done();
    return found ?? [];
  });
  const checked = namespaces
    .flatMap((name) => [itemsKey(name), changesKey(name)])
    .filter((key) => present.has(key.name)).length;
  return { checked, ok: problems.flat().length === 0, problems: problems.flat() };
}

async function problemOf(storage: Storage, name: string): Promise<VerifiedProblem | undefined> {
  const wasLive = await isLive(storage, name);
  try {
    const { torn, namespace } = await loadNamespace(storage, name);
    // Also one that ended meanwhile: what looked torn was being written.
    if (torn === undefined || wasLive || (await isLive(storage, name))) return undefined;
    return {
      conversationId: namespace.join("."),
      path: storage.describe(changesKey(name)),
      kind: "items-torn",
      detail: `its end was cut off (${torn})`,
      repairable: true,
    };
  } catch (error) {
    if (!isDraftstateError(error)) throw error;
    return refused(storage, name, error);
  }
}

async function isLive(storage: Storage, name: string): Promise<boolean> {
  return (await storage.lockHolder(namespaceLock(name))) !== undefined;
}

function refused(storage: Storage, name: string, error: DraftstateError): VerifiedProblem {
  const told = {
    conversationId: labelsOf(name)?.join(".") ?? name,
    path: error.path ?? storage.describe(itemsKey(name)),
    detail: error.message,
  };
  if (error.code === "NEWER_VERSION") return { ...told, kind: "items-newer", repairable: false };
  return error.code === "CORRUPT"
    ? { ...told, kind: "items-damaged", repairable: true }
    : { ...told, kind: "unreadable", repairable: false };
}
