/**
 * A LangGraph store on draftstate: an agent's long-term memory in plain files, durable before it is acknowledged. It turns
 * LangGraph's operations into changes of namespaces and looks at them, one after another.
 */
import {
  BaseStore,
  validateNamespace,
  type GetOperation,
  type Item,
  type ListNamespacesOperation,
  type Operation,
  type OperationResults,
  type PutOperation,
  type SearchItem,
  type SearchOperation,
} from "@langchain/langgraph-checkpoint";
import { createDraftStatePersistenceManager, type CreateManagerOptions } from "../create-manager.js";
import { DraftstateError, isDraftstateError } from "../errors.js";
import { isExpired, type ItemChange, type Items, type StoredItem } from "../items/item.js";
import { listed, meets } from "../items/matching.js";
import { fits } from "../items/filter.js";
import { ranked, scoreOf } from "../items/ranking.js";
import type { Labels } from "../items/record.js";
import type { DraftStatePersistenceManager } from "../manager.js";
import { freezeJson, isJsonObject, type JsonObject } from "../model/json.js";
import { Namespaces } from "../namespaces/namespaces.js";
import type { RepairNamespaceResult } from "../namespaces/repair.js";
import { mapAtOnce } from "../store/map-at-once.js";
import { warn } from "../store/store.js";
import { embed, type StoreIndex } from "./embedding.js";

export interface StoreTtl {
  /** Minutes that an item lives, unless its put says otherwise; for ever where left out. */
  readonly defaultTtl?: number;
  /** Reading an item lets it live its time again, which is a write; false unless said. */
  readonly refreshOnRead?: boolean;
}

export interface StoreOptions extends CreateManagerOptions {
  /** An existing manager, which the caller closes; without one, the store makes its own of the other options. */
  manager?: DraftStatePersistenceManager;
  /** For searches with a `query`. */
  index?: StoreIndex;
  ttl?: StoreTtl;
}

export interface PutOptions {
  /** Minutes. */
  readonly ttl?: number;
}

type PutWithOptions = PutOperation & { readonly options?: PutOptions };

const MINUTE = 60_000;
const AT_ONCE = 16;
/** What LangGraph's own stores give of a search. */
const DEFAULT_LIMIT = 10;

export class DraftstateStore extends BaseStore {
  readonly manager: DraftStatePersistenceManager;
  readonly #ownsManager: boolean;
  readonly #namespaces: Namespaces;
  readonly #index: StoreIndex | undefined;
  readonly #ttl: StoreTtl;

  /** Touches no file until something is read or written. */
  constructor({ manager, index, ttl = {}, ...options }: StoreOptions = {}) {
    super();
    this.manager = manager ?? createDraftStatePersistenceManager(options);
    this.#ownsManager = manager === undefined;
    this.#namespaces = new Namespaces(this.manager.store);
    this.#index = index;
    this.#ttl = ttl;
    this.manager.closesWith(this.#namespaces);
  }

  /**
   * One after another, so that what is read includes what was put before it; all are checked before the first. Puts that
   * follow each other are one write in each namespace, which is there as a whole or not at all.
   */
  override async batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>> {
    for (const operation of operations) assertValid(operation);
    const results: unknown[] = [];
    let puts: PutWithOptions[] = [];
    const flush = async (): Promise<void> => {
      const waiting = puts;
      puts = [];
      if (waiting.length > 0) await this.#putAll(waiting);
    };
    for (const operation of operations) {
      if (isPut(operation)) {
        puts.push(operation);
        results.push(undefined);
        continue;
      }
      await flush();
      results.push(await this.#read(operation));
    }
    await flush();
    return results as OperationResults<Op>;
  }

  /** Durable when it resolves. Throws `INVALID_STATE` for a value that JSON cannot carry exactly. */
  override async put(
    namespace: string[],
    key: string,
    value: Record<string, unknown>,
    index?: false | string[],
    options: PutOptions = {},
  ): Promise<void> {
    validateNamespace(namespace);
    const operation: PutWithOptions = { namespace, key, value, ...(index === undefined ? {} : { index }), options };
    await this.batch([operation]);
  }

  /** Removes what has expired; says how many items. Reading never gives them, and a file that is written anew loses them. */
  async sweepExpiredItems(): Promise<number> {
    const now = this.#now();
    const counts = await mapAtOnce(await this.#namespaces.below([]), AT_ONCE, async (labels) => {
      const namespace = this.#namespaces.get(labels);
      const expired = [...(await namespace.items())].filter(([, item]) => isExpired(item, now));
      if (expired.length > 0) await namespace.write(expired.map(([key]) => ({ kind: "delete", key })));
      return expired.length;
    });
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Makes a damaged namespace usable with what can be read of it; its files are copied to quarantine first. */
  async repair(namespace: string[]): Promise<RepairNamespaceResult> {
    return this.#namespaces.get(namespace).repair();
  }

  /** Writes what waits and gives every lock back. A manager that was passed in is left to its owner. */
  async close(): Promise<void> {
    if (this.#ownsManager) await this.manager.close();
    else await this.#namespaces.close();
  }

  /** The same: LangGraph's word for it. */
  override async stop(): Promise<void> {
    await this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #now(): number {
    return this.manager.store.now().getTime();
  }

  async #putAll(operations: readonly PutWithOptions[]): Promise<void> {
    const byNamespace = new Map<string, { readonly labels: Labels; readonly changes: ItemChange[] }>();
    for (const [at, change] of (await this.#changesOf(operations)).entries()) {
      const labels = operations[at]?.namespace ?? [];
      const group = byNamespace.get(labels.join(".")) ?? { labels, changes: [] };
      byNamespace.set(labels.join("."), group);
      group.changes.push(change);
    }
    const groups = [...byNamespace.values()].map((group) => ({ ...group, to: this.#namespaces.get(group.labels) }));
    const outcomes = await Promise.allSettled(groups.map(({ to, changes }) => to.write(changes)));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #changesOf(operations: readonly PutWithOptions[]): Promise<ItemChange[]> {
    const values = operations.map(({ value }) => (value === null ? undefined : valueOf(value)));
    const wanted = operations.map(({ index }, at) => ({ value: values[at] ?? {}, index: values[at] ? index : false }));
    const vectors = await embed(wanted, this.#index);
    return operations.map(({ key, options }, at) => {
      const [value, embedded, ttl] = [values[at], vectors[at], options?.ttl ?? this.#ttl.defaultTtl];
      if (value === undefined) return { kind: "delete", key };
      return {
        kind: "put",
        key,
        value,
        ...(ttl === undefined ? {} : { ttl: Math.round(ttl * MINUTE) }),
        ...(embedded === undefined ? {} : { vectors: embedded }),
      };
    });
  }

  async #read(operation: Exclude<Operation, PutOperation>): Promise<Item | null | SearchItem[] | string[][]> {
    if ("namespacePrefix" in operation) return this.#search(operation);
    return "key" in operation ? this.#get(operation) : this.#list(operation);
  }

  async #get({ namespace, key }: GetOperation): Promise<Item | null> {
    if (namespace.length === 0) return null;
    const item = (await this.#namespaces.get(namespace).items()).get(key);
    if (item === undefined || isExpired(item, this.#now())) return null;
    await this.#refresh([{ labels: namespace, key, item }]);
    return itemOf(namespace, key, item);
  }

  async #search({ namespacePrefix, filter = {}, limit, offset = 0, query }: SearchOperation): Promise<SearchItem[]> {
    const [namespaces, vector] = await Promise.all([
      this.#namespaces.below(namespacePrefix),
      query === undefined || query === "" ? undefined : this.#index?.embeddings.embedQuery(query),
    ]);
    const found = (await mapAtOnce(namespaces, AT_ONCE, (labels) => this.#fitting(labels, filter))).flat();
    const scored = found.map((entry) => ({ ...entry, score: vector && scoreOf(entry.item, vector) }));
    const page = (vector === undefined ? scored : ranked(scored)).slice(offset, offset + (limit ?? DEFAULT_LIMIT));
    await this.#refresh(page);
    return page.map(({ labels, key, item, score }) => ({
      ...itemOf(labels, key, item),
      ...(score === undefined ? {} : { score }),
    }));
  }

  async #fitting(labels: Labels, filter: Readonly<Record<string, unknown>>): Promise<FoundItem[]> {
    const items = [...(await this.#living(labels))];
    return items.filter(([, { value }]) => fits(value, filter)).map(([key, item]) => ({ labels, key, item }));
  }

  async #list({ matchConditions = [], maxDepth, limit, offset }: ListNamespacesOperation): Promise<string[][]> {
    const fitting = (await this.#namespaces.below([])).filter((labels) =>
      matchConditions.every((condition) => meets(labels, condition)),
    );
    const sizes = await mapAtOnce(fitting, AT_ONCE, async (labels) => (await this.#living(labels)).size);
    return listed(
      fitting.filter((_, at) => (sizes[at] ?? 0) > 0),
      maxDepth,
    ).slice(offset, offset + limit);
  }

  async #living(labels: Labels): Promise<Items> {
    const items = await this.#namespaces.get(labels).items();
    const now = this.#now();
    const hasExpired = [...items.values()].some((item) => isExpired(item, now));
    return hasExpired ? new Map([...items].filter(([, item]) => !isExpired(item, now))) : items;
  }

  /** What was read lives its time again. It was read all the same where that cannot be written. */
  async #refresh(found: readonly FoundItem[]): Promise<void> {
    if (this.#ttl.refreshOnRead !== true) return;
    const mortal = found.filter(({ item }) => item.ttl !== undefined);
    await mapAtOnce(mortal, AT_ONCE, async ({ labels, key }) => {
      const namespace = this.#namespaces.get(labels);
      await namespace.write([{ kind: "touch", key }]).catch((error: unknown) => {
        if (!isDraftstateError(error)) throw error;
        warn(
          this.manager.store,
          namespace.name,
          `the time of an item that was read could not be renewed: ${error.message}`,
          error,
        );
      });
    });
  }
}

interface FoundItem {
  readonly labels: Labels;
  readonly key: string;
  readonly item: StoredItem;
}

function isPut(operation: Operation): operation is PutWithOptions {
  return "value" in operation;
}

/** Throws LangGraph's `InvalidNamespaceError`, `USAGE`, `INVALID_ID`. */
function assertValid(operation: Operation): void {
  if ("namespacePrefix" in operation) {
    validateNamespace(operation.namespacePrefix, { allowEmpty: true, allowReservedRoot: true });
    return;
  }
  if (!("key" in operation)) return;
  validateNamespace(operation.namespace, { allowEmpty: !isPut(operation), allowReservedRoot: true });
  if (typeof operation.key !== "string")
    throw new DraftstateError("INVALID_ID", `an item's key must be a text, it is a ${typeof operation.key}`);
}

function valueOf(value: unknown): JsonObject {
  const frozen = freezeJson(value);
  if (isJsonObject(frozen)) return frozen;
  throw new DraftstateError("INVALID_STATE", "an item's value must be an object; nothing was saved");
}

/** A copy: what the program does with it changes nothing here. */
function itemOf(labels: Labels, key: string, { value, createdAt, updatedAt }: StoredItem): Item {
  return {
    value: structuredClone(value) as Record<string, unknown>,
    key,
    namespace: [...labels],
    createdAt: new Date(createdAt),
    updatedAt: new Date(updatedAt),
  };
}
