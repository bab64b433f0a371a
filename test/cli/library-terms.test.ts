/** The library speaks of its calls and options, the command of its commands and flags: neither of the other's. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect } from "vitest";
import { VERBS } from "../../src/cli/command-hints.js";
import { inCommandTerms } from "../../src/cli/library-terms.js";
import { createDraftStatePersistenceManager, type DraftStatePersistenceManager } from "../../src/index.js";
import { seed } from "../e2e/seed.js";
import { test, TIMEOUT, type InProcess } from "./world.js";

const SRC = fileURLToPath(new URL("../../src", import.meta.url));
const COMMAND = new RegExp(
  String.raw`\bdraftstate (?:${VERBS.join("|")})\b|(?<![\w-])--[a-z][a-z-]+|\bDRAFTSTATE_[A-Z]`,
);
const CALL = /\b(?:manager|saver|threads|conversation)\.\w+\(|\b(?:stateDir|backupDir)\b/;
/** Reached by commands alone, or words of something else. */
const OF_COMMANDS =
  /^(?:cli|mcp|http|agent\/models|formats\/(?:search|html))\/|^storage\/user-file\.ts$|^formats\/(?:import\/known-formats|secret-rules)\.ts$/;

/** Each text in the source, `${…}` as `x`. */
function textsIn(file: string): string[] {
  const source = readFileSync(join(SRC, file), "utf8");
  if (!COMMAND.test(source) && !CALL.test(source)) return [];
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) texts.push(node.text);
    if (ts.isTemplateExpression(node))
      texts.push(node.head.text + node.templateSpans.map(({ literal }) => `x${literal.text}`).join(""));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest));
  return texts;
}

/** What is written by JSON.stringify. */
function quotedNames(text: string): string {
  return text.replaceAll("(x)", '("x")').replaceAll("as x", 'as "x"');
}

describe("the source", () => {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const texts = files.filter((name) => !OF_COMMANDS.test(name)).flatMap(textsIn);

  test("of the library names no command, flag or variable of the command", () => {
    expect(texts.filter((text) => COMMAND.test(text))).toEqual([]);
  });

  test("of the library names no call that the command does not know by another name", () => {
    const named = texts.filter((text) => /\b(?:manager|saver|threads)\.\w+\(/.test(text));
    expect(named.length).toBeGreaterThan(25);
    expect(
      named
        .map((text) => inCommandTerms(quotedNames(text)))
        .filter((text) => /\b(?:manager|saver|threads|readImport)\b[.(]/.test(text)),
    ).toEqual([]);
  });
});

type Fail = (manager: DraftStatePersistenceManager) => Promise<unknown>;

/** What goes wrong, by the library and by a command; and what the one and the other say to do. */
const FAILURES: readonly (readonly [string, Fail, readonly string[], RegExp, RegExp])[] = [
  [
    "no such conversation",
    (m) => m.diff("none"),
    ["show", "none"],
    /manager\.list\(\) lists/,
    /"draftstate ls --state/,
  ],
  [
    "no backup",
    (m) => m.restore("bare", "latest"),
    ["restore", "bare", "--backup", "latest", "--yes"],
    /manager\.backup\("bare"\)/,
    /"draftstate backup --state.* bare" makes/,
  ],
  [
    "no such backup",
    (m) => m.readBackup("tale", "2001"),
    ["show", "tale", "--backup", "2001"],
    /manager\.listBackups\("tale"\) lists/,
    /"draftstate backups --state.* tale" lists/,
  ],
  [
    "nothing to undo",
    (m) => m.undo("tale"),
    ["undo", "tale"],
    /manager\.operations\(\) lists/,
    /"draftstate undo --state.* --list" lists/,
  ],
  [
    "nothing to redo",
    (m) => m.redo("tale"),
    ["redo", "tale"],
    /manager\.undone\(\) lists/,
    /"draftstate undo --state.* --list" lists/,
  ],
  [
    "an edited file",
    (m) => m.open("edited"),
    ["chat", "--resume", "edited", "Hi"],
    /manager\.repair\("edited", \{ accept: true \}\)/,
    /"draftstate repair --state.* edited --accept"/,
  ],
  ["no directory", (m) => m.repair("bad/id"), ["repair", "bad/id"], /./, /./],
];

async function stock(workspace: InProcess): Promise<void> {
  await seed(workspace, "tale", [{ prompt: "Hi", answer: "Once." }]);
  await seed(workspace, "edited", [{ prompt: "Hi", answer: "Once." }]);
  await workspace.run(["import", "--id", "bare", workspace.path("state/tale.json")]);
  for (const name of readdirSync(workspace.path("backup")))
    if (name.startsWith("bare")) rmSync(workspace.path(`backup/${name}`));
  await workspace.write("state/edited.json", (await workspace.read("state/edited.json")).replace("Once.", "Twice"));
}

describe("an error", TIMEOUT, () => {
  test("is told in the library's terms by the library, in the command's by the command", async ({ workspace }) => {
    await stock(workspace);
    const flags = ["--state-dir", workspace.path("state")];
    const manager = createDraftStatePersistenceManager({
      stateDir: workspace.path("state"),
      backupDir: workspace.path("backup"),
    });
    for (const [what, fail, args, inCalls, inCommands] of FAILURES) {
      const error: unknown = await fail(manager).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      const message = error instanceof Error ? error.message : "none";
      expect(message, what).toMatch(inCalls);
      expect(message, what).not.toMatch(COMMAND);
      const { stderr } = await workspace.run([...flags, ...args]);
      expect(stderr, what).toMatch(inCommands);
      expect(stderr, what).not.toMatch(CALL);
    }
    await manager.close();
  });

  test("of health and verify too, as text and as JSON", async ({ workspace }) => {
    await stock(workspace);
    await workspace.write("state/tale (conflicted copy).json", await workspace.read("state/tale.json"));
    const manager = createDraftStatePersistenceManager({
      stateDir: workspace.path("state"),
      backupDir: workspace.path("backup"),
    });
    const library = JSON.stringify([await manager.health(), await manager.verify()]);
    expect(library).toMatch(/manager\.verify\(\) says what/);
    expect(library).not.toMatch(COMMAND);
    await manager.close();
    for (const args of [["health"], ["health", "--json"], ["health", "--nagios"], ["verify"], ["verify", "--json"]]) {
      const { stdout } = await workspace.run(args);
      expect(stdout, args.join(" ")).toMatch(/draftstate (?:verify|import)/);
      expect(stdout, args.join(" ")).not.toMatch(/manager\.|readImport/);
    }
  });
});
