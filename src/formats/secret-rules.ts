/**
 * What counts as a secret, by the formats that issuers document and secret scanners look for. A rule is tried only
 * near its keywords (compared in lower case). Patterns are RE2's: no input makes them slow.
 */
export interface Found {
  /** With what stands around the secret in the pattern. */
  readonly match: () => string;
  /** What follows the secret, as far as the text around it is looked at. */
  readonly next: string;
  readonly line: () => string;
}

export interface SecretRule {
  /** As a person is told of it. */
  readonly kind: string;
  readonly keywords: readonly string[];
  /** How far from its keyword a match may begin and end at first: given where the keyword is in every text. */
  readonly reach?: { readonly before: number; readonly after: number };
  readonly pattern: string;
  /** The part that is the secret; the whole match where it is left out. */
  readonly group?: number;
  /** The same where any of several may match; or the first one that is not empty. */
  readonly groups?: readonly number[] | "first";
  /** Looks once more at what was found, where the pattern alone would take too much. */
  readonly accept?: (secret: string, found: Found) => boolean;
}

const API_KEY = "API key";
const TOKEN = "access token";
const PASSWORD = "password or secret";

/** Prose has none of these in one word: "token: something" stays. */
function looksMade(secret: string): boolean {
  return /\d/.test(secret) || /[a-z][A-Z]/.test(secret) || /[!#$%^&*+=~]/.test(secret);
}

/** What stands for a secret that is elsewhere, or is none. */
const STANDS_FOR =
  /^(?:\$|%\w+%|<|\{|\[|\*+$|x+$|\.+$|(?:process\.)?env\b|os\.environ|your[-_ ]|(?:null|none|nil|true|false|undefined|required|optional|string|secret|password|token|key|value|example)$)/i;
const PROSE =
  /^(?:also|and|cannot|field|file|flag|from|have|instead|into|manager|must|option|prompt|reset|should|stdin|that|this|through|value|were|when|which|will|with|your)$/i;

function isGiven(secret: string): boolean {
  return !STANDS_FOR.test(secret);
}

/** The name of a function that is called gives one. */
function isMade(secret: string, found: Pick<Found, "next">): boolean {
  return isGiven(secret) && looksMade(secret) && !(found.next === "(" && /^[\w.]+$/.test(secret));
}

/** A directory is none. */
function isAssigned(secret: string): boolean {
  return isGiven(secret) && !/^[/~.]/.test(secret);
}

function isArgument(secret: string): boolean {
  return isGiven(secret) && !PROSE.test(secret) && !secret.startsWith("-");
}

/** An address, not a version of a package, an image of another density, or the user of every Git server. */
function isAddress(found: string): boolean {
  const [local = "", domain = ""] = found.split("@");
  return local !== "git" && !/^\d+(?:x?\.|$)/.test(domain);
}

/** Names under which an application keeps a secret; a token of a model is none. */
export const SECRET_NAME =
  /(?:passw(?:or)?d|passphrase|secret|(?:api|access|private|secret|signing|encryption)[_-]?key|(?:access|refresh|auth|bearer|id)[_-]?token|credentials?|cookie)$/i;

/** What stands under such a name. */
export const NAMED_SECRET = { kind: PASSWORD, accept: (text: string): boolean => text.length >= 4 && isGiven(text) };

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
    kind: API_KEY,
    keywords: [
      "lsv2_",
      "ls__",
      "tvly-",
      "key-",
      "figd_",
      "pmak-",
      "sntry",
      "glsa_",
      "glc_",
      "sbp_",
      "secret_",
      "hrku-",
    ],
    pattern: String.raw`\b(?:lsv2_(?:pt|sk)_[A-Za-z0-9_]{20,}|ls__[a-f0-9]{32}|tvly-[A-Za-z0-9-]{20,}|key-[a-f0-9]{32}|figd_[A-Za-z0-9_-]{30,}|PMAK-[A-Za-z0-9-]{30,}|sntry[su]_[A-Za-z0-9+/=_]{30,}|gl(?:sa|c)_[A-Za-z0-9_=+/]{20,}|sbp_[a-f0-9]{40}|secret_[A-Za-z0-9]{40,}|HRKU-[A-Za-z0-9_-]{30,})`,
  },
  {
    kind: TOKEN,
    keywords: ["dckr_", "atatt3", "atbb", "pscale_", "dp.", "ops_eyj", "1//0", "flyv1 ", "sk", "glpat"],
    pattern: String.raw`\b(?:dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}|ATATT3[A-Za-z0-9_=-]{60,}|ATBB[A-Za-z0-9]{24,}|pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{30,}|dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{30,}|ops_eyJ[A-Za-z0-9+/=]{40,}|1//0[A-Za-z0-9_-]{30,}|SK[0-9a-f]{32}\b)|\bFlyV1 (?:fm[12][a-z]?_[A-Za-z0-9+/=,_-]{30,})`,
  },
  {
    kind: TOKEN,
    keywords: ["discord"],
    pattern: String.raw`(?i)\bdiscord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/([A-Za-z0-9_-]{30,})`,
    group: 1,
  },
  // Discord's bots: the number of the user, the time, the signature.
  {
    kind: TOKEN,
    keywords: ["."],
    reach: { before: 32, after: 64 },
    pattern: String.raw`\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}`,
  },
  {
    kind: PASSWORD,
    keywords: ["q~"],
    pattern: String.raw`(?:^|[^A-Za-z0-9_~.-])([A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34})`,
    group: 1,
  },
  {
    kind: TOKEN,
    keywords: ["authorization"],
    pattern: String.raw`(?i)\bauthorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|digest|token|apikey|bot)\s+)?([^\s"',;]{8,})`,
    group: 1,
    accept: isGiven,
  },
  { kind: TOKEN, keywords: ["bearer"], pattern: String.raw`(?i)\bbearer\s+([A-Za-z0-9._~+/=-]{20,})`, group: 1 },
  {
    kind: TOKEN,
    keywords: ["-key", "-token"],
    pattern: String.raw`(?i)\b(?:x-)?(?:[a-z]+-)?(?:api|auth|access|functions|subscription)-(?:key|token)["']?\s*:\s*["']?([^\s"',;]{8,})`,
    group: 1,
    accept: isMade,
  },
  {
    kind: "cookie",
    keywords: ["cookie"],
    pattern: String.raw`(?i)\b(?:set-)?cookie["']?\s*[:=]\s*["']?([\w.%-]+=[^\r\n"']{4,})`,
    group: 1,
  },
  {
    kind: "cookie",
    keywords: ["cookie", "-b "],
    pattern: String.raw`(?i)\s(?:-b|--cookie)[\s=]+["']?([\w.%-]+=[^\s"']{6,})`,
    group: 1,
  },
  {
    kind: "cookie",
    keywords: ["session", "sid=", "sessid"],
    pattern: String.raw`(?i)\b(?:session(?:_?id)?|connect\.sid|sid|phpsessid|jsessionid|asp\.net_sessionid)=([A-Za-z0-9%._~+/-]{12,})`,
    group: 1,
    accept: isMade,
  },
  {
    kind: PASSWORD,
    keywords: ["://"],
    pattern: String.raw`\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>]*:([^\s/"'<>]+)@`,
    group: 1,
    accept: isGiven,
  },
  {
    kind: TOKEN,
    keywords: ["://"],
    pattern: String.raw`\b[A-Za-z][A-Za-z0-9+.-]*://([^\s/:@"'<>]{16,})@`,
    group: 1,
    accept: isMade,
  },
  {
    kind: PASSWORD,
    keywords: ["key=", "token=", "secret=", "passw", "pwd=", "auth=", "sig=", "signature="],
    pattern: String.raw`(?i)[?&](?:[a-z0-9_.-]*(?:key|token|secret|password|passwd|pwd|auth|signature)|sig)=([^&\s"'<>#]{4,})`,
    group: 1,
    accept: (secret) => isGiven(secret) && (looksMade(secret) || secret.length >= 12),
  },
  {
    kind: PASSWORD,
    keywords: ["curl"],
    pattern: String.raw`\bcurl\b[^\n]{0,500}?\s(?:-[a-zA-Z]*u|--user|--proxy-user)[\s=]*["']?[^\s:"']+:([^\s"']+)`,
    group: 1,
    accept: isGiven,
  },
  {
    kind: PASSWORD,
    keywords: ["mysql", "mariadb", "sshpass", "docker", "redis-cli", "podman"],
    pattern: String.raw`\b(?:(?:mysql|mariadb)\w*\b[^\n]{0,200}?\s-p|sshpass\s+-p\s*|(?:docker|podman)\s+login\b[^\n]{0,200}?\s-p[\s=]+|redis-cli\b[^\n]{0,200}?\s-a\s+)["']?([^\s"']{4,})`,
    group: 1,
    accept: isGiven,
  },
  {
    kind: PASSWORD,
    keywords: ["--"],
    pattern: String.raw`(?i)(?:^|\s)--?(?:[a-z]+-)*(?:password|passwd|passphrase|pass|pwd|secret|token|api-?key|secret-key|access-key)(?:=|\s+)(?:"([^"\n]{3,})"|'([^'\n]{3,})'|([^\s"'\x60,;]{3,}))`,
    groups: [1, 2, 3],
    accept: isArgument,
  },
  {
    kind: PASSWORD,
    keywords: ["login"],
    pattern: String.raw`(?i)\b(?:machine\s+\S+|default)\s+login\s+\S+\s+(?:account\s+\S+\s+)?password\s+(\S+)`,
    group: 1,
    accept: isGiven,
  },
  {
    kind: TOKEN,
    keywords: ["_auth", "_password"],
    pattern: String.raw`_(?:auth(?:Token)?|password)["']?\s*[:=]\s*["']?([^\s"']{6,})`,
    group: 1,
    accept: isGiven,
  },
  {
    kind: TOKEN,
    keywords: ['"auth"'],
    pattern: String.raw`"auth"\s*:\s*"([A-Za-z0-9+/=]{8,})"`,
    group: 1,
  },
  // NAME=value, as in an environment: the name says enough.
  {
    kind: PASSWORD,
    keywords: ["pass", "secret", "_key", "_pwd", "token", "credential"],
    pattern: String.raw`\b(?:[A-Z][A-Z0-9_]*_)?(?:PASS|[A-Z0-9]*PASSWORD|PASSWD|PWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|(?:[A-Z0-9]+_)?(?:SECRET|ENCRYPTION|API|ACCESS|PRIVATE|SIGNING|MASTER|AUTH|SESSION|JWT|HMAC|AES|APP|ACCOUNT|ADMIN|SERVICE|LICENSE|COOKIE)_?KEY)[ \t]*=[ \t]*(?:"([^"\n]{4,})"|'([^'\n]{4,})'|([^\s"'\x60;&|)]{4,}))`,
    groups: [1, 2, 3],
    accept: isAssigned,
  },
  {
    kind: PASSWORD,
    keywords: ["_pwd", "_key", "_pass"],
    pattern: String.raw`(?i)\b[a-z][a-z0-9_]*_(?:pwd|key|pass)[ \t]*=[ \t]*["']?([^\s"'\x60;&|)/][^\s"'\x60;&|)]{3,})`,
    group: 1,
    accept: isMade,
  },
  // In quotes a password may hold anything.
  {
    kind: PASSWORD,
    keywords: ["passw", "passphrase", "pwd", "secret", "pass"],
    pattern: String.raw`(?i)(?:\b|_)(?:password|passwd|passphrase|pwd|(?:db|user|my|root|admin)[_-]?pass|client[_-]?secret|secret(?:[_-]?key)?)["'\x60]?\s*(?:=>|:=|=|:|\bis\b)\s*(?:"([^"\n]{4,200})"|'([^'\n]{4,200})'|\x60([^\x60\n\s,.;:)][^\x60\n]{3,199})\x60)`,
    groups: [1, 2, 3],
    accept: isGiven,
  },
  {
    kind: PASSWORD,
    keywords: ["passw", "passphrase", "pwd"],
    pattern: String.raw`(?i)(?:\b|_)(?:password|passwd|passphrase|pwd)["'\x60]?\s*(?:=>|:=|=|:|\bis\b)\s*["'\x60]?([^\s"'\x60,;<>(){}\[\]]{5,})`,
    group: 1,
    accept: isMade,
  },
  {
    kind: PASSWORD,
    keywords: ["key", "secret", "token", "passw", "passphrase", "pwd"],
    pattern: String.raw`(?i)(?:api[_-]?key|access[_-]?key|auth[_-]?key|account[_-]?key|shared[_-]?access[_-]?(?:key|signature)|encryption[_-]?key|signing[_-]?key|secret|token|passwd|password|passphrase|pwd)["'\x60]?\s*(?:=>|:=|=|:)\s*["'\x60]?([^\s"'\x60,;<>(){}\[\]]{8,})`,
    group: 1,
    accept: isMade,
  },
  {
    kind: "e-mail address",
    keywords: ["@"],
    reach: { before: 128, after: 256 },
    pattern: String.raw`[\pL\pN._%+-]+@[\pL\pN-]+(?:\.[\pL\pN-]+)*\.\pL{2,}`,
    accept: isAddress,
  },
];
