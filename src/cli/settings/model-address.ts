/**
 * Which model the base URL of the settings is for. A key is bound to its host: OpenAI's is not sent to the address of another provider's model, nor the
 * other way round. Without a model beside it, it is a server of OpenAI's protocol.
 */
import { providerIn } from "../../model/providers.js";
import { aliased } from "./aliases.js";
import type { Origin, ResolvedSettings } from "./settings.js";

interface Own {
  readonly settings: Pick<ResolvedSettings["values"], "model" | "models" | "baseUrl">;
  readonly origins: ResolvedSettings["origins"];
}

export function ownAddress({ settings, origins }: Own, model: string | undefined): string | undefined {
  const { baseUrl, models } = settings;
  const [wanted, given] = [
    kindOf(model),
    kindOf(settings.model === undefined ? undefined : aliased(settings.model, models)),
  ];
  const meant = placeOf(origins["baseUrl"]) === placeOf(origins["model"]) ? given : undefined;
  return meant === wanted ? baseUrl : undefined;
}

/** Where both were said; the variable of OpenAI's own clients speaks of OpenAI's protocol alone. */
function placeOf(origin: Origin | undefined): string | undefined {
  if (origin === undefined || typeof origin === "string") return origin;
  if ("variable" in origin) return origin.variable.startsWith("DRAFTSTATE_") ? "variables" : origin.variable;
  return "file" in origin ? origin.file : origin.userFile;
}

/** Undefined for OpenAI, servers like it, and the offline model. */
function kindOf(model: string | undefined): string | undefined {
  return model === undefined ? undefined : providerIn(model);
}
