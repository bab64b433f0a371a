/**
 * Opens a conversation for a program: with the agent's state, or with the program's own, which a schema can check. What a
 * schema refuses is closed again, unchanged; where it was new, nothing stays of it.
 */
import { freezeJson, isJsonObject, type Json, type JsonObject, type UndefinedFields } from "../model/json.js";
import { conforming, type StateSchema } from "../model/schema.js";
import { DraftstateError } from "../errors.js";
import type { Conversation } from "../session/conversation.js";
import type { Sessions } from "../session/sessions.js";

export interface OpenOptions {
  /** Milliseconds to wait for another writer; the setting `lockTimeout` where it is left out. */
  readonly lockTimeout?: number;
  /** `new`: it must not exist yet. `existing`: it must. */
  readonly expect?: "any" | "new" | "existing";
}

/** A conversation of the program's own state begins as `initial`; what is there already is loaded instead. */
export interface InitialState<S extends object> extends OpenOptions {
  readonly initial: S;
  readonly schema?: undefined;
}

/** The state is checked whenever it is opened. Throws `INVALID_STATE` with the `path` of the first field that does not fit. */
export interface CheckedState<S extends object> extends OpenOptions {
  readonly schema: StateSchema<S>;
  readonly initial?: NoInfer<S>;
}

export type AnyOpenOptions = OpenOptions & { readonly initial?: object; readonly schema?: StateSchema | undefined };

export async function openConversation(
  sessions: Sessions,
  id: string,
  { initial, schema, ...options }: AnyOpenOptions,
  undefinedFields?: UndefinedFields,
): Promise<Conversation> {
  const state =
    initial === undefined ? undefined : await beginningState(id, freezeJson(initial, [], undefinedFields), schema);
  return sessions.open(id, {
    ...options,
    ...(state === undefined ? {} : { beginning: { state, info: {} } }),
    ...(schema === undefined
      ? {}
      : {
          fit: (loaded: JsonObject, isNew: boolean) =>
            conforming(schema, loaded, isNew ? `the state that ${id} begins with (initial)` : `conversation ${id}`),
        }),
  });
}

/** Checked even if the conversation exists: a wrong one would be noticed only much later. */
async function beginningState(id: string, state: Json, schema: StateSchema | undefined): Promise<JsonObject> {
  if (!isJsonObject(state) || Object.hasOwn(state, "_metadata"))
    throw new DraftstateError("INVALID_STATE", "initial must be a JSON object without _metadata; nothing was changed");
  return schema === undefined ? state : conforming(schema, state, `the state that ${id} begins with (initial)`);
}
