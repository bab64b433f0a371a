/** A store's item as it is held in memory, and what a change makes of a namespace's items. Pure. */
import type { JsonObject } from "../model/json.js";

export interface StoredItem {
  readonly value: JsonObject;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Milliseconds that it lives after it was put, or read where reading refreshes it; undefined for ever. */
  readonly ttl?: number;
  /** Milliseconds since 1970. */
  readonly expiresAt?: number;
  /** By the path of the text that it was made of, an embedding: 32-bit floats, little-endian, in base64. */
  readonly vectors?: Readonly<Record<string, string>>;
}

/** By key, in the order in which they were first put. */
export type Items = ReadonlyMap<string, StoredItem>;

export interface PutChange {
  readonly kind: "put";
  readonly key: string;
  readonly value: JsonObject;
  readonly ttl?: number;
  readonly vectors?: Readonly<Record<string, string>>;
}

export interface DeleteChange {
  readonly kind: "delete";
  readonly key: string;
}

/** It was read, and lives its time again from then on. */
export interface TouchChange {
  readonly kind: "touch";
  readonly key: string;
}

export type ItemChange = PutChange | DeleteChange | TouchChange;

export function isExpired({ expiresAt }: StoredItem, at: number): boolean {
  return expiresAt !== undefined && expiresAt <= at;
}

/** Changes the map. */
export function applyChange(items: Map<string, StoredItem>, change: ItemChange, at: number): void {
  const known = items.get(change.key);
  const before = known === undefined || isExpired(known, at) ? undefined : known;
  if (before === undefined) items.delete(change.key);
  if (change.kind === "delete") items.delete(change.key);
  else if (change.kind === "put") items.set(change.key, put(change, before?.createdAt ?? at, at));
  else if (before?.ttl !== undefined) items.set(change.key, { ...before, expiresAt: at + before.ttl });
}

function put({ value, ttl, vectors }: PutChange, createdAt: number, updatedAt: number): StoredItem {
  return {
    value,
    createdAt,
    updatedAt,
    ...(ttl === undefined ? {} : { ttl, expiresAt: updatedAt + ttl }),
    ...(vectors === undefined ? {} : { vectors }),
  };
}

/** Those that still live. */
export function withoutExpired(items: Items, at: number): Map<string, StoredItem> {
  return new Map([...items].filter(([, item]) => !isExpired(item, at)));
}
