/**
 * Decides whether a conversation may be sent to the provider that it names: to one that the user named in this run, by flag, environment, own or
 * trusted settings, as the model or by an alias; else only if he says so now. On this machine without a key nothing is sent anywhere.
 */
import { DraftstateError } from "../../errors.js";
import { firstSet, PROVIDERS, providerIn, type Provider, type ProviderName } from "../../model/providers.js";
import { isLoopback } from "../../model/urls.js";
import type { CommandContext } from "../context.js";
import { aliased } from "./aliases.js";

type Named = Pick<CommandContext, "env"> & { readonly settings: Pick<CommandContext["settings"], "model" | "models"> };

/** Settings hold no model of an untrusted file but one of the same provider. */
function namedProviders({ settings: { model, models } }: Named): ReadonlySet<ProviderName> {
  const names = [...(model === undefined ? [] : [aliased(model, models)]), ...Object.values(models)];
  return new Set(names.flatMap((name) => providerIn(name) ?? []));
}

export function mayAskProvider(context: Named, name: ProviderName, url: string | undefined): boolean {
  if (namedProviders(context).has(name)) return true;
  const { keys, addresses, address }: Provider = PROVIDERS[name];
  const where = url ?? firstSet(addresses, context.env) ?? address;
  return name === "ollama" && keys.length === 0 && where !== undefined && isLoopback(where);
}

export function questionAboutProvider(id: string, model: string): string {
  return `${id} was last answered by ${model}, a provider that you have not named in this run.\nSend the conversation there? (y/N) `;
}

export function refuseProvider(id: string, model: string): DraftstateError {
  return new DraftstateError(
    "USAGE",
    `${id} was last answered by ${model}, a provider that you have not named in this run, so nothing was sent: to send it there, add --model ${model}, or give the model an alias in your own settings`,
    { path: "model" },
  );
}
