/**
 * The Immer state container: an immutable state that changes by recipes and gives each change as data.
 * It knows nothing of disks; its owner decides what happens to the changes.
 */
import { current, enablePatches, Immer, original, type Draft, type Patch as ImmerPatch } from "immer";
import { DraftstateError } from "../errors.js";
import { assertFunction } from "./given.js";
import { idleStreaming } from "./conversation.js";
import { guardIntrinsics } from "./intrinsics.js";
import { freezeJson, isJsonObject, ownValue, type Json, type JsonObject, type UndefinedFields } from "./json.js";
import { applyPatches, canTravel, diffStates, withToken, type Patch, type Path, type TokenPatch } from "./patches.js";

enablePatches();
// Freezing is ours: `freezeJson` also copies and checks what a recipe put in.
const immer = new Immer({ autoFreeze: false });

/** As Immer has it: changes the draft, or gives back the new state. */
export type Recipe<S> = (draft: Draft<S>) => Draft<S> | S | void;

function valueAt(state: Json, path: Path): Json | undefined {
  let node: Json | undefined = state;
  for (const segment of path) {
    if (Array.isArray(node)) node = (node as readonly Json[])[Number(segment)];
    else node = isJsonObject(node) ? ownValue(node, String(segment)) : undefined;
  }
  return node;
}

function fromImmer(patch: ImmerPatch, before: JsonObject, undefinedFields: UndefinedFields): Patch {
  if (patch.op === "remove") return { op: "remove", path: patch.path };
  // Set to undefined: the field goes. An entry of a list cannot.
  if (patch.value === undefined && undefinedFields === "drop" && typeof patch.path.at(-1) === "string")
    return { op: "remove", path: patch.path };
  const value = freezeJson(patch.value, [...patch.path], undefinedFields);
  if (patch.op === "replace" && typeof value === "string") {
    const old = valueAt(before, patch.path);
    if (typeof old === "string" && old !== "" && value.length > old.length && value.startsWith(old)) {
      return { op: "append", path: patch.path, value: apart(value.slice(old.length)) };
    }
  }
  return { op: patch.op, path: patch.path, value };
}

/** The same text on its own: a part of a long one would keep all of it in memory. */
function apart(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}

export class StateContainer {
  #state: JsonObject;
  #isChanging = false;

  constructor(
    state: JsonObject,
    private readonly undefinedFields: UndefinedFields = "refuse",
  ) {
    this.#state = freezeObject(state, undefinedFields);
  }

  /** Deeply frozen; a new object after each change. */
  get state(): JsonObject {
    return this.#state;
  }

  /** Throws `USAGE` inside a recipe: what it is in the middle of changing is changed through its draft alone. */
  assertNotChanging(): void {
    if (this.#isChanging)
      throw new DraftstateError(
        "USAGE",
        "a recipe changes its draft, and cannot change the conversation by other means: do that before or after the update; nothing was saved",
      );
  }

  /** Runs the recipe; returns what it changed, empty when nothing. Throws `INVALID_STATE`, unchanged, for what is not plain JSON. */
  update(recipe: Recipe<JsonObject>): Patch[] {
    assertFunction(recipe, "a recipe");
    this.assertNotChanging();
    this.#isChanging = true;
    const isWithin = guardIntrinsics();
    try {
      return this.#update(recipe, isWithin);
    } catch (error) {
      throw isWithin() ? inOurWords(error) : outOfReach(error);
    } finally {
      this.#isChanging = false;
    }
  }

  #update(recipe: Recipe<JsonObject>, isWithin: () => boolean): Patch[] {
    const before = this.#state;
    const given = { whole: false };
    const [after, made] = immer.produceWithPatches(before, (draft) => {
      const result = (recipe as (draft: Draft<JsonObject>) => unknown)(draft);
      if (!isWithin()) throw outOfReach();
      given.whole = isNewState(result, draft);
      return given.whole ? (result as Draft<JsonObject>) : undefined;
    });
    const patches = given.whole
      ? diffStates(before, withoutFileFields(freezeObject(after, this.undefinedFields)))
      : toPatches(made, before, after, this.undefinedFields);
    // Applied from the checked patches, not taken from Immer, so that memory and disk cannot differ.
    this.#state = applyPatches(before, patches);
    return patches;
  }

  /** Throws `INVALID_STATE`, unchanged, for what is no text, and what `mayGrow` throws. */
  token(token: string, mayGrow: (text: string) => void = () => undefined): TokenPatch {
    this.assertNotChanging();
    const text = asText(token);
    mayGrow(text);
    const patch: TokenPatch = { op: "token", text, last: text, count: 1 };
    this.#state = withToken(this.#state, patch);
    return patch;
  }

  /** A piece of what the model thinks, beside its answer: by hand, as a token is. Throws as `token` does. */
  reasoning(piece: string, mayGrow: (text: string) => void): Patch {
    this.assertNotChanging();
    const text = asText(piece);
    mayGrow(text);
    const patch = reasoningPatch(this.#state, text);
    this.#state = applyPatches(this.#state, [patch]);
    return patch;
  }

  /** Becomes exactly `next`; returns the difference. */
  replace(next: unknown, diff: (from: JsonObject, to: JsonObject) => Patch[]): Patch[] {
    this.assertNotChanging();
    const to = freezeObject(next, this.undefinedFields);
    const patches = diff(this.#state, to);
    this.#state = to;
    return patches;
  }
}

function outOfReach(cause?: unknown): DraftstateError {
  return new DraftstateError(
    "INVALID_STATE",
    'a recipe changed what all objects inherit from (through a name such as "__proto__" or "constructor"): that was taken back, and nothing was saved',
    cause === undefined ? {} : { cause },
  );
}

/** What Immer refuses (a prototype, a property with a getter) is refused here under a code. */
function inOurWords(error: unknown): unknown {
  if (!(error instanceof Error) || !error.message.startsWith("[Immer]")) return error;
  return new DraftstateError(
    "INVALID_STATE",
    "a recipe did what no draft can do, such as setting a prototype or defining a property; nothing was saved",
    { cause: error },
  );
}

function reasoningPatch(state: JsonObject, text: string): Patch {
  const streaming = ownValue(state, "streamingProperties");
  if (!isJsonObject(streaming))
    return {
      op: "add",
      path: ["streamingProperties"],
      value: freezeJson({ ...idleStreaming(), partialReasoning: text }),
    };
  const path = ["streamingProperties", "partialReasoning"];
  const before = ownValue(streaming, "partialReasoning");
  if (typeof before === "string") return { op: "append", path, value: text };
  return { op: before === undefined ? "add" : "replace", path, value: text };
}

/** Programs without types hand on whatever a model gave them. */
function asText(token: unknown): string {
  if (typeof token === "string") return token;
  throw new DraftstateError(
    "INVALID_STATE",
    `a token is a text, not ${token === null ? "null" : `a value of type ${typeof token}`}; nothing was saved`,
  );
}

/** A number or text is what an arrow such as `(draft) => draft.count++` happens to give back: it means nothing. */
function isNewState(result: unknown, draft: Draft<JsonObject>): boolean {
  if (typeof result !== "object" || result === null || result === draft) return false;
  if (result instanceof Promise) {
    result.catch(() => undefined);
    throw new DraftstateError("INVALID_STATE", "a recipe must not be asynchronous: await first, then update");
  }
  if (current(draft) !== original(draft))
    throw new DraftstateError(
      "INVALID_STATE",
      "a recipe changes the draft or gives back a new state, not both; nothing was saved",
    );
  return true;
}

function withoutFileFields(state: JsonObject): JsonObject {
  if (Object.hasOwn(state, "_metadata")) throw ownField();
  return state;
}

function ownField(): DraftstateError {
  return new DraftstateError(
    "INVALID_STATE",
    "the state field _metadata is the file's own: title, model and base URL are changed with updateInfo",
  );
}

function toPatches(
  made: readonly ImmerPatch[],
  before: JsonObject,
  after: JsonObject,
  undefinedFields: UndefinedFields,
): Patch[] {
  if (made.some((patch) => patch.path[0] === "_metadata")) {
    throw ownField();
  }
  // A field named like a prototype's is data, but no path may lead through it: the state is told whole.
  if (!made.every((patch) => canTravel(patch.path)))
    return [{ op: "replace", path: [], value: freezeJson(after, [], undefinedFields) }];
  // Where entries of a list moved, a path no longer means in `before` what it means now: nothing is read as grown.
  const moved = made.some((patch) => patch.op !== "replace" && typeof patch.path.at(-1) === "number");
  const isNothing = ({ op, value }: ImmerPatch): boolean =>
    op === "add" && value === undefined && undefinedFields === "drop";
  return made
    .filter((patch) => !isNothing(patch) || typeof patch.path.at(-1) === "number")
    .map((patch) => fromImmer(patch, moved ? {} : before, undefinedFields));
}

function freezeObject(state: unknown, undefinedFields: UndefinedFields): JsonObject {
  const frozen = freezeJson(state, [], undefinedFields);
  if (!isJsonObject(frozen)) throw new DraftstateError("INVALID_STATE", "a state is a JSON object; nothing was saved");
  return frozen;
}
