/**
 * The rules of gitleaks, a maintained scanner, as ours: made from its list by scripts/write-scanner-rules.mjs. It asks
 * that a secret looks random enough, and what only looks like a secret (names of variables, words in what only looks like a key).
 */
import { RE2JS } from "re2js";
import gitleaks from "./gitleaks/rules.json" with { type: "json" };
import type { Found, SecretRule } from "./secret-rules.js";

interface Allowed {
  readonly in: string;
  readonly patterns: readonly string[];
  readonly words: readonly string[];
}

interface ScannerRule {
  readonly kind: string;
  readonly keywords: readonly string[];
  readonly pattern: string;
  readonly group?: number;
  readonly entropy?: number;
  readonly allow?: readonly Allowed[];
}

/** Bits per character. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  const shares = [...counts.values()].map((count) => count / text.length);
  return -shares.reduce((sum, share) => sum + share * Math.log2(share), 0);
}

/** Patterns are compiled when something is to be allowed by them. */
function allows({ in: target, patterns, words }: Allowed): (secret: string, found: Found) => boolean {
  let compiled: RE2JS | undefined;
  return (secret, found) => {
    const lower = secret.toLowerCase();
    if (words.some((word) => lower.includes(word.toLowerCase()))) return true;
    if (patterns.length === 0) return false;
    compiled ??= RE2JS.compile(patterns.map((pattern) => `(?:${pattern})`).join("|"));
    return compiled.test(target === "match" ? found.match() : target === "line" ? found.line() : secret);
  };
}

const allowedEverywhere = allows(gitleaks.allow);

function toRule({ kind, keywords, pattern, group, entropy = 0, allow = [] }: ScannerRule): SecretRule {
  const allowed = [allowedEverywhere, ...allow.map(allows)];
  return {
    kind,
    keywords: keywords.map((keyword) => keyword.toLowerCase()),
    pattern: Object.entries(gitleaks.parts).reduce((rest, [name, part]) => rest.replaceAll(name, () => part), pattern),
    groups: group === undefined ? "first" : [group],
    accept: (secret, found) => entropyOf(secret) > entropy && !allowed.some((isAllowed) => isAllowed(secret, found)),
  };
}

export const SCANNER_RULES: readonly SecretRule[] = (gitleaks.rules as readonly ScannerRule[]).map(toRule);
