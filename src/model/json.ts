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

/** Gives back what it is given, so that a class built on it puts its private fields into any object. */
const Given = function (node: object): object {
  return node;
} as unknown as new (node: object) => object;

/**
 * The mark of what `freezeJson` has checked, in a private field of the node itself: a WeakSet of every node costs more
 * than all the rest of loading a conversation. Put in before the node is frozen; no program can see or forge it.
 */
class Mark extends Given {
  /** Levels of nesting below and with the node; 0 until it is asked for. */
  #height = 0;

  static isOn(node: object): boolean {
    return #height in node;
  }

  static heightOf(node: object): number {
    if (!(#height in node)) return heightBelow(node) + 1;
    if (node.#height === 0) node.#height = heightBelow(node) + 1;
    return node.#height;
  }
}

function heightBelow(node: object): number {
  let height = 0;
  for (const child of Object.values<Json>(node as JsonObject)) {
    if (typeof child === "object" && child !== null) height = Math.max(height, Mark.heightOf(child));
  }
  return height;
}

/** Levels of nesting below and with the value; each frozen node is measured once. */
export function heightOf(value: Json): number {
  return typeof value !== "object" || value === null ? 0 : Mark.heightOf(value);
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own property, never one that comes from a prototype. */
export function ownValue(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** What becomes of a field of an object that is undefined, as optional fields of a type are. An entry of a list is refused always. */
export type UndefinedFields = "refuse" | "drop";

function refuse(path: readonly (string | number)[], found: string): DraftstateError {
  const place = path.length === 0 ? "the state" : `state field ${JSON.stringify(path.join("."))}`;
  const advice =
    found === "undefined" && typeof path.at(-1) === "string" ? '; delete it, or set undefinedFields to "drop"' : "";
  return new DraftstateError(
    "INVALID_STATE",
    `${place} is ${found}: a state holds plain JSON only${advice}; nothing was saved`,
    path.length === 0 ? {} : { path: path.join(".") },
  );
}

/**
 * The value as deeply frozen plain JSON. What passed before is returned as it is; anything else is copied, so the
 * caller's own object stays his. Throws `INVALID_STATE`, with the path, for what JSON cannot carry exactly:
 * undefined, functions, class instances, NaN and infinities, negative zero, `__proto__` keys, nesting beyond MAX_DEPTH.
 */
export function freezeJson(
  value: unknown,
  path: (string | number)[] = [],
  undefinedFields: UndefinedFields = "refuse",
): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw refuse(path, String(value));
    if (Object.is(value, -0)) throw refuse(path, "negative zero");
    return value;
  }
  if (typeof value !== "object") throw refuse(path, value === undefined ? "undefined" : `a ${typeof value}`);
  if (Mark.isOn(value) && path.length + heightOf(value as Json) <= MAX_DEPTH) return value as Json;
  if (path.length >= MAX_DEPTH) throw refuse([], `nested deeper than ${MAX_DEPTH} levels`);
  return Array.isArray(value) ? freezeArray(value, path, undefinedFields) : freezeObject(value, path, undefinedFields);
}

function freezeArray(value: readonly unknown[], path: (string | number)[], undefinedFields: UndefinedFields): Json {
  const copy: Json[] = [];
  for (let index = 0; index < value.length; index += 1) {
    path.push(index);
    copy.push(freezeJson(value[index], path, undefinedFields));
    path.pop();
  }
  return keep(copy);
}

function freezeObject(value: object, path: (string | number)[], undefinedFields: UndefinedFields): Json {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw refuse(path, `an instance of ${value.constructor.name || "a class"}`);
  }
  if (Object.getOwnPropertySymbols(value).length > 0) throw refuse(path, "an object with symbol keys");
  const copy: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined && undefinedFields === "drop") continue;
    path.push(key);
    if (key === "__proto__") throw refuse(path, "a key that could reach a prototype");
    copy[key] = freezeJson(item, path, undefinedFields);
    path.pop();
  }
  return keep(copy);
}

function keep<T extends object>(value: T): T {
  if (!Mark.isOn(value)) new Mark(value);
  return Object.freeze(value);
}

/** A node whose children are all frozen already: frozen and marked without another walk. */
export function freezeNode<T extends object>(value: T): T {
  return keep(value);
}

/**
 * The value that `JSON.parse` has just made and nothing else holds, as deeply frozen plain JSON: like `freezeJson`, but
 * the nodes themselves are frozen and nothing is copied.
 */
export function freezeParsed(value: unknown): Json {
  return isExact(value, 0) ? (value as Json) : freezeJson(value);
}

/** False for what only `freezeJson` can refuse in words. */
function isExact(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return !Object.is(value, -0);
  if (depth >= MAX_DEPTH) return false;
  const exact = Array.isArray(value)
    ? value.every((item) => isExact(item, depth + 1))
    : Object.keys(value).every(
        (key) => key !== "__proto__" && isExact((value as Record<string, unknown>)[key], depth + 1),
      );
  if (exact) keep(value);
  return exact;
}

export function isFrozenJson(value: unknown): boolean {
  return typeof value !== "object" || value === null || Mark.isOn(value);
}

export function jsonEqual(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (Array.isArray(left)) {
    const [items, others] = [left as readonly Json[], right as readonly Json[]];
    return (
      Array.isArray(right) &&
      items.length === others.length &&
      items.every((item, index) => jsonEqual(item, others[index]))
    );
  }
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && jsonEqual(left[key], right[key]))
  );
}
