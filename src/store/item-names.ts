/** The names of a LangGraph store's namespaces: two files each. A namespace is written like a thread's id, its labels joined by dots. Pure. */
import type { Key } from "../storage/storage.js";
import { isThreadName, threadIdOf, threadName } from "./names.js";

const FILE = /^(.+)\.(items|changes)$/;

export function namespaceName(labels: readonly string[]): string {
  return threadName(labels.join("."));
}

/** Undefined for a name that is cut, which its files tell. */
export function labelsOf(name: string): string[] | undefined {
  return threadIdOf(name)?.split(".");
}

/** All items up to a revision. */
export function itemsKey(name: string): Key {
  return { area: "state", name: `${name}.items` };
}

/** The changes since then. */
export function changesKey(name: string): Key {
  return { area: "state", name: `${name}.changes` };
}

/** Of these names of the state area, those of namespaces. */
export function namespacesIn(names: readonly string[]): string[] {
  const found = names.flatMap((name) => FILE.exec(name)?.[1] ?? []);
  return [...new Set(found)].filter(isThreadName).sort();
}

const NAMESPACE_LOCK = "items~";

/** No conversation's id and no thread's lock can be the same. */
export function namespaceLock(name: string): string {
  return `${NAMESPACE_LOCK}${name}`;
}

/** Whose lock it is, as it stands in names; undefined for one of a conversation or thread. */
export function namespaceOfLock(lock: string): string | undefined {
  const name = lock.startsWith(NAMESPACE_LOCK) ? lock.slice(NAMESPACE_LOCK.length) : "";
  return isThreadName(name) ? name : undefined;
}
