/** What a provider's failure means to a person: one line that says what to do, with no secret in it. */
import { DraftstateError, messageOf, systemErrorCode } from "../errors.js";
import { policyErrorIn } from "../http/policy.js";
import { PROVIDERS, type Provider } from "../model/providers.js";
import { isLasting, ModelFailure } from "./model-failure.js";
import { ProviderFailure } from "./models/providers/failure.js";
import { withoutSecrets } from "./secret-filter.js";

function statusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("status" in error)) return undefined;
  return typeof error.status === "number" ? error.status : undefined;
}

/** What servers say of a conversation that does not fit into the model's context, whatever their status. */
const TOO_LONG =
  /context[_ ]?(length|window|size)|maximum context|max(imum)?[_ ](prompt|input)[_ ](length|tokens)|(prompt|input|request|conversation) (is|are) too (long|large)|too many (input )?tokens|input (token count|length) .*exceeds/i;

function isTooLong(error: unknown): boolean {
  const code: unknown = typeof error === "object" && error !== null ? Reflect.get(error, "code") : undefined;
  return code === "context_length_exceeded" || TOO_LONG.test(innermostMessage(error).slice(0, MAX_DETAIL));
}

/** The request itself is refused, whenever it is sent. */
function isRefused(error: unknown): boolean {
  return [400, 413, 422].includes(statusOf(error) ?? 0);
}

/** Where a person set the key that was refused. */
function keyOf(error: unknown): string {
  if (!(error instanceof ProviderFailure)) return "OPENAI_API_KEY";
  const { keys, title }: Provider = PROVIDERS[error.provider];
  return keys.length === 0 ? `your credentials for ${title}` : keys.join(" or ");
}

function adviceFor(error: unknown): string {
  const status = statusOf(error);
  if (isTooLong(error))
    return "the conversation is too long for this model: shorten it, or ask one with a larger context";
  if (status === 401 || status === 403) return `the provider refused the key: check ${keyOf(error)}`;
  if (status === 404) return "the provider does not know this model or address: check the model's name and address";
  if (status === 429) return "the provider's rate limit or quota is used up: wait before you ask again";
  if (status !== undefined && status >= 500) return "the provider failed: ask again later";
  if (status !== undefined) return "the provider refused the request";
  if (isConnectionError(error)) return "the server cannot be reached: check the model's address and that it runs";
  if (error instanceof SyntaxError) return "the server's answer is not OpenAI's protocol: check the model's address";
  return "the answer ended with an error";
}

function isConnectionError(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (/^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/.test(systemErrorCode(at) ?? "")) return true;
    // Of openai, and of Node's `fetch`.
    if (at.message === "Connection error." || at.message === "fetch failed") return true;
  }
  return false;
}

/** The innermost cause says most: "fetch failed" hides "connect ECONNREFUSED 127.0.0.1:1". */
function innermostMessage(error: unknown): string {
  let at = error;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  return messageOf(at);
}

/** An error of ours may repeat what a server said. */
export function errorWithoutSecrets(error: DraftstateError, secrets: readonly string[]): DraftstateError {
  const message = withoutSecrets(error.message, secrets);
  if (message === error.message) return error;
  return new ModelFailure(message, { cause: error.cause, isLasting: isLasting(error) });
}

/** Keys as providers write them, also where a server echoes what it was sent. */
const KEYS = /\b(?:sk|pk|rk)-[A-Za-z0-9_*.-]{4,}|\bBearer\s+\S+/g;
const MAX_DETAIL = 300;

export function redact(text: string, secrets: readonly string[]): string {
  const without = secrets
    .filter((secret) => secret.length >= 4)
    .reduce((left, secret) => left.replaceAll(secret, "[redacted]"), text);
  return without.replaceAll(KEYS, "[redacted]");
}

export function modelError(error: unknown, secrets: readonly string[]): DraftstateError {
  if (error instanceof DraftstateError) return error;
  const refused = policyErrorIn(error);
  if (refused !== undefined) return new ModelFailure(redact(refused.message, secrets), { cause: error });
  // LangChain appends a pointer to its own documentation on lines of its own.
  const [firstLine = ""] = innermostMessage(error).trim().split("\n");
  const detail = redact(firstLine, secrets).slice(0, MAX_DETAIL);
  return new ModelFailure(`${adviceFor(error)} (${detail})`, {
    cause: error,
    isLasting: isTooLong(error) || isRefused(error),
  });
}
