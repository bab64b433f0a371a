// Two plugins of rolldown's that make a program begin with only what it uses, as Babel's `lazy` imports and Metro's inline
// requires do: a module asks for another when it first uses a name of it, and one that nobody uses is not asked for.
import MagicString from "magic-string";
import { parseAst } from "rolldown/parseAst";

const DECLARATIONS = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ExportDefaultDeclaration",
  "VariableDeclaration",
  "FunctionDeclaration",
  "ClassDeclaration",
]);

/** A module that declares and does nothing has no effect by being evaluated; most packages do not say so of themselves. */
export const declarationsHaveNoEffect = {
  name: "declarations-have-no-effect",
  transform(code, id) {
    if (!/\.m?js$/.test(id) || !/\b(import|export)\b/.test(code)) return null;
    const { body } = this.parse(code);
    return {
      moduleSideEffects: !body.every(({ type, directive }) => DECLARATIONS.has(type) || directive !== undefined),
    };
  },
};

const isCall = (node, name) =>
  node?.type === "CallExpression" && (node.callee.name ?? node.callee.property?.name) === name;
const asAssignment = (statement) =>
  statement.type === "ExpressionStatement" && statement.expression.type === "AssignmentExpression"
    ? statement.expression
    : undefined;

/** What rolldown writes for an import: `const a = require("a");`, `a = runtime.__toESM(a, 1);` after it, or `var b = runtime.__toESM(a.default, 1);`. */
function importsOf(body) {
  const found = new Map();
  for (const statement of body) {
    const [declarator, ...more] = statement.type === "VariableDeclaration" ? statement.declarations : [];
    if (
      more.length === 0 &&
      declarator?.id.type === "Identifier" &&
      (isCall(declarator.init, "require") || isCall(declarator.init, "__toESM"))
    ) {
      found.set(declarator.id.name, { statement, declarator });
    }
    const assignment = asAssignment(statement);
    const known =
      assignment?.left.type === "Identifier" && isCall(assignment.right, "__toESM")
        ? found.get(assignment.left.name)
        : undefined;
    if (known !== undefined) known.conversion = { statement, call: assignment.right };
  }
  return found;
}

/** Each `a` becomes `a()`, and `a` a function that asks once. */
function makeLazy(code) {
  const text = new MagicString(code);
  const { body } = parseAst(code);
  const imports = importsOf(body);
  const done = new Set();
  for (const [name, { statement, declarator, conversion }] of imports) {
    const { id, init } = declarator;
    done.add(id);
    const [before, after] = conversion === undefined ? ["", ""] : conversionAround(code, name, conversion.call);
    text.overwrite(statement.start, init.start, `var ${name}$; function ${name}() { return ${name}$ ??= ${before}`);
    text.overwrite(init.end, statement.end, `${after}; }`);
    if (conversion === undefined) continue;
    text.remove(conversion.statement.start, conversion.statement.end);
    done.add(conversion.statement);
  }
  walk(body, (node, key, parent) => {
    if (done.has(node)) return false;
    if (node.type !== "Identifier" || !imports.has(node.name) || isMereName(key, parent)) return true;
    if (key === "id" || key === "params" || key === "param") throw new Error(`${node.name} is declared twice`);
    text.prependRight(node.start, parent.type === "Property" && parent.shorthand ? `${node.name}: (` : "(");
    text.appendLeft(node.end, "())");
    return false;
  });
  return { code: text.toString(), map: text.generateMap({ hires: "boundary" }) };
}

/** The text of `runtime.__toESM(a, 1)` around its first argument; the runtime is asked for like all else, and not where it would copy names that nobody uses. */
function conversionAround(code, name, call) {
  const usesNames = new RegExp(`\\b${name.replaceAll("$", "\\$")}\\.(?!default\\b)`).test(code);
  if (!usesNames) return ["{ default: ", " }"];
  const { object } = call.callee;
  return [
    `${object.name}()${code.slice(object.end, call.arguments[0].start)}`,
    code.slice(call.arguments[0].end, call.end),
  ];
}

/** A property's name, not a variable. */
function isMereName(key, parent) {
  return (key === "property" && !parent.computed) || (key === "key" && !parent.computed);
}

function walk(node, visit, key, parent) {
  if (Array.isArray(node)) for (const each of node) walk(each, visit, key, parent);
  if (typeof node?.type !== "string" || !visit(node, key, parent)) return;
  for (const [name, child] of Object.entries(node)) if (typeof child === "object") walk(child, visit, name, node);
}

export const lazyModules = { name: "lazy-modules", renderChunk: (code) => makeLazy(code) };
