/** Reads every import of src, dynamic ones too, and holds the table in architecture.js. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { AGENT_GATES, MCP_GATES, PACKAGES, ROOMS } from "../architecture.js";

const SRC = fileURLToPath(new URL("../src", import.meta.url));
const rooms: Readonly<Record<string, readonly string[]>> = ROOMS;
const owners: Readonly<Record<string, readonly string[]>> = PACKAGES;

interface Import {
  readonly from: string;
  readonly specifier: string;
  readonly dynamic: boolean;
  readonly typeOnly: boolean;
}

function sourceFiles(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.replaceAll("\\", "/"));
}

/** `import()` and Node's `getBuiltinModule()`. */
function isLoading(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || /(^|\.)getBuiltinModule$/.test(callee.getText());
}

function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(file, readFileSync(join(SRC, file), "utf8"), ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier !== undefined &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      const typeOnly = ts.isImportDeclaration(node)
        ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : node.isTypeOnly;
      found.push({ from: file, specifier: node.moduleSpecifier.text, dynamic: false, typeOnly });
    }
    const [argument] = ts.isCallExpression(node) && isLoading(node.expression) ? node.arguments : [];
    if (argument !== undefined && ts.isStringLiteral(argument))
      found.push({ from: file, specifier: argument.text, dynamic: true, typeOnly: false });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function targetOf({ from, specifier }: Import): string {
  return relative(SRC, resolve(join(SRC, dirname(from)), specifier)).replaceAll("\\", "/");
}

function roomOf(file: string): string {
  const [first = ""] = file.split("/");
  return first === "index.ts" ? "" : first.replace(/\.[jt]s$/, "");
}

function isWithin(file: string, owner: string): boolean {
  return file === owner || file.startsWith(`${owner}/`);
}

/** The file or folder of a command; undefined elsewhere. */
function verbOf(file: string): string | undefined {
  return /^cli\/commands\/([^/.]+)/.exec(file)?.[1];
}

const all = sourceFiles().flatMap(importsOf);
const ours = all.filter(({ specifier }) => specifier.startsWith("."));

function mayImport(entry: Import): boolean {
  const [room, target] = [roomOf(entry.from), targetOf(entry)];
  // index.ts, the library's face, exports from everywhere.
  if (room === "" || target === "errors.js" || roomOf(target) === room) return true;
  if (room === "cli" && roomOf(target) === "agent")
    return AGENT_GATES.includes(entry.from) && (entry.dynamic || entry.typeOnly);
  if (room === "cli" && roomOf(target) === "mcp")
    return MCP_GATES.some((gate) => isWithin(entry.from, gate)) && (entry.dynamic || entry.typeOnly);
  return rooms[room]?.includes(roomOf(target)) === true;
}

/** Files that can reach each other by imports (Tarjan's strongly connected components), a line a circle. */
function circlesIn(imports: readonly Import[]): string[] {
  const edges = new Map<string, string[]>();
  for (const entry of imports)
    edges.set(entry.from, [...(edges.get(entry.from) ?? []), targetOf(entry).replace(/\.js$/, ".ts")]);
  const index = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[] = [];
  const visit = (file: string): number => {
    const own = index.size;
    index.set(file, own);
    let low = own;
    stack.push(file);
    for (const target of edges.get(file) ?? [])
      low = Math.min(
        low,
        index.has(target) ? (stack.includes(target) ? (index.get(target) ?? own) : own) : visit(target),
      );
    if (low === own) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1) circles.push(circle.join(" → "));
    }
    return low;
  };
  for (const file of edges.keys()) if (!index.has(file)) visit(file);
  return circles;
}

describe("the architecture", () => {
  test("every folder of src, and every file at its top, is a room of the table", () => {
    const found = new Set(
      sourceFiles()
        .map(roomOf)
        .filter((room) => room !== "" && room !== "errors"),
    );
    expect([...found].sort()).toEqual(Object.keys(ROOMS).sort());
  });

  test("imports go one way, and the agent is loaded by chat alone", () => {
    expect(ours.length).toBeGreaterThan(100);
    expect(ours.filter((entry) => !mayImport(entry)).map(({ from, specifier }) => `${from} → ${specifier}`)).toEqual(
      [],
    );
  });

  test("no file imports itself by way of others, for its types neither", () => {
    expect(circlesIn(ours)).toEqual([]);
  });

  test("commands never import each other", () => {
    const between = ours.filter((entry) => {
      const [from, to] = [verbOf(entry.from), verbOf(targetOf(entry))];
      return from !== undefined && to !== undefined && to !== "registration" && from !== to;
    });
    expect(between).toEqual([]);
  });

  test("packages and node modules stay in the rooms that own them", () => {
    const outside = all.filter(({ specifier }) => !specifier.startsWith("."));
    const strays = outside.filter(({ from, specifier }) => {
      const owner =
        Object.keys(owners).find((name) => specifier === name) ??
        Object.keys(owners).find((name) => specifier.startsWith(`${name}/`));
      return owner === undefined || owners[owner]?.some((room) => isWithin(from, room)) !== true;
    });
    expect(strays.map(({ from, specifier }) => `${from} → ${specifier}`)).toEqual([]);
  });
});
