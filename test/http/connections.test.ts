/** docs/security.md tells of every place that opens a connection: each of them is found in the code, and has its row. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const OPENS =
  /from "(?:node:(?:http|https|http2|net|tls|dgram)|undici|pg)"|import\("(?:undici|pg|node:(?:net|tls|https?))"\)|getBuiltinModule\("node:(?:net|tls|https?|dgram)"\)|globalThis\.fetch\b|[^.\w]fetch\(["`]https?:|policyFetch\(|new (?:WebSocket|EventSource)\b/;

/** Every file that opens one, with the beginning of the row that tells of it. */
const ROWS: Readonly<Record<string, string>> = {
  // The policy itself, which is asked by the others.
  "src/http/policy-fetch.ts": "`chat`, to a model",
  "src/http/policy.ts": "`chat`, to a model",
  "src/http/proxied-fetch.ts": "`chat`, to a model",
  "src/agent/models/openai.ts": "`chat`, to a server that only the conversation names",
  "src/agent/models/offered-models.ts": "`models`, and `/model` in a chat",
  "src/agent/models/providers/connection.ts": "`chat`, to another provider",
  "src/agent/models/providers/global-fetch.ts": "`chat`, to another provider",
  "src/mcp/http-transport.ts": "`chat` and `tools`, to an MCP server",
  "src/http/post.ts": "alerts (`alertWebhook`)",
  "src/http/background-sockets.ts": "alerts (`alertWebhook`)",
  "src/storage/postgres/open-pool.ts": "a PostgreSQL store",
};
/** LangChain's own client opens it, and a program that uses the library its own. */
const NOT_OURS = ["LangSmith", "`draftstate/postgres`"];

function source(path: string): string {
  return readFileSync(`${ROOT}${path}`, "utf8");
}

/** The one of the platform, not one that was handed over. */
function callsGlobalFetch(text: string): boolean {
  return /(?:^|[^.\w#])fetch\(/m.test(text) && !/\bfetch: |const fetch =|\bfetch \}\) =>/.test(text);
}

test("what opens a connection is what the page knows of", () => {
  const found = readdirSync(`${ROOT}src`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `src/${name}`)
    .filter((path) => OPENS.test(source(path)) || callsGlobalFetch(source(path)));
  expect(found.filter((path) => ROWS[path] === undefined)).toEqual([]);
});

test("each row of the page's table is of one of them, and each of them has a row", () => {
  const page = source("docs/security.md");
  const table = /\| what opens a connection [^]*?\n\n/.exec(page)?.[0] ?? "";
  const rows = [...table.matchAll(/^\| (?!what|---)([^|]*) \|/gm)].map(([, first = ""]) => first);
  const known = [...new Set(Object.values(ROWS)), ...NOT_OURS];
  expect(rows.filter((row) => !known.some((begin) => row.startsWith(begin)))).toEqual([]);
  expect(known.filter((begin) => !rows.some((row) => row.startsWith(begin)))).toEqual([]);
});
