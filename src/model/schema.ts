/**
 * An application's own schema, by the Standard Schema interface (zod, valibot, arktype …): what is loaded is checked against
 * it. What the schema fills in is taken over; fields that it does not name are kept.
 */
import { DraftstateError } from "../errors.js";
import { freezeJson, isJsonObject, jsonEqual, type Json, type JsonObject } from "./json.js";

/** What `~standard` has to be; https://standardschema.dev, version 1. */
export interface StateSchema<S = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Checked<S> | Promise<Checked<S>>;
    readonly types?: { readonly input: unknown; readonly output: S } | undefined;
  };
}

type Checked<S> = { readonly value: S; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The state with what the schema fills in: the same object where that is nothing. Throws `INVALID_STATE`, `path` the field's. */
export async function conforming(schema: StateSchema, state: JsonObject, what: string): Promise<JsonObject> {
  const filled = merged(state, await checked(schema, state, what));
  if (jsonEqual(filled, state)) return state;
  // What is saved must be accepted again when it is loaded: a schema that converts values would refuse its own.
  await checked(schema, filled, `${what}, as the schema converts it,`);
  return filled;
}

async function checked(schema: StateSchema, state: JsonObject, what: string): Promise<JsonObject> {
  const result = await schema["~standard"].validate(state);
  if (result.issues !== undefined) throw refusal(result.issues, what);
  const value = freezeJson(result.value);
  if (isJsonObject(value)) return value;
  throw new DraftstateError("INVALID_STATE", `${what}: its schema gives no object, and a state is a JSON object`);
}

function refusal(issues: readonly SchemaIssue[], what: string): DraftstateError {
  const [first] = issues;
  const path = (first?.path ?? [])
    .map((segment) => String(typeof segment === "object" ? segment.key : segment))
    .join(".");
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return new DraftstateError(
    "INVALID_STATE",
    `${what} does not fit its schema: ${path === "" ? "" : `${path}: `}${first?.message ?? "it is refused"}${more}; nothing was changed`,
    { path, cause: issues },
  );
}

/** Lists of the same length entry by entry; otherwise the schema's. */
function merged<T extends Json>(stored: T, given: Json): T;
function merged(stored: Json, given: Json): Json {
  if (Array.isArray(stored) && Array.isArray(given)) {
    const [items, others] = [stored as readonly Json[], given as readonly Json[]];
    return freezeJson(
      items.length === others.length ? items.map((item, index) => merged(item, others[index] ?? null)) : others,
    );
  }
  if (!isJsonObject(stored) || !isJsonObject(given)) return given;
  const next: Record<string, Json> = { ...stored };
  for (const [key, value] of Object.entries(given))
    next[key] = Object.hasOwn(stored, key) ? merged(stored[key] ?? null, value) : value;
  return freezeJson(next);
}
