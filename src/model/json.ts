/**
 * JSON as data: types, the guard at the door, and structural comparison.
 * Everything held in a state has passed `freezeJson`: plain, within the limits, deeply frozen, never changed again.
 */
import { DraftstateError } from "../errors.js";

export type JsonPrimitive = null | boolean | number | string;
export type Json = JsonPrimitive | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Levels of nesting a state may have. */
export const MAX_DEPTH = 200;

const frozenByUs = new WeakSet<object>();
const knownHeights = new WeakMap<object, number>();

/** Levels of nesting below and with the value; each frozen node is measured once. */
export function heightOf(value: Json): number {
  if (typeof value !== "object" || value === null) return 0;
  const known = knownHeights.get(value);
  if (known !== undefined) return known;
  let height = 0;
  for (const child of Object.values<Json>(value as JsonObject)) height = Math.max(height, heightOf(child));
  if (frozenByUs.has(value)) knownHeights.set(value, height + 1);
  return height + 1;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own property, never one that comes from a prototype. */
export function ownValue(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function refuse(path: readonly (string | number)[], found: string): DraftstateError {
  const place = path.length === 0 ? "the state" : `state field ${JSON.stringify(path.join("."))}`;
  return new DraftstateError("INVALID_STATE", `${place} is ${found}: a state holds plain JSON only; nothing was saved`);
}

/**
 * The value as deeply frozen plain JSON. What passed before is returned as it is; anything else is copied, so the
 * caller's own object stays his. Throws `INVALID_STATE`, with the path, for what JSON cannot carry exactly:
 * undefined, functions, class instances, NaN and infinities, negative zero, `__proto__` keys, nesting beyond MAX_DEPTH.
 */
export function freezeJson(value: unknown, path: (string | number)[] = []): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw refuse(path, String(value));
    if (Object.is(value, -0)) throw refuse(path, "negative zero");
    return value;
  }
  if (typeof value !== "object") throw refuse(path, value === undefined ? "undefined" : `a ${typeof value}`);
  if (frozenByUs.has(value) && path.length + heightOf(value as Json) <= MAX_DEPTH) return value as Json;
  if (path.length >= MAX_DEPTH) throw refuse([], `nested deeper than ${MAX_DEPTH} levels`);
  return Array.isArray(value) ? freezeArray(value, path) : freezeObject(value, path);
}

function freezeArray(value: readonly unknown[], path: (string | number)[]): Json {
  const copy: Json[] = [];
  for (let index = 0; index < value.length; index += 1) {
    path.push(index);
    copy.push(freezeJson(value[index], path));
    path.pop();
  }
  return keep(copy);
}

function freezeObject(value: object, path: (string | number)[]): Json {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw refuse(path, `an instance of ${value.constructor.name || "a class"}`);
  }
  if (Object.getOwnPropertySymbols(value).length > 0) throw refuse(path, "an object with symbol keys");
  const copy: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    path.push(key);
    if (key === "__proto__") throw refuse(path, "a key that could reach a prototype");
    copy[key] = freezeJson(item, path);
    path.pop();
  }
  return keep(copy);
}

function keep<T extends object>(value: T): T {
  frozenByUs.add(Object.freeze(value));
  return value;
}


/** A node whose children are all frozen already: frozen and marked without another walk. */
export function freezeNode<T extends object>(value: T): T {
  return keep(value);
}

export function isFrozenJson(value: unknown): boolean {
  return typeof value !== "object" || value === null || frozenByUs.has(value);
}

export function jsonEqual(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (Array.isArray(left)) {
    const [items, others] = [left as readonly Json[], right as readonly Json[]];
    return Array.isArray(right) && items.length === others.length && items.every((item, index) => jsonEqual(item, others[index]));
  }
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => Object.hasOwn(right, key) && jsonEqual(left[key], right[key]));
}
