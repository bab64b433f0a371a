/** The namespaces of a LangGraph store in this process: each opened when it is used, all closed together. */
import { DraftstateError, isDraftstateError, messageOf } from "../errors.js";
import { beginsWith } from "../items/matching.js";
import type { Labels } from "../items/record.js";
import { labelsOf, namespacesIn } from "../store/item-names.js";
import type { Store } from "../store/store.js";
import { loadNamespace } from "./load.js";
import { Namespace } from "./namespace.js";

/** Namespaces whose items are kept in memory although nothing uses them. */
const MAX_IDLE = 1000;
const MAX_LENGTH = 2000;

export class Namespaces {
  readonly #namespaces = new Map<string, Namespace>();
  readonly #closing = new AbortController();

  constructor(readonly store: Store) {}

  /** Throws `INVALID_ID` for one that has no name, `USAGE` once closed. */
  get(labels: Labels): Namespace {
    if (this.#closing.signal.aborted) throw new DraftstateError("USAGE", "the store is closed: make a new one");
    const id = labels.join(".");
    assertNameable(id);
    const namespace = this.#namespaces.get(id) ?? this.#make(labels);
    // The most recently used are last.
    this.#namespaces.delete(id);
    this.#namespaces.set(id, namespace);
    return namespace;
  }

  #make(labels: Labels): Namespace {
    for (const [id, namespace] of this.#namespaces) {
      if (this.#namespaces.size < MAX_IDLE) break;
      if (namespace.isIdle) this.#namespaces.delete(id);
    }
    return new Namespace(this.store, [...labels], this.#closing.signal);
  }

  /**
   * Of every namespace below the prefix that has a file, in the order of their names. What begins with an empty label is this
   * library's own, and no program's.
   */
  async below(prefix: Labels): Promise<Labels[]> {
    const { storage, reach } = this.store;
    await reach.assert();
    const found: Labels[] = [];
    for (const name of namespacesIn(await storage.list("state"))) {
      const labels = labelsOf(name) ?? (await loadNamespace(storage, name)).namespace;
      const isOwn = labels[0] === "" && prefix[0] !== "";
      if (labels.length > 0 && !isOwn && beginsWith(labels, prefix)) found.push(labels);
    }
    return found;
  }

  /** Writes what waits and gives every lock back, even where one fails; then rejects with what failed. Nothing can be asked any more. */
  async close(): Promise<void> {
    this.#closing.abort("closing");
    const outcomes = await Promise.allSettled([...this.#namespaces.values()].map((namespace) => namespace.close()));
    const errors = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
    const [first] = errors;
    if (first === undefined) return;
    throw new DraftstateError(
      isDraftstateError(first) ? first.code : "STORAGE",
      `${errors.length} namespaces could not be closed as they should: ${errors.map(messageOf).join("; ")}`,
      { cause: new AggregateError(errors) },
    );
  }
}

/** Half a surrogate pair has no name of its own in UTF-8. */
function assertNameable(id: string): void {
  if (id !== "" && id.length <= MAX_LENGTH && Buffer.from(id, "utf8").toString("utf8") === id) return;
  throw new DraftstateError(
    "INVALID_ID",
    `${JSON.stringify(id.slice(0, 100))} cannot be a namespace: its labels must have 1 to ${MAX_LENGTH} characters together`,
  );
}
