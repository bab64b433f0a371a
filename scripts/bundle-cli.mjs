// Bundles the command line into dist/cli: one entry, and a chunk for each part that only some commands need. Node's own
// costly modules are loaded when they are first used, not when the program starts.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What takes milliseconds to load and is not needed by every command. */
const LAZY_BUILTINS = ["child_process", "crypto", "readline", "readline/promises", "worker_threads", "zlib"];
/** There in newer versions of Node than the one that builds. */
const NEWER_NAMES = { zlib: ["zstdCompress", "zstdDecompress"] };

/** A module whose every export is a getter, so that importing it costs nothing. */
function lazyBuiltin(name) {
  const names = [...new Set([...Object.keys(process.getBuiltinModule(name)), ...(NEWER_NAMES[name] ?? [])])];
  return `for (const name of ${JSON.stringify(names)}) {
    Object.defineProperty(exports, name, { enumerable: true, get: () => process.getBuiltinModule("node:${name}")[name] });
  }`;
}

const lazyBuiltins = {
  name: "lazy-builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(node:)?(${LAZY_BUILTINS.join("|")})$`) }, ({ path }) => ({ path: path.replace(/^node:/, ""), namespace: "lazy-builtin" }));
    onLoad({ filter: /.*/, namespace: "lazy-builtin" }, ({ path }) => ({ contents: lazyBuiltin(path), loader: "js" }));
  },
};

/** zod brings its messages in fifty languages; without one of them being asked for, only English is ever used. */
const oneLanguage = {
  name: "one-language",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: 'export { default as en } from "./en.js";', loader: "js" }));
  },
};

/** Asked for by a constructor, at once, by few commands: each is a file of its own, read when it is. */
const LAZY_CLASSES = { "cli-table3": "table", "markdown-it": "markdown" };

const lazyClasses = {
  name: "lazy-classes",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(${Object.keys(LAZY_CLASSES).join("|")})$`) }, ({ kind, path }) => (kind === "import-statement" ? { path, namespace: "lazy-class" } : undefined));
    onResolve({ filter: /^\.\//, namespace: "lazy-class" }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /.*/, namespace: "lazy-class" }, ({ path }) => ({
      contents: `export default new Proxy(function () {}, { construct: (_, options) => Reflect.construct(require("./${LAZY_CLASSES[path]}.js").default, options) });`,
      loader: "js",
    }));
  },
};

const OUT = "dist/cli";
const COMMON = { platform: "node", target: "node20.19", minifySyntax: true, minifyWhitespace: true, sourcemap: true };

/** Split as ES modules, which alone esbuild can split, then each file made CommonJS: Node starts it faster, and it can be cached. */
export async function bundleCli() {
  const { metafile, outputFiles } = await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints: { main: "src/cli/main.ts", table: "cli-table3", markdown: "markdown-it", "search-thread": "src/cli/search/search-thread.ts", "whole-files-thread": "src/persistence/reading/whole-files-thread.ts" },
    outdir: OUT,
    bundle: true,
    splitting: true,
    format: "esm",
    sourcemap: "inline",
    sourcesContent: false,
    legalComments: "none",
    metafile: true,
    write: false,
    chunkNames: "[name]-[hash]",
    plugins: [lazyBuiltins, oneLanguage, lazyClasses],
    logLevel: "warning",
  });
  mkdirSync(`${root}/${OUT}`, { recursive: true });
  for (const { path, text } of outputFiles) await writeCommonJs(basename(path), text);
  writeFileSync(`${root}/${OUT}/package.json`, '{ "type": "commonjs" }\n');
  writeFileSync(`${root}/${OUT}/contents.json`, `${JSON.stringify(contentsOf(metafile), null, 2)}\n`);
  writeFileSync(`${root}/${OUT}/THIRD-PARTY-LICENSES.txt`, licencesOf(metafile));
  execFileSync(process.execPath, [`${root}/scripts/write-packs.mjs`, JSON.stringify(startFiles(metafile))], { stdio: ["pipe", "ignore", "pipe"] });
}

/** The files that the commands which people wait for most often load. */
const STARTS = ["src/cli/main.ts", "src/cli/commands/ls.ts", "src/cli/commands/show.ts"];

function startFiles({ outputs }) {
  const found = new Set();
  const visit = (file) => {
    if (found.has(file) || outputs[file] === undefined) return;
    found.add(file);
    for (const { path, kind } of outputs[file].imports) if (kind === "import-statement") visit(path);
  };
  for (const [file, { entryPoint }] of Object.entries(outputs)) if (STARTS.includes(entryPoint)) visit(file);
  return [...found].map((file) => basename(file));
}

async function writeCommonJs(name, text) {
  const { code, map } = await transform(text, {
    ...COMMON,
    format: "cjs",
    sourcefile: name,
    sourcesContent: false,
    supported: { "dynamic-import": false },
    define: { "import.meta.url": "__url" },
    banner: 'const __url = require("node:url").pathToFileURL(__filename).href;',
  });
  // The loader reads a byte a character; esbuild has written all but regular expressions as ASCII.
  const ascii = code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  writeFileSync(`${root}/${OUT}/${name}`, `${ascii}//# sourceMappingURL=${name}.map\n`);
  writeFileSync(`${root}/${OUT}/${name}.map`, map);
}

const PACKAGE = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//;

/** Which packages each file of the bundle holds: what a command loads can be read off, and tested. */
function contentsOf({ outputs }) {
  const packagesOf = (inputs) => [...new Set(Object.keys(inputs).map((input) => PACKAGE.exec(input)?.[2] ?? "draftstate"))].sort();
  const files = Object.entries(outputs).filter(([file]) => file.endsWith(".js"));
  return Object.fromEntries(files.map(([file, { inputs }]) => [basename(file), packagesOf(inputs)]));
}

/** The licence of each package in the bundle, as it came with the package. */
function licencesOf({ inputs }) {
  const folders = new Map(Object.keys(inputs).flatMap((input) => {
    const [, folder, name] = PACKAGE.exec(input) ?? [];
    return folder === undefined ? [] : [[folder, name]];
  }));
  const texts = [...folders].sort(([, left], [, right]) => (left < right ? -1 : 1)).map(([folder, name]) => {
    const { version, license } = JSON.parse(readFileSync(`${root}/${folder}/package.json`, "utf8"));
    const file = readdirSync(`${root}/${folder}`).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
    const text = file === undefined ? `Licence: ${license}` : readFileSync(`${root}/${folder}/${file}`, "utf8").trim();
    return `${name} ${version}\n\n${text}\n`;
  });
  return `dist/cli holds parts of these packages.\n\n${"=".repeat(80)}\n${texts.join(`\n${"=".repeat(80)}\n`)}`;
}
