/** Aliases of models: a name of the user's own for a model. One step, and `offline` is always the built-in one. Pure. */
import { isJsonObject, ownValue } from "../../model/json.js";

/** The model that a name stands for; the name itself where it is no alias. */
export function aliased(name: string, models: unknown): string {
  const model = isJsonObject(models) && name !== "offline" ? ownValue(models, name) : undefined;
  return typeof model === "string" ? model : name;
}
