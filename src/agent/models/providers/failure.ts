/** What a provider's package throws → the status and the server's own words, wherever that package keeps them. */
import { messageOf } from "../../../errors.js";
import { policyErrorIn } from "../../../http/policy.js";
import { isJsonObject } from "../../../model/json.js";
import type { ProviderName } from "../../../model/providers.js";
import { jsonWords, wordsOf } from "../server-words.js";

/** Read by `modelError`. */
export class ProviderFailure extends Error {
  override readonly name = "ProviderFailure";

  constructor(
    message: string,
    readonly provider: ProviderName,
    readonly status: number | undefined,
    /** Undefined where a server said it: then nothing within says more. */
    cause: unknown,
  ) {
    super(message, cause === undefined ? {} : { cause });
  }
}

function fieldOf(error: unknown, name: string): unknown {
  return typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined;
}

export function statusOf(error: unknown): number | undefined {
  const found = [
    fieldOf(error, "status"),
    fieldOf(error, "statusCode"),
    fieldOf(error, "status_code"),
    fieldOf(fieldOf(error, "$metadata"), "httpStatusCode"),
  ];
  return found.find((value) => typeof value === "number");
}

/** A parsed body, a body as text, or the text of the error itself. */
function serverWords(error: unknown): string | undefined {
  const parsed = fieldOf(error, "error");
  if (isJsonObject(parsed)) return jsonWords(parsed);
  const body = fieldOf(error, "body");
  if (typeof body === "string" && body !== "") return wordsOf(body);
  // "[GoogleGenerativeAI Error]: Error fetching from <address>: [400 Bad Request] the words"
  const said = /^\[GoogleGenerativeAI Error\]:.*?: \[\d{3}[^\]]*\] (.*)/s.exec(messageOf(error))?.[1];
  return said?.replace(/\s*\[\{.*$/s, "");
}

export function providerFailure(provider: ProviderName, error: unknown): unknown {
  if (policyErrorIn(error) !== undefined || error instanceof ProviderFailure) return error;
  const status = statusOf(error);
  const words = serverWords(error);
  if (words === undefined && status === undefined) return error;
  return new ProviderFailure(words ?? messageOf(error), provider, status, undefined);
}
