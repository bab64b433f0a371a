/**
 * A change as data. Four operations: `add`, `remove`, `replace` as Immer makes them, `append` for text that only
 * grew, and `token`, the short form of what one streamed token does to a state (docs/format.md gives its meaning).
 */
import { DraftstateError } from "../errors.js";
import { idleStreaming } from "./conversation.js";
import { freezeJson, freezeNode, isJsonObject, jsonEqual, ownValue, type Json, type JsonObject } from "./json.js";

export type Path = readonly (string | number)[];

export type Patch =
  | { readonly op: "add" | "replace"; readonly path: Path; readonly value: Json }
  | { readonly op: "remove"; readonly path: Path }
  | { readonly op: "append"; readonly path: Path; readonly value: string }
  | TokenPatch;

/** `text` is all that was streamed, `last` its last token where it holds several, `count` how many. */
export type TokenPatch = { readonly op: "token"; readonly text: string; readonly last: string; readonly count: number };

const OPERATIONS: ReadonlySet<string> = new Set<Patch["op"]>(["add", "replace", "remove", "append", "token"]);

/** Whether this version knows the operation; what it does not know was written by a newer one. */
export function isPatchOperation(op: string): op is Patch["op"] {
  return OPERATIONS.has(op);
}

const UNREACHABLE = new Set(["__proto__", "constructor", "prototype"]);

function refuse(path: Path, why: string): DraftstateError {
  return new DraftstateError("CORRUPT", `a change to ${JSON.stringify(path.join("/"))} cannot be applied: ${why}`);
}

export function canTravel(path: Path): boolean {
  return path.every((segment) => typeof segment === "number" || !UNREACHABLE.has(segment));
}

/** An estimate from the number of tokens alone, below 100 until the answer is complete. Part of the format. */
export function progressAfter(tokenCount: number): number {
  return Math.floor((99 * tokenCount) / (tokenCount + 100));
}

/**
 * Applies changes one after another, copying each node once however many changes touch it, so that replaying n
 * records costs n and not n times the state. `finish` hands out the frozen result; the states it began from stay.
 */
export class Patcher {
  #root: JsonObject;
  readonly #ours = new Set<object>();

  constructor(state: JsonObject) {
    this.#root = state;
  }

  apply(patch: Patch): void {
    if (patch.op === "token") this.#token(patch);
    else if (patch.path.length === 0) this.#replaceRoot(patch);
    else this.#change(patch);
  }

  finish(): JsonObject {
    for (const node of this.#ours) freezeNode(node);
    this.#ours.clear();
    return this.#root;
  }

  #replaceRoot(patch: Exclude<Patch, TokenPatch>): void {
    if (patch.op !== "replace" || !isJsonObject(patch.value))
      throw refuse(patch.path, `${patch.op} of the whole state`);
    this.#root = patch.value;
  }

  #token(patch: TokenPatch): void {
    const root = this.#own(this.#root) as Record<string, Json>;
    this.#root = root;
    const streaming = this.#own(
      isJsonObject(root["streamingProperties"]) ? root["streamingProperties"] : idleStreaming(),
    ) as Record<string, Json>;
    root["streamingProperties"] = streaming;
    writeToken(root, streaming, patch);
  }

  #change(patch: Exclude<Patch, TokenPatch>): void {
    if (!canTravel(patch.path)) throw refuse(patch.path, "it reaches for a prototype");
    const last = patch.path.at(-1);
    const parent = this.#descend(patch.path.slice(0, -1), patch.path);
    if (Array.isArray(parent)) changeArray(parent as Json[], last, patch);
    else changeObject(parent as Record<string, Json>, last, patch);
  }

  #descend(path: Path, whole: Path): Json {
    this.#root = this.#own(this.#root);
    let node: Json = this.#root;
    for (const segment of path) {
      const child = childAt(node, segment);
      if (typeof child !== "object" || child === null)
        throw refuse(whole, `there is nothing at ${JSON.stringify(segment)}`);
      const copy = this.#own(child);
      (node as Record<string | number, Json>)[segment] = copy;
      node = copy;
    }
    return node;
  }

  #own<T extends Json>(node: T): T {
    if (typeof node !== "object" || node === null || this.#ours.has(node)) return node;
    const copy = (Array.isArray(node) ? [...(node as readonly Json[])] : { ...(node as JsonObject) }) as unknown as T &
      object;
    this.#ours.add(copy);
    return copy;
  }
}

function writeToken(root: Record<string, Json>, streaming: Record<string, Json>, patch: TokenPatch): void {
  const [narrative, partial, count] = [root["currentNarrative"], streaming["partialResponse"], streaming["tokenCount"]];
  const tokenCount = (typeof count === "number" ? count : 0) + patch.count;
  root["currentNarrative"] = (typeof narrative === "string" ? narrative : "") + patch.text;
  streaming["partialResponse"] = (typeof partial === "string" ? partial : "") + patch.text;
  streaming["lastToken"] = patch.last;
  streaming["tokenCount"] = tokenCount;
  streaming["streamingProgress"] = progressAfter(tokenCount);
}

/** One token's step by hand: Immer's patch for a growing text would repeat the whole text. */
export function withToken(state: JsonObject, patch: TokenPatch): JsonObject {
  const root: Record<string, Json> = { ...state };
  const before = ownValue(state, "streamingProperties");
  const streaming: Record<string, Json> = { ...(isJsonObject(before) ? before : idleStreaming()) };
  root["streamingProperties"] = streaming;
  writeToken(root, streaming, patch);
  freezeNode(streaming);
  return freezeNode(root);
}

function childAt(node: Json, segment: string | number): Json | undefined {
  if (Array.isArray(node)) return typeof segment === "number" ? (node as readonly Json[])[segment] : undefined;
  return isJsonObject(node) && typeof segment === "string" ? ownValue(node, segment) : undefined;
}

function changeArray(array: Json[], index: string | number | undefined, patch: Exclude<Patch, TokenPatch>): void {
  const limit = patch.op === "add" ? array.length : array.length - 1;
  if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index > limit) {
    throw refuse(patch.path, `the list has ${array.length} entries`);
  }
  if (patch.op === "add") array.splice(index, 0, patch.value);
  else if (patch.op === "remove") array.splice(index, 1);
  else array[index] = patch.op === "append" ? appended(array[index], patch) : patch.value;
}

function changeObject(
  object: Record<string, Json>,
  key: string | number | undefined,
  patch: Exclude<Patch, TokenPatch>,
): void {
  if (typeof key !== "string") throw refuse(patch.path, "an object has no entry with a number");
  if (patch.op !== "add" && !Object.hasOwn(object, key))
    throw refuse(patch.path, `there is no field ${JSON.stringify(key)}`);
  if (patch.op === "remove") delete object[key];
  else object[key] = patch.op === "append" ? appended(object[key], patch) : patch.value;
}

function appended(before: Json | undefined, patch: Extract<Patch, { op: "append" }>): string {
  if (typeof before !== "string") throw refuse(patch.path, "what should grow is not a text");
  return before + patch.value;
}

export function applyPatches(state: JsonObject, patches: readonly Patch[]): JsonObject {
  const patcher = new Patcher(state);
  for (const patch of patches) patcher.apply(patch);
  return patcher.finish();
}

/** The same of patches that a program has from elsewhere: each is checked first. Throws `CORRUPT`. */
export function applyGivenPatches(state: JsonObject, patches: readonly Patch[]): JsonObject {
  const given: readonly unknown[] = Array.isArray(patches) ? patches : [patches];
  return applyPatches(
    state,
    given.map((patch) => (isTokenPatch(patch) ? patch : parsePatch(patch))),
  );
}

function isTokenPatch(value: unknown): value is TokenPatch {
  const { op, text, last, count } = isJsonObject(value) ? (value as Record<string, unknown>) : {};
  return op === "token" && typeof text === "string" && typeof last === "string" && Number.isSafeInteger(count);
}

/** A patch read from outside, checked: anything but a well-formed patch throws `CORRUPT`. */
export function parsePatch(value: unknown): Patch {
  if (!isJsonObject(value)) throw refuse([], "it is not an object");
  const { op, path } = value as { op?: unknown; path?: unknown };
  if (!Array.isArray(path) || !path.every((segment) => typeof segment === "string" || Number.isInteger(segment))) {
    throw refuse([], "it has no path");
  }
  const at = path as Path;
  if (!canTravel(at)) throw refuse(at, "it reaches for a prototype");
  if (op === "remove") return { op, path: at };
  const payload = ownValue(value, "value");
  if (op === "append" && typeof payload === "string") return { op, path: at, value: payload };
  if ((op === "add" || op === "replace") && payload !== undefined) return { op, path: at, value: freezeJson(payload) };
  throw refuse(at, `${JSON.stringify(op)} is not a known operation with a value`);
}

/** The changes that turn one state into the other. Identical nodes are not looked into. */
export function diffStates(from: JsonObject, to: JsonObject): Patch[] {
  const patches: Patch[] = [];
  diffObjects(from, to, [], patches);
  return patches;
}

function diffValues(from: Json, to: Json, path: Path, patches: Patch[]): void {
  if (from === to) return;
  if (Array.isArray(from) && Array.isArray(to))
    diffArrays(from as readonly Json[], to as readonly Json[], path, patches);
  else if (isJsonObject(from) && isJsonObject(to)) diffObjects(from, to, path, patches);
  else if (typeof from === "string" && typeof to === "string" && from !== "" && to.startsWith(from)) {
    patches.push({ op: "append", path, value: to.slice(from.length) });
  } else patches.push({ op: "replace", path, value: to });
}

function diffObjects(from: JsonObject, to: JsonObject, path: Path, patches: Patch[]): void {
  const keys = new Set([...Object.keys(from), ...Object.keys(to)]);
  if ([...keys].some((key) => UNREACHABLE.has(key) && !jsonEqual(ownValue(from, key), ownValue(to, key)))) {
    patches.push({ op: "replace", path, value: to });
    return;
  }
  for (const key of keys) {
    if (UNREACHABLE.has(key)) continue;
    const [before, after] = [ownValue(from, key), ownValue(to, key)];
    if (after === undefined) patches.push({ op: "remove", path: [...path, key] });
    else if (before === undefined) patches.push({ op: "add", path: [...path, key], value: after });
    else diffValues(before, after, [...path, key], patches);
  }
}

function diffArrays(from: readonly Json[], to: readonly Json[], path: Path, patches: Patch[]): void {
  let start = 0;
  while (start < from.length && start < to.length && jsonEqual(from[start], to[start])) start += 1;
  let tail = 0;
  while (tail < from.length - start && tail < to.length - start && jsonEqual(from.at(-1 - tail), to.at(-1 - tail)))
    tail += 1;
  const [fromEnd, toEnd] = [from.length - tail, to.length - tail];
  const shared = Math.min(fromEnd, toEnd);
  for (let index = start; index < shared; index += 1) {
    const [before, after] = [from[index], to[index]];
    if (before !== undefined && after !== undefined) diffValues(before, after, [...path, index], patches);
  }
  for (let index = fromEnd - 1; index >= shared && index >= start; index -= 1)
    patches.push({ op: "remove", path: [...path, index] });
  for (let index = Math.max(shared, start); index < toEnd; index += 1) {
    const value = to[index];
    if (value !== undefined) patches.push({ op: "add", path: [...path, index], value });
  }
}
