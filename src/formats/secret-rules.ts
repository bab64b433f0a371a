/**
 * What counts as a secret, by the formats that issuers document and secret scanners look for. A rule is tried only
 * where one of its keywords occurs (compared in lower case). Patterns are RE2's: no input makes them slow.
 */
export interface SecretRule {
  /** As a person is told of it. */
  readonly kind: string;
  readonly keywords: readonly string[];
  readonly pattern: string;
  /** The part that is the secret; the whole match where it is left out. */
  readonly group?: number;
  /** Looks once more at what was found, where the pattern alone would take too much. */
  readonly accept?: (secret: string) => boolean;
}

const API_KEY = "API key";
const TOKEN = "access token";
const PASSWORD = "password or secret";

/** Prose has none of these in one word: "token: something" stays. */
function looksMade(secret: string): boolean {
  return /\d/.test(secret) || /[a-z][A-Z]/.test(secret) || /[!#$%^&*+=~]/.test(secret);
}

export const SECRET_RULES: readonly SecretRule[] = [
  {
    kind: "private key",
    keywords: ["private key"],
    pattern: String.raw`-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)`,
  },
  { kind: "private key", keywords: ["age-secret-key-"], pattern: String.raw`AGE-SECRET-KEY-1[0-9A-Z]{50,}` },
  // OpenAI, Anthropic, OpenRouter, DeepSeek and others.
  { kind: API_KEY, keywords: ["sk-"], pattern: String.raw`\bsk-[A-Za-z0-9_-]{16,}` },
  {
    kind: API_KEY,
    keywords: ["sk_", "rk_", "pk_", "whsec_"],
    pattern: String.raw`\b(?:[srp]k_(?:live|test|prod)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9]{24,})`,
  },
  {
    kind: API_KEY,
    keywords: ["akia", "asia", "abia", "acca"],
    pattern: String.raw`\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b`,
  },
  {
    kind: API_KEY,
    keywords: ["aiza", "gocspx-"],
    pattern: String.raw`\b(?:AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{20,})`,
  },
  {
    kind: API_KEY,
    keywords: ["gsk_", "hf_", "xai-", "r8_", "pplx-", "lin_api_", "ntn_"],
    pattern: String.raw`\b(?:gsk_|hf_|xai-|r8_|pplx-|lin_api_|ntn_)[A-Za-z0-9]{30,}`,
  },
  { kind: API_KEY, keywords: ["sg."], pattern: String.raw`\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}` },
  { kind: TOKEN, keywords: ["ya29."], pattern: String.raw`\bya29\.[A-Za-z0-9_-]{20,}` },
  {
    kind: TOKEN,
    keywords: ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
    pattern: String.raw`\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})`,
  },
  {
    kind: TOKEN,
    keywords: ["glpat-", "gldt-", "glrt-", "glcbt-", "glptt-"],
    pattern: String.raw`\bgl(?:pat|dt|rt|cbt|ptt)-[A-Za-z0-9_-]{20,}`,
  },
  {
    kind: TOKEN,
    keywords: ["xox", "xapp-", "hooks.slack.com"],
    pattern: String.raw`\b(?:xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,}|hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,})`,
  },
  {
    kind: TOKEN,
    keywords: ["npm_", "pypi-", "dop_v1_", "doo_v1_", "shpat_", "shpss_", "dapi", "hvs."],
    pattern: String.raw`\b(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}|do[opr]_v1_[a-f0-9]{64}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|dapi[a-f0-9]{32}|hvs\.[A-Za-z0-9_-]{24,})`,
  },
  { kind: TOKEN, keywords: [":aa"], pattern: String.raw`\b\d{8,10}:AA[A-Za-z0-9_-]{32,}` },
  {
    kind: TOKEN,
    keywords: ["eyj"],
    pattern: String.raw`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?`,
  },
  {
    kind: TOKEN,
    keywords: ["authorization"],
    pattern: String.raw`(?i)\bauthorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token)\s+)?([^\s"',;]{8,})`,
    group: 1,
  },
  { kind: TOKEN, keywords: ["bearer"], pattern: String.raw`(?i)\bbearer\s+([A-Za-z0-9._~+/=-]{20,})`, group: 1 },
  {
    kind: PASSWORD,
    keywords: ["://"],
    pattern: String.raw`\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>]*:([^\s/@"'<>]+)@`,
    group: 1,
  },
  {
    kind: PASSWORD,
    keywords: ["key", "secret", "token", "passw", "passphrase", "pwd"],
    pattern: String.raw`(?i)(?:api[_-]?key|access[_-]?key|auth[_-]?key|account[_-]?key|secret|token|passwd|password|passphrase|pwd)["'\x60]?\s*(?:=>|:=|=|:)\s*["'\x60]?([^\s"'\x60,;<>(){}\[\]]{8,})`,
    group: 1,
    accept: looksMade,
  },
  { kind: "e-mail address", keywords: ["@"], pattern: String.raw`[\pL\pN._%+-]+@[\pL\pN-]+(?:\.[\pL\pN-]+)+` },
];
