/**
 * Secrets in an export become `[redacted …]`, in every text it holds: messages, titles, an application's own fields and
 * the names of fields. Counts what it replaced. Finds what has a known form, and cannot promise more.
 */
import { isJsonObject, type Json, type JsonObject } from "../model/json.js";
import type { Metadata } from "../model/conversation.js";
import type { ConversationDocument, ExportedBackup } from "./document.js";
import { Keywords, toLowerCase } from "./keywords.js";
import { SCANNER_RULES } from "./scanner-rules.js";
import { NAMED_SECRET, SECRET_NAME, SECRET_RULES } from "./secret-rules.js";
import { SecretSearch } from "./secret-search.js";

/** Ours first: they know the text around a secret, and name what they find more exactly. */
const SEARCHES = [...SECRET_RULES, ...SCANNER_RULES].map((rule) => new SecretSearch(rule));
const KEYWORDS = new Keywords(SEARCHES.flatMap(({ rule }) => rule.keywords));

/** What a key or a password may be. */
const ONE_WORD = /^[^\s"]{8,500}$/;
const TOKENS_OF_MODELS: ReadonlySet<string> = new Set(["lastToken"]);

interface Searched {
  readonly text: string;
  readonly lower: string;
}

function searchesFor({ lower }: Searched): readonly SecretSearch[] {
  const present = KEYWORDS.in(lower);
  if (present.size === 0) return [];
  return SEARCHES.filter(({ rule }) => rule.keywords.some((keyword) => present.has(keyword)));
}

export class Redactor {
  readonly #counts = new Map<string, number>();

  /** How many places of each kind were replaced so far. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  document(document: ConversationDocument): ConversationDocument {
    return {
      ...document,
      ...this.#content(document),
      backups: document.backups.map((point): ExportedBackup => ({ ...point, ...this.#content(point) })),
    };
  }

  text(text: string): string {
    const given = { text, lower: toLowerCase(text) };
    return searchesFor(given).reduce<Searched>((rest, search) => this.#apply(search, rest), given).text;
  }

  json(value: Json): Json {
    if (typeof value === "string") return this.text(value);
    if (Array.isArray(value)) return (value as readonly Json[]).map((item) => this.json(item));
    return isJsonObject(value) ? this.#object(value) : value;
  }

  #content({ state, metadata }: { readonly state: JsonObject; readonly metadata: Metadata }): {
    state: JsonObject;
    metadata: Metadata;
  } {
    return { state: this.#object(state), metadata: this.#object({ ...metadata }) as unknown as Metadata };
  }

  /** Two names may become the same: none of their values is lost. */
  #object(object: JsonObject): JsonObject {
    const redacted: Record<string, Json> = {};
    const repeats = new Map<string, number>();
    for (const [key, value] of Object.entries(object)) {
      const name = this.text(key);
      let unique = name;
      while (Object.hasOwn(redacted, unique)) {
        const count = (repeats.get(name) ?? 1) + 1;
        repeats.set(name, count);
        unique = `${name} ${count}`;
      }
      redacted[unique] = this.#named(key, value);
    }
    return redacted;
  }

  /** A name may say that a text is a secret, whatever it looks like; or what issued it. */
  #named(name: string, value: Json): Json {
    if (typeof value !== "string") return this.json(value);
    const kind =
      SECRET_NAME.test(name) && NAMED_SECRET.accept(value) ? NAMED_SECRET.kind : this.#kindBeside(name, value);
    if (kind === undefined) return this.text(value);
    this.#count(kind);
    return `[redacted ${kind}]`;
  }

  /** Of a text of one word that the rules know by its name only. */
  #kindBeside(name: string, value: string): string | undefined {
    if (!ONE_WORD.test(value) || TOKENS_OF_MODELS.has(name)) return undefined;
    const text = `${name}="${value}"`;
    const written = { text, lower: toLowerCase(text) };
    const start = name.length + 2;
    return searchesFor(written).find((search) =>
      search
        .in(written.text, written.lower)
        .some((found) => found.start === start && found.end === start + value.length),
    )?.rule.kind;
  }

  #count(kind: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  #apply(search: SecretSearch, searched: Searched): Searched {
    const { text, lower } = searched;
    const parts: string[] = [];
    let end = 0;
    for (const secret of search.in(text, lower)) {
      parts.push(text.slice(end, secret.start), `[redacted ${search.rule.kind}]`);
      ({ end } = secret);
      this.#count(search.rule.kind);
    }
    if (parts.length === 0) return searched;
    const rest = parts.join("") + text.slice(end);
    return { text: rest, lower: toLowerCase(rest) };
  }
}
