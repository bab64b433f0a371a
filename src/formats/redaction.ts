/**
 * Secrets in an export become `[redacted …]`, in every text it holds: messages, titles, an application's own fields and
 * the names of fields. Counts what it replaced. Finds what has a known form, and cannot promise more.
 */
import { RE2JS } from "re2js";
import { isJsonObject, type Json, type JsonObject } from "../model/json.js";
import type { Metadata } from "../model/conversation.js";
import type { ConversationDocument, ExportedBackup } from "./document.js";
import { NAMED_SECRET, SECRET_NAME, SECRET_RULES, type SecretRule } from "./secret-rules.js";

export class Redactor {
  /** Compiled when a keyword first calls for it. */
  readonly #compiled = new Map<SecretRule, RE2JS>();
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
    const lower = text.toLowerCase();
    return SECRET_RULES.filter((rule) => rule.keywords.some((keyword) => lower.includes(keyword))).reduce(
      (rest, rule) => this.#apply(rule, rest),
      text,
    );
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

  #object(object: JsonObject): JsonObject {
    const redacted: Record<string, Json> = {};
    for (const [key, value] of Object.entries(object)) {
      let name = this.text(key);
      // Two names may become the same: none of their values is lost.
      for (let count = 2; Object.hasOwn(redacted, name); count += 1) name = `${this.text(key)} ${count}`;
      redacted[name] = this.#named(key, value);
    }
    return redacted;
  }

  #patternOf(rule: SecretRule): RE2JS {
    const known = this.#compiled.get(rule) ?? RE2JS.compile(rule.pattern);
    this.#compiled.set(rule, known);
    return known;
  }

  /** A name may say that a text is a secret, whatever it looks like. */
  #named(name: string, value: Json): Json {
    if (typeof value !== "string" || !SECRET_NAME.test(name) || !NAMED_SECRET.accept(value)) return this.json(value);
    this.#count(NAMED_SECRET.kind);
    return `[redacted ${NAMED_SECRET.kind}]`;
  }

  #count(kind: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  #apply(rule: SecretRule, text: string): string {
    const matcher = this.#patternOf(rule).matcher(text);
    const parts: string[] = [];
    let end = 0;
    while (matcher.find()) {
      const group = (rule.groups ?? [rule.group ?? 0]).find((each) => matcher.group(each) !== null) ?? 0;
      const secret = matcher.group(group) ?? "";
      if (secret.startsWith("[redacted") || rule.accept?.(secret) === false) continue;
      parts.push(text.slice(end, matcher.start(group)), `[redacted ${rule.kind}]`);
      end = matcher.end(group);
      this.#count(rule.kind);
    }
    return parts.length === 0 ? text : parts.join("") + text.slice(end);
  }
}
