/** Which models can be named here: aliases, the built-in one, providers, and what the server of OpenAI's protocol offers, if there is one. */
import { proxiesOf } from "../../http/policy.js";
import { PROVIDER_NAMES } from "../../model/providers.js";
import { assertHttpUrl } from "../../model/urls.js";
import type { CommandContext } from "../context.js";
import { assertNoCredentials } from "../settings/key-host.js";
import { ownAddress } from "../settings/model-address.js";

const OPENAI = "https://api.openai.com/v1";

/** What a name may begin with, or be, without any server. */
export function knownNames(models: Readonly<Record<string, string>>): string[] {
  return [...Object.keys(models), "offline", ...PROVIDER_NAMES.map((name) => `${name}:`)];
}

function keyOf({ env }: CommandContext): string | undefined {
  return env["OPENAI_API_KEY"] === "" ? undefined : env["OPENAI_API_KEY"];
}

/** Of OpenAI's protocol; undefined where neither an address nor a key names one. */
export function serverFor(context: CommandContext, baseUrl = ownAddress(context, undefined)): string | undefined {
  return baseUrl ?? (keyOf(context) === undefined ? undefined : OPENAI);
}

/** Throws `MODEL`, `INVALID_CONFIG`. */
export async function offeredBy(
  context: CommandContext,
  url: string,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  assertHttpUrl(url);
  assertNoCredentials(url);
  const { offeredModels } = await import("../../agent/models/offered-models.js");
  const connection = { proxies: proxiesOf(context.env), idleTimeout: context.settings.idleTimeout };
  return offeredModels({ url, apiKey: keyOf(context), connection, signal });
}
