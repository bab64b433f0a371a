/** A model named at the prompt that nobody knows is refused at once, with what is known: where there is a server it is asked, briefly. */
import { DraftstateError } from "../../errors.js";
import { providerIn } from "../../model/providers.js";
import { nearest } from "../../store/nearest.js";
import type { CommandContext } from "../context.js";
import { knownNames, offeredBy, serverFor } from "../models/offered.js";
import type { Wanted } from "./model.js";

/** Milliseconds. */
const PATIENCE = 3000;
const NAMED = 8;

/** Throws `MODEL`. A name with a provider is the user's own word for it. */
export async function assertKnown(
  context: CommandContext,
  name: string,
  { model = name, baseUrl }: Wanted,
): Promise<void> {
  const isSure = model === "offline" || model.startsWith("openai:") || providerIn(model) !== undefined;
  if (isSure || model !== name) return;
  const { models } = context.settings;
  const url = serverFor(context, baseUrl);
  if (url === undefined)
    throw unknown(name, knownNames(models), "; without --base-url or OPENAI_API_KEY there is no server to ask");
  // A server that has no list, or is slow, is asked for the answer itself.
  const offered = await offeredBy(context, url, AbortSignal.timeout(PATIENCE)).catch(() => []);
  if (offered.length === 0 || offered.some((id) => id === name || id.startsWith(`${name}:`))) return;
  throw unknown(name, [...knownNames(models), ...offered], "; draftstate models lists all");
}

function unknown(name: string, known: readonly string[], advice: string): DraftstateError {
  const near = nearest(name, known);
  const hint = near === undefined ? `known are ${known.slice(0, NAMED).join(", ")}` : `did you mean ${near}?`;
  return new DraftstateError("MODEL", `no model ${JSON.stringify(name)} is known: ${hint}${advice}`);
}
