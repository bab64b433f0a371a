/** Every rule taken from the scanner finds what its issuer makes: a text made by its own pattern, never a real key. */
import fc from "fast-check";
import { expect, test } from "vitest";
import gitleaks from "../../src/formats/gitleaks/rules.json" with { type: "json" };
import { SCANNER_RULES } from "../../src/formats/scanner-rules.js";
import { toLowerCase } from "../../src/formats/keywords.js";
import { SecretSearch } from "../../src/formats/secret-search.js";

/** The same pattern as JavaScript writes it, made narrower where fast-check would favour dashes or any character. */
function toRegExp(pattern: string): RegExp {
  const plain = pattern
    .replaceAll(/\(\?[a-z-]+\)|\\b|\\B\|/g, "")
    .replaceAll(/\[[^\]]*\\w[^\]]*\]/g, "[a-zA-Z0-9]")
    .replaceAll("(?s:.)", " ")
    .replaceAll("[\\s\\S-]", "[a-z0-9]")
    .replaceAll(/\(\?(?:-?[a-z]+:|P<\w+>)/g, "(?:")
    .replaceAll("[[:alnum:]]", "[a-z0-9]")
    .replaceAll("\\z", "$");
  return new RegExp(`^(?:${plain})$`);
}

/** Several: not each is as random as a real one. */
function* samplesOf(pattern: string): Generator<string> {
  const texts = fc.stringMatching(toRegExp(pattern));
  for (let seed = 0; seed < 30; seed += 1) yield* fc.sample(texts, { numRuns: 1, seed });
}

test.each(gitleaks.rules.map(({ id }, index) => ({ id, index })))("takes $id", ({ index }) => {
  const rule = SCANNER_RULES[index];
  if (rule === undefined) throw new Error("not among the rules");
  const { pattern, keywords } = rule;
  const search = new SecretSearch(rule);
  let found = false;
  for (const sample of samplesOf(pattern)) {
    const text = `${keywords[0] ?? ""} ${sample} after`;
    found ||= search.in(text, toLowerCase(text)).length > 0;
    if (found) break;
  }
  expect(found).toBe(true);
});
