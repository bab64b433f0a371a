// Makes src/formats/gitleaks/rules.json of the rules of gitleaks, a maintained secret scanner:
//   node scripts/write-scanner-rules.mjs <its config/gitleaks.toml> <its version>
// What a rule says of paths and commits is left out: a conversation has neither.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";

const [path, version] = process.argv.slice(2);
if (path === undefined || version === undefined)
  throw new Error("usage: node scripts/write-scanner-rules.mjs <gitleaks.toml> <version>");
const { rules, allowlist } = parse(readFileSync(path, "utf8"));

/** As `export --redact` tells of it. */
const KINDS = [
  [/private-key$|^age-/, "private key"],
  [/cookie/, "cookie"],
  [/token$|jwt|-(?:oauth|pat|ptt|rrt)\b|webhook|auth-header/, "access token"],
  [/^generic|^curl-auth-user|password|secret$|^sidekiq|kubernetes/, "password or secret"],
  [/./, "API key"],
];
const kindOf = (id) => KINDS.find(([pattern]) => pattern.test(id))[1];

/** Keys that documents give as examples: in the result they would look like a leak, and to redact one does no harm. */
const isExample = (pattern) => /^\w{30,}$/.test(pattern.replaceAll("-", ""));

/** What is not a secret after all. One that also asks for a path never applies. */
const allowed = ({ allowlists = [] }) =>
  allowlists
    .filter(({ regexes, stopwords, condition, paths }) => (regexes ?? stopwords) && !(condition === "AND" && paths))
    .map(({ regexTarget = "secret", regexes = [], stopwords = [] }) => ({
      in: regexTarget,
      patterns: regexes.filter((pattern) => !isExample(pattern)),
      words: stopwords,
    }))
    .filter(({ patterns, words }) => patterns.length + words.length > 0);

/** Most patterns are made of these: the name of a service, what assigns, and what ends a value. */
const PARTS = {
  "«name»": String.raw`(?i)[\w.-]{0,50}?(?:`,
  "«assigns»": String.raw`)(?:[ \t\w.-]{0,20})[\s'"]{0,3}(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\x60'"\s=]{0,5}(`,
  "«ends»": String.raw`)(?:[\x60'"\s;]|\\[nr]|$)`,
};
const shortened = (pattern) =>
  Object.entries(PARTS).reduce((rest, [name, part]) => rest.replaceAll(part, name), pattern);

const kept = rules
  .filter(({ regex }) => regex !== undefined)
  .map((rule) => ({
    id: rule.id,
    kind: kindOf(rule.id),
    keywords: rule.keywords,
    pattern: shortened(rule.regex),
    group: rule.secretGroup,
    entropy: rule.entropy,
    allow: allowed(rule).length === 0 ? undefined : allowed(rule),
  }));
const everywhere = { in: "secret", patterns: allowlist.regexes, words: allowlist.stopwords };
const lines = kept.map((rule) => JSON.stringify(rule)).join(",\n");
writeFileSync(
  fileURLToPath(new URL("../src/formats/gitleaks/rules.json", import.meta.url)),
  `{"source": "gitleaks ${version}", "licence": "MIT",\n"parts": ${JSON.stringify(PARTS)},\n"allow": ${JSON.stringify(everywhere)},\n"rules": [\n${lines}\n]}\n`,
);
