/** docs/library.md: each block is a program that runs as it stands, and no public name is missing. Those of the README and docs/langgraph.md compile. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, expect, test } from "vitest";
import { DraftStatePersistenceManager } from "../../src/manager.js";
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
  "Files of other programs": /^draft 1 \[\]$[^]*Hello\./m,
  "Everything by name": /ok: true/,
};

/** Inside the package, so that its own name leads to what was built. */
const directory = mkdtempSync(join(ROOT, ".docs-library-"));
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** The blocks of a page, by the names of their files: one that begins with a name in a comment has it. */
function blocksOf(path: string): { file: string; code: string }[] {
  return [...readFileSync(join(ROOT, path), "utf8").matchAll(/^```(ts|js)\n([\s\S]*?)\n```/gm)].map(
    ([, , code = ""], index) => ({
      file: /^\/\/ (\w+\.ts)/.exec(code)?.[1] ?? `${basename(path, ".md")}-${index}.ts`,
      code,
    }),
  );
}

/** Of packages that are not installed here. */
const ELSEWHERE = `declare module "@langchain/langgraph-checkpoint-sqlite" {
  import { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
  export const SqliteSaver: { fromConnString(path: string): BaseCheckpointSaver };
}`;

test("all of them compile, as a strict project has it", { timeout: 60_000 }, () => {
  const place = mkdtempSync(join(directory, "types-"));
  const pages = ["README.md", "docs/langgraph.md"].flatMap(blocksOf);
  for (const { file, code } of pages) writeFileSync(join(place, file), code);
  const files = programs.flatMap(({ title, code }) => {
    if (code === "") return [];
    const file = join(place, `${title.replaceAll(/\W/g, "-")}.mts`);
    writeFileSync(file, code);
    return [file];
  });
  writeFileSync(join(place, "elsewhere.d.ts"), ELSEWHERE);
  files.push(...pages.map(({ file }) => join(place, file)), join(place, "elsewhere.d.ts"));
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ES2023,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
    module: ts.ModuleKind.NodeNext,
    types: ["node"],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
  });
  expect(files.length).toBeGreaterThan(15);
  expect(
    ts
      .getPreEmitDiagnostics(program)
      .map(({ file, messageText }) => [
        basename(file?.fileName ?? ""),
        ts.flattenDiagnosticMessageText(messageText, "\n"),
      ]),
  ).toEqual([]);
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

/** Names in code spans of a page. */
function namesOn(name: string): Set<string> {
  const text = readFileSync(join(ROOT, "docs", name), "utf8").replaceAll(/^```[^]*?^```$/gm, "");
  return new Set([...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, span = ""]) => span.match(/\w+/g) ?? []));
}

/** Of values and types. */
function exportsOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, "src", file), "utf8"), ts.ScriptTarget.Latest);
  return source.statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement)) {
      const { exportClause } = statement;
      if (exportClause === undefined || !ts.isNamedExports(exportClause))
        throw new Error(`${file} exports unnamed things`);
      return exportClause.elements.map(({ name }) => name.text);
    }
    const isExported =
      ts.canHaveModifiers(statement) &&
      (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (!isExported) return [];
    if (ts.isFunctionDeclaration(statement) || ts.isInterfaceDeclaration(statement))
      return [statement.name?.text ?? ""];
    throw new Error(`${file} exports something that this test cannot name`);
  });
}

/** Where the names of each entry are explained. */
const PAGES = {
  ".": ["index.ts", "library.md"],
  "./agent": ["agent/index.ts", "library.md"],
  "./formats": ["formats/index.ts", "library.md"],
  "./langgraph": ["langgraph/index.ts", "langgraph.md"],
  "./postgres": ["storage/postgres/index.ts", "postgres.md"],
} as const;

test("every entry has a page", () => {
  const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { exports: object };
  expect(Object.keys(exports).sort()).toEqual([...Object.keys(PAGES), "./package.json"].sort());
});

test.each(Object.entries(PAGES))("every public name of %s is on its page, types too", (_entry, [file, name]) => {
  const names = exportsOf(file);
  expect(names.length).toBeGreaterThan(4);
  expect(names.filter((each) => !namesOn(name).has(each))).toEqual([]);
});

test("every method of a manager and a conversation is on the page", () => {
  const names = [...methodsOf(DraftStatePersistenceManager.prototype), ...methodsOf(Conversation.prototype)];
  expect(names.filter((each) => !namesOn("library.md").has(each))).toEqual([]);
});
