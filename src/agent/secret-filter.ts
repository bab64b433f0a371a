/**
 * A key that a server says back in its answer is neither shown nor stored, however it is cut into tokens. Text is held back
 * only while it may be the key, so tokens keep their bounds; all of it costs its own length.
 */
import { isJsonObject, type Json } from "../model/json.js";

export const REDACTED = "[redacted]";

/** What servers that need no key are given in place of one: words that an answer may hold. */
const PLACEHOLDERS = new Set([
  "lm-studio",
  "not-needed",
  "no-key-required",
  "sk-no-key-required",
  "your-api-key",
  "anything",
]);
const SHORTEST = 8;
/** So much of a key may be shown before it can be told from other text. */
const TELLS_NOTHING = 4;

export function isSecret(text: string): boolean {
  return text.length >= SHORTEST && !PLACEHOLDERS.has(text.toLowerCase());
}

/** All of the text at once. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.filter(isSecret).reduce((left, secret) => left.replaceAll(secret, REDACTED), text);
}

/** In every text and name that it holds. */
export function jsonWithoutSecrets<T extends Json>(value: T, secrets: readonly string[]): T {
  const clean = (each: Json): Json => {
    if (typeof each === "string") return withoutSecrets(each, secrets);
    if (Array.isArray(each)) return (each as readonly Json[]).map(clean);
    if (!isJsonObject(each)) return each;
    return Object.fromEntries(
      Object.entries(each).map(([name, inner]) => [withoutSecrets(name, secrets), clean(inner)]),
    );
  };
  return clean(value) as T;
}

class OneSecret {
  /** The end of the text so far, as long as it is how the secret begins, and how much of it was given on. */
  #tail = "";
  #shown = 0;
  found = 0;

  constructor(private readonly secret: string) {}

  push(piece: string): string {
    const text = this.#tail + piece;
    const out: string[] = [];
    let [given, from] = [this.#shown, 0];
    for (let at = text.indexOf(this.secret); at !== -1; at = text.indexOf(this.secret, from)) {
      out.push(text.slice(given, Math.max(given, at)), REDACTED);
      given = from = at + this.secret.length;
      this.found += 1;
    }
    const begins = text.length - this.#matchedAtEndOf(text.slice(from));
    const end = text.length - begins < TELLS_NOTHING ? text.length : Math.max(given, begins);
    out.push(text.slice(given, end));
    this.#tail = text.slice(begins);
    this.#shown = end - begins;
    return out.join("");
  }

  /** What was held back, if it is not the better part of a secret. */
  end(): string {
    const held = this.#tail.slice(this.#shown);
    const isPart = held.length >= SHORTEST;
    this.#tail = "";
    this.#shown = 0;
    if (isPart) this.found += 1;
    return isPart ? REDACTED : held;
  }

  /** Characters at the end of the text that the secret begins with. */
  #matchedAtEndOf(text: string): number {
    for (let length = Math.min(this.secret.length - 1, text.length); length > 0; length -= 1)
      if (text.endsWith(this.secret.slice(0, length))) return length;
    return 0;
  }
}

export class SecretFilter {
  readonly #each: readonly OneSecret[];

  constructor(secrets: readonly string[]) {
    this.#each = secrets.filter(isSecret).map((secret) => new OneSecret(secret));
  }

  /** How often a secret was left out so far. */
  get found(): number {
    return this.#each.reduce((sum, { found }) => sum + found, 0);
  }

  /** What may be shown now; empty while all of it may be a secret. */
  push(piece: string): string {
    return this.#each.reduce((text, filter) => (text === "" ? "" : filter.push(text)), piece);
  }

  /** What was held back, at the end of a message. */
  end(): string {
    return this.#each.reduce((text, filter) => (text === "" ? "" : filter.push(text)) + filter.end(), "");
  }
}
