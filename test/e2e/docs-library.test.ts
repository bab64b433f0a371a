/** docs/library.md: each block is a program that runs as it stands, and no public name is missing. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, expect, test } from "vitest";
import * as entry from "../../src/index.js";
import { Conversation } from "../../src/session/conversation.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(ROOT, "docs/library.md"), "utf8");
const programs = [...page.matchAll(/^## ([^\n]+)|```ts\n([\s\S]*?)\n```/gm)].reduce<{ title: string; code: string }[]>(
  (all, [, title, code]) =>
    code === undefined
      ? [...all, { title: title ?? "", code: "" }]
      : [...all.slice(0, -1), { title: all.at(-1)?.title ?? "", code }],
  [],
);

/** What each prints, among other things. */
const PRINTED: Readonly<Record<string, RegExp>> = {
  "Your own state": /^\[ 'Bern' \] 100$/m,
  "Readers that reconnect": /^\[ 'Once upon a time' \]$/m,
  "Your own model loop": /^Let me look\. It is sunny\.\ncomplete$/m,
  "Tools that change the state": /stops: \[ 'Bern' \]/,
  "Tools that need a yes": /^remove \{ path: 'notes.txt' \} for the first time\nKeep it. REFUSED$/m,
  Testing: /^\{ count: 1 \} null\ntrue$/m,
  "Two processes": /^interrupted true$/m,
  "Everything by name": /ok: true/,
};

/** Inside the package, so that its own name leads to what was built. */
const directory = mkdtempSync(join(ROOT, ".docs-library-"));
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** What it wrote to both, and its status. */
async function run(place: string): Promise<{ status: unknown; stdout: string; stderr: string }> {
  try {
    return {
      status: 0,
      ...(await promisify(execFile)(process.execPath, ["program.mjs"], { cwd: place, timeout: 30_000 })),
    };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

test.concurrent.each(programs.filter(({ code }) => code !== ""))(
  "the program of $title runs",
  { timeout: 60_000 },
  async ({ title, code }) => {
    const { outputText } = ts.transpileModule(code, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    const place = join(directory, title.replaceAll(/\W/g, "-"));
    mkdirSync(place);
    writeFileSync(join(place, "program.mjs"), outputText);
    const { status, stderr, stdout } = await run(place);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(PRINTED[title] ?? "no such program");
  },
);

function methodsOf(prototype: object): string[] {
  return Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor");
}

test("every public name is on the page", () => {
  const names = [
    ...Object.keys(entry),
    ...methodsOf(entry.DraftStatePersistenceManager.prototype),
    ...methodsOf(Conversation.prototype),
  ];
  const code = new Set([...page.matchAll(/`([^`\n]+)`/g)].flatMap(([, span = ""]) => span.match(/\w+/g) ?? []));
  expect(names.filter((name) => !code.has(name))).toEqual([]);
});
