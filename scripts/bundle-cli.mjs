// Bundles the command line into dist/cli: a file for each module, of each module what is used, asked for when it is used.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { assertAllEdited, editedPackages } from "./edited-packages.mjs";
import { declarationsHaveNoEffect, lazyModules } from "./lazy-modules.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const OUT = "dist/cli";
/** The program and its threads. */
const ENTRIES = ["src/cli/entry.ts", "src/cli/commands/search/search-thread.ts", "src/operations/verify/whole-files-thread.ts"];

/** commander asks for it at its start and uses it for programs in several files: milliseconds for nothing. */
const lazyChildProcess = {
  name: "lazy-child-process",
  resolveId: (id, importer) =>
    /^(node:)?child_process$/.test(id) && importer?.includes("/commander/") ? "\0lazy-child-process" : null,
  load: (id) =>
    id === "\0lazy-child-process"
      ? 'exports.spawn = (...given) => process.getBuiltinModule("node:child_process").spawn(...given);'
      : null,
};

/** zod brings its messages in fifty languages; without one of them being asked for, only English is ever used. */
const oneLanguage = {
  name: "one-language",
  load: (id) =>
    /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/.test(id) ? 'export { default as en } from "./en.js";' : null,
};

export async function bundleCli() {
  const bundle = await rolldown({
    input: ENTRIES,
    cwd: root,
    platform: "node",
    plugins: [lazyChildProcess, oneLanguage, editedPackages, declarationsHaveNoEffect, lazyModules],
  });
  const { output } = await bundle.generate({
    format: "cjs",
    preserveModules: true,
    preserveModulesRoot: root,
    // npm packs nothing that is in a folder of the name node_modules.
    entryFileNames: ({ name }) => `${name.replaceAll("node_modules/", "packages/")}.js`,
    sourcemap: true,
    minify: { compress: true, mangle: { keepNames: true }, codegen: { removeWhitespace: true } },
  });
  assertAllEdited();
  for (const { type, fileName, code, map } of output) if (type === "chunk") write(fileName, code, map);
  const chunks = output.filter(({ type }) => type === "chunk");
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
  writeFileSync(`${root}/${OUT}/package.json`, `${JSON.stringify({ type: "commonjs", version })}\n`);
  writeFileSync(`${root}/${OUT}/contents.json`, `${JSON.stringify(contentsOf(chunks), null, 2)}\n`);
  writeFileSync(`${root}/${OUT}/THIRD-PARTY-LICENSES.txt`, licencesOf(chunks));
  execFileSync(process.execPath, [`${root}/scripts/write-packs.mjs`], { stdio: ["ignore", "ignore", "inherit"] });
}

function write(name, code, map) {
  const path = `${root}/${OUT}/${name}`;
  mkdirSync(dirname(path), { recursive: true });
  // The loader reads a byte a character.
  const ascii = code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  writeFileSync(path, ascii);
  if (map !== null) writeFileSync(`${path}.map`, JSON.stringify({ ...map, sourcesContent: undefined }));
}

const PACKAGE = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//;
const packageOf = (id) => PACKAGE.exec(id)?.[2] ?? "draftstate";

/** Which package each file of the bundle is of: what a command loads can be read off, and tested. */
function contentsOf(chunks) {
  return Object.fromEntries(chunks.map(({ fileName, moduleIds }) => [fileName, packageOf(moduleIds[0] ?? "")]));
}

/** The licence of each package in the bundle, as it came with the package. */
function licencesOf(chunks) {
  const folders = new Map(
    chunks
      .flatMap(({ moduleIds }) => moduleIds)
      .flatMap((id) => {
        const [, folder, name] = PACKAGE.exec(id) ?? [];
        return folder === undefined ? [] : [[relative(root, folder), name]];
      }),
  );
  const texts = [...folders]
    .sort(([, left], [, right]) => (left < right ? -1 : 1))
    .map(([folder, name]) => {
      const { version, license } = JSON.parse(readFileSync(`${root}/${folder}/package.json`, "utf8"));
      const file = readdirSync(`${root}/${folder}`).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
      const text =
        file === undefined ? `Licence: ${license}` : readFileSync(`${root}/${folder}/${file}`, "utf8").trim();
      return `${name} ${version}\n\n${text}\n`;
    });
  return `dist/cli holds parts of these packages.\n\n${"=".repeat(80)}\n${texts.join(`\n${"=".repeat(80)}\n`)}`;
}
