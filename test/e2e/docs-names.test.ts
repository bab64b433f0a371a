/** The commands, options and settings that README and docs/ name are those of the program. */
import { readdirSync, readFileSync } from "node:fs";
import MarkdownIt from "markdown-it";
import { expect } from "vitest";
import type { Workspace } from "./cli.js";
import { test, TIMEOUT } from "../cli/world.js";

const ROOT = new URL("../../", import.meta.url);
const PAGES = ["README.md", ...readdirSync(new URL("docs/", ROOT)).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith(".md"),
);
/** Separates the commands of a line of the shell. */
const BETWEEN_COMMANDS = /\$\(|[|;&<>\n]+/;
/** Of the program; what precedes `npm run test:…` is a test's own. */
const VARIABLE = /(?<=`|^)DRAFTSTATE_[A-Z_]+(?=[`=])(?!\S* npm run test:)/gm;
const OPTION = /(?<=^|[\s[(])--?[a-z][a-z-]*/g;

interface Program {
  readonly commands: ReadonlyMap<string, ReadonlySet<string>>;
  readonly everywhere: ReadonlySet<string>;
}

const read = (page: string): string => readFileSync(new URL(page, ROOT), "utf8");
const optionsIn = (text: string): Set<string> => new Set(text.match(OPTION) ?? []);

/** As help lists them: `  -y, --yes  do not ask`. */
function optionsOf(help: string): Set<string> {
  return optionsIn((help.match(/^ {2}-.*$/gm) ?? []).join("\n"));
}

async function program(workspace: Workspace): Promise<Program> {
  const { stdout: help } = await workspace.run(["help"]);
  const listed = help.slice(help.indexOf("Commands:")).match(/^ {2}[a-z|]+/gm) ?? [];
  const commands = new Map<string, ReadonlySet<string>>([["help", new Set<string>()]]);
  for (const name of listed.flatMap((names) => names.trim().split("|"))) {
    if (name !== "draftstate") commands.set(name, optionsOf((await workspace.run([name, "--help"])).stdout));
  }
  return { commands, everywhere: optionsOf(help) };
}

/** Code of a page: spans, and of its blocks the lines that start the program. */
function codeOf(page: string): string[] {
  const tokens = new MarkdownIt().parse(read(page), {}).flatMap((token) => [token, ...(token.children ?? [])]);
  return tokens.flatMap(({ type, content, info }) => {
    if (type === "code_inline") return [content];
    return type === "fence" && info !== "sql"
      ? content.split("\n").filter((line) => /^(\$ |.*\bdraftstate )/.test(line) && !line.startsWith("import "))
      : [];
  });
}

/** What is wrong with a command or an option by itself; undefined where it is neither. */
function wrongWith(text: string, { commands, everywhere }: Program): string[] {
  const isOurs = /\bdraftstate /.test(text);
  const words = text
    .replace(/ {2,}#.*$/, "")
    .replace(/^.*\bdraftstate /, "")
    .trim();
  const [first = ""] = words.replace(/^(--[a-z-]+ \S+ )+/, "").split(/[\s:,]/);
  const options = commands.get(first);
  if (options === undefined && isOurs && /^[a-z]{2,}$/.test(first)) return [`${text}: no such command`];
  if (options === undefined && !isOurs && !first.startsWith("-")) return [];
  const known = options === undefined ? [...commands.values()] : [options];
  return [...optionsIn(words)].flatMap((option) =>
    everywhere.has(option) || known.some((all) => all.has(option)) ? [] : [`${text}: no such option ${option}`],
  );
}

test("each command and option that a page names exists", TIMEOUT, async ({ workspace }) => {
  const known = await program(workspace);
  const wrong = PAGES.flatMap((page) =>
    codeOf(page)
      .flatMap((code) => code.split(BETWEEN_COMMANDS))
      .flatMap((command) => wrongWith(command, known).map((problem) => `${page}: ${problem}`)),
  );
  expect(wrong).toEqual([]);
});

test("README lists every setting, and a page names no other variable", TIMEOUT, async ({ workspace }) => {
  const { settings } = (await workspace.json(["config"])) as { settings: { name: string }[] };
  const names = settings.map(({ name }) => name).filter((name) => !name.endsWith("_KEY"));
  const rows = /### Settings\n([\s\S]*?)\n## /.exec(read("README.md"))?.[1]?.match(/^\| `.*?\|/gm) ?? [];
  expect(rows.flatMap((row) => row.match(/\w+/g) ?? []).sort()).toEqual([...names].sort());
  const variables = new Set(
    names.map((name) => `DRAFTSTATE_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`),
  );
  const named = PAGES.flatMap((page) => read(page).match(VARIABLE) ?? []);
  expect(named.filter((name) => !variables.has(name))).toEqual([]);
});
