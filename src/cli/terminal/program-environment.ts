/**
 * What a pager, an editor or a clipboard's program gets of the environment: all but what opens the store. Some of them outlive the
 * command, and none needs it.
 */
import type { Environment } from "../io.js";

export function environmentForPrograms(env: Environment): Environment {
  const { PGPASSWORD: _password, DRAFTSTATE_STORE: _store, ...rest } = env;
  return rest;
}
