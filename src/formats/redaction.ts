/**
 * Secrets in an export become `[redacted …]`, in every text it holds: messages, titles, an application's own fields and
 * the names of fields. Counts what it replaced. Finds what has a known form, and cannot promise more.
 */
import { RE2JS } from "re2js";
import { isJsonObject, type Json, type JsonObject } from "../model/json.js";
import type { Metadata } from "../model/conversation.js";
import type { ConversationDocument, ExportedBackup } from "./document.js";
import { SECRET_RULES, type SecretRule } from "./secret-rules.js";

interface CompiledRule extends SecretRule {
  readonly compiled: RE2JS;
}

export class Redactor {
  readonly #rules: readonly CompiledRule[] = SECRET_RULES.map((rule) => ({
    ...rule,
    compiled: RE2JS.compile(rule.pattern),
  }));
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
    return this.#rules
      .filter((rule) => rule.keywords.some((keyword) => lower.includes(keyword)))
      .reduce((rest, rule) => this.#apply(rule, rest), text);
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
      redacted[name] = this.json(value);
    }
    return redacted;
  }

  #apply(rule: CompiledRule, text: string): string {
    const matcher = rule.compiled.matcher(text);
    const group = rule.group ?? 0;
    const parts: string[] = [];
    let end = 0;
    while (matcher.find()) {
      const secret = matcher.group(group) ?? "";
      if (secret.startsWith("[redacted") || rule.accept?.(secret) === false) continue;
      parts.push(text.slice(end, matcher.start(group)), `[redacted ${rule.kind}]`);
      end = matcher.end(group);
      this.#counts.set(rule.kind, (this.#counts.get(rule.kind) ?? 0) + 1);
    }
    return parts.length === 0 ? text : parts.join("") + text.slice(end);
  }
}
