/**
 * Every page of the repository: each link leads to a file and, with an anchor, to a heading of it; the files and npm scripts
 * that a page names exist. Addresses elsewhere are not fetched.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import GithubSlugger from "github-slugger";
import MarkdownIt from "markdown-it";
import { describe, expect, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const NOT_OURS = new Set(["node_modules", "dist", ".git", "fixtures"]);
/** What a page of the past names may be gone. */
const OF_THE_PAST = "CHANGELOG.md";
const NAMED_FILE = /^(?:[\w-]+\/)+[\w.-]+\.(?:ts|js|mjs|md|yml)$/;
const NAMED_SCRIPT = /npm run (\w+(?::\w+)*)/g;

const markdown = new MarkdownIt({ html: true });

interface Token {
  readonly type: string;
  readonly content: string;
  readonly children: readonly Token[] | null;
  readonly attrGet: (name: string) => unknown;
}

function pages(directory = ROOT): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : pages(path);
    return entry.name.endsWith(".md") ? [relative(ROOT, path).split(sep).join("/")] : [];
  });
}

function tokensOf(text: string): Token[] {
  return markdown.parse(text, {}).flatMap((token) => [token, ...(token.children ?? [])]);
}

function anchorsOf(text: string): Set<string> {
  const slugger = new GithubSlugger();
  const tokens = markdown.parse(text, {});
  const headings = tokens.filter((_, index) => tokens[index - 1]?.type === "heading_open");
  return new Set(headings.map((heading) => slugger.slug(textOf(heading))));
}

function textOf({ children }: Token): string {
  return (children ?? []).map(({ content }) => content).join("");
}

/** Why the link leads nowhere, or undefined. */
function brokenLink(page: string, text: string, link: string): string | undefined {
  if (/^[a-z]+:/i.test(link)) return undefined;
  const [path = "", anchor] = decodeURI(link).split("#");
  const target = resolve(ROOT, dirname(page), path);
  if (!target.startsWith(ROOT) || !existsSync(target)) return `${page}: ${link}: no such file`;
  if (anchor === undefined) return undefined;
  const anchors = anchorsOf(path === "" ? text : readFileSync(target, "utf8"));
  return anchors.has(anchor) ? undefined : `${page}: ${link}: no such heading`;
}

function missingFile(page: string, name: string): string | undefined {
  const places = [ROOT, join(ROOT, "src"), join(ROOT, dirname(page))];
  return places.some((place) => existsSync(join(place, name))) ? undefined : `${page}: ${name}: no such file`;
}

function problemsOf(page: string, text: string): string[] {
  const tokens = tokensOf(text);
  const links = tokens.flatMap((token) => [token.attrGet("href"), token.attrGet("src")]);
  const files = tokens.filter(({ type, content }) => type === "code_inline" && NAMED_FILE.test(content));
  const scripts = [...text.matchAll(NAMED_SCRIPT)].map(([, name = ""]) => name);
  const named = [
    ...files.map(({ content }) => missingFile(page, content)),
    ...scripts.map((name) => (name in packageJson.scripts ? undefined : `${page}: npm run ${name}: no such script`)),
  ];
  const found = [
    ...links.map((link) => (typeof link === "string" ? brokenLink(page, text, link) : undefined)),
    ...(page === OF_THE_PAST ? [] : named),
  ];
  return found.filter((problem) => problem !== undefined);
}

describe("pages", () => {
  test.each(pages())("%s names nothing that is not there", (page) => {
    expect(problemsOf(page, readFileSync(join(ROOT, page), "utf8"))).toEqual([]);
  });

  test("a wrong file, heading, source file or script is noticed, and a right one is not", () => {
    const text = `# A *title* of \`code\`, twice\n# A *title* of \`code\`, twice
[a](format.md#locks) [b](format.md#no-locks) [c](gone.md) [d](#a-title-of-code-twice-1) [e](#b) ![f](gone.svg) [g](https://x.test/#y)
\`src/manager.ts\` \`store/store.ts\` \`src/gone.ts\` \`npm run build\` \`npm run gone\``;
    expect(problemsOf("docs/page.md", text)).toEqual([
      "docs/page.md: format.md#no-locks: no such heading",
      "docs/page.md: gone.md: no such file",
      "docs/page.md: #b: no such heading",
      "docs/page.md: gone.svg: no such file",
      "docs/page.md: src/gone.ts: no such file",
      "docs/page.md: npm run gone: no such script",
    ]);
  });
});
