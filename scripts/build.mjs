// Builds dist/: the library with its types, and dist/cli, the command with the packages it uses.
// With --if-stale, only if the content of a source differs from that of the last build: times change by themselves.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { dts } from "rolldown-plugin-dts";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const DONE = "dist/cli/package.json";
const { dependencies, peerDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const installed = Object.keys({ ...dependencies, ...peerDependencies });
const FILES_THREAD = { "whole-files-thread": "src/operations/verify/whole-files-thread.ts" };

const library = {
  input: {
    index: "src/index.ts",
    agent: "src/agent/index.ts",
    formats: "src/formats/index.ts",
    postgres: "src/storage/postgres/index.ts",
    langgraph: "src/langgraph/index.ts",
    ...FILES_THREAD,
  },
  platform: "node",
  external: installed.map((name) => new RegExp(`^${name}(/|$)`)),
  plugins: [dts()],
  output: {
    dir: "dist",
    format: "esm",
    // Symbol.asyncDispose is declared for a consumer who names no library of his own.
    banner: ({ fileName }) => (fileName.endsWith(".d.ts") ? '/// <reference lib="esnext.disposable" />' : ""),
    comments: { jsdoc: false },
    chunkFileNames: "[name]-[hash].js",
  },
};

// Never used by the command: tools described by zod, serialised LangChain objects, programs of commander's in several files.
const UNUSED = ["zod/v3", "zod/v4", "zod/v4/core", "@cfworker/json-schema", "mustache", "@langchain/core/load"];
// What brings the tools of MCP servers uses zod, and neither these nor the async context that LangGraph's main entry turns on.
const FOR_TOOLS = /node_modules\/(@langchain\/(mcp-adapters|core\/dist\/tools)|@modelcontextprotocol\/sdk)\//;
const UNUSED_BY_TOOLS = /^(ajv|ajv-formats|debug|\.\/auth\.js)$/;
const STAND_INS = { "\0unused": "module.exports = {}", "\0silent": "module.exports = () => () => {}" };
const standIns = {
  name: "stand-ins",
  resolveId(id, importer = "") {
    const forTools = FOR_TOOLS.test(importer);
    if (forTools && UNUSED_BY_TOOLS.test(id)) return id === "debug" ? "\0silent" : "\0unused";
    if (forTools && id === "@langchain/langgraph") return this.resolve("@langchain/langgraph/web", importer);
    if ((UNUSED.includes(id) && !forTools) || (id === "node:child_process" && importer.includes("/commander/")))
      return "\0unused";
    if (id === "./langsmith.js") return { id, external: "absolute" };
    return /^langsmith(\/run_trees)?$/.test(id) && importer.includes("@langchain")
      ? resolve("scripts/langsmith-when-traced.cjs")
      : null;
  },
  load: (id) => STAND_INS[id] ?? null,
};
// Packages are chunks of their own: their maps stay out of the tarball.
const vendor = { name: "vendor", test: /node_modules/, entriesAware: true, priority: 1 };
const groups = [
  { name: "start", tags: ["$initial"] },
  { name: "list", test: /src\/operations\/list\// },
  { name: "manager", test: /src\/create-manager/ },
  { name: "model", test: /src\/model\/(?!providers)/ },
  // Small files that are loaded together.
  {
    name: "text",
    test: /src\/(model\/providers|cli\/(arguments|settings|chat\/(say|choices)|terminal\/(tables|text|input\/interrupts)))/,
  },
  { name: "terminal", test: /src\/cli\/terminal\/(input|screen\/(?!answer))/ },
  { name: "answer", test: /src\/cli\/(chat\/recap|terminal\/screen\/answer)/ },
  { name: "commands", test: /src\/cli\/commands\/(?!chat|complete|export|import|ls|search|watch)/ },
  { name: "export", test: /src\/formats\/(html|json-export|markdown)/ },
  { name: "search", test: /src\/formats\/(search\/(?!pattern)|words)/ },
  // Shared by models and tools: each would be loaded with the other.
  { name: "http", test: /src\/http\/(?!proxied|background)/ },
  { name: "tools", test: /src\/(mcp\/|cli\/tools\/(configured|start))/ },
  { name: "threads", test: /src\/cli\/graph-threads\// },
  { name: "agent", test: /src\/agent\/(?!models\/openai)/ },
];
const command = (input, groups = []) => ({
  input,
  platform: "node",
  // Large, rarely needed, and installed with draftstate as the library uses it.
  external: ["undici"],
  plugins: [standIns],
  treeshake: { moduleSideEffects: (id) => !/node_modules/.test(id) || /chokidar|commander|cli-table3/.test(id) },
  output: {
    dir: "dist/cli",
    format: "cjs",
    minify: true,
    sourcemap: true,
    sourcemapExcludeSources: true,
    chunkFileNames: ({ name }) => `${name.replace(/~.*/, "")}-[hash].js`,
    codeSplitting: { groups: [vendor, ...groups] },
  },
});
const builds = [
  library,
  command({ entry: "src/cli/entry.ts" }, groups),
  // Each alone: a worker runs nothing of another.
  command({ "search-thread": "src/cli/commands/search/search-thread.ts" }),
  command(FILES_THREAD),
  command({ langsmith: "scripts/langsmith.mjs" }),
];

/** Of everything that the build reads. */
function fingerprint() {
  const sources = readdirSync("src", { recursive: true }).map((name) => join("src", name));
  const scripts = readdirSync("scripts").map((name) => join("scripts", name));
  const hash = createHash("sha256");
  for (const path of [...sources, ...scripts, "package.json", "package-lock.json", "tsconfig.json"].sort())
    if (statSync(path).isFile()) hash.update(`${path}\0`).update(readFileSync(path)).update("\0");
  return hash.digest("hex");
}

function isFresh(sources) {
  return existsSync(DONE) && JSON.parse(readFileSync(DONE, "utf8")).sources === sources;
}

/** Of the rules that scripts/write-scanner-rules.mjs took from another project. */
function licenceOfRules() {
  const folder = "src/formats/gitleaks";
  const { source, licence } = JSON.parse(readFileSync(join(folder, "rules.json"), "utf8"));
  return [`${source}, its rules (${licence})`, readFileSync(join(folder, "LICENSE"), "utf8").trim()];
}

/** Each package in these chunks, with its licence as it came with it. */
function licencesOf(chunks) {
  const folders = new Set(
    chunks
      .flatMap(({ moduleIds = [] }) => moduleIds)
      .flatMap((id) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? []),
  );
  return [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
    return [
      `${name} ${version} (${license})`,
      file === undefined ? "" : readFileSync(join(folder, file), "utf8").trim(),
    ];
  });
}

/** A text that several packages share stands there once, below all their names. */
function licenceTexts(licences) {
  const owners = new Map();
  for (const [name, text] of licences) owners.set(text, [...(owners.get(text) ?? []), name]);
  return [...owners].map(([text, names]) => `${names.join("\n")}\n\n${text}\n`).join(`${"-".repeat(80)}\n`);
}

const sources = fingerprint();
if (!process.argv.includes("--if-stale") || !isFresh(sources)) {
  console.error("building draftstate into dist/ (takes half a minute) …");
  rmSync("dist", { recursive: true, force: true });
  const chunks = [];
  for (const { output, ...options } of builds) chunks.push(...(await (await rolldown(options)).write(output)).output);
  writeFileSync("dist/THIRD-PARTY-LICENSES.txt", licenceTexts([...licencesOf(chunks), licenceOfRules()]));
  writeFileSync(DONE, `${JSON.stringify({ type: "commonjs", sources })}\n`);
}
