// Loads the bundle from a few packs of its files, each with the code cache that the build left beside it, so that nothing
// is compiled twice. A cache is for one version of Node and refused by any other: without it, Node's own loader does the work.
const { existsSync, readFileSync } = require("node:fs");
const nodeModule = require("node:module");
const { join } = require("node:path");
const { Script } = require("node:vm");

/** The pack that every command begins with; it says which files are in which other. */
const START = "start";

function packDirectory(directory) {
  return join(directory, "packs", `${process.version}-${process.platform}-${process.arch}`);
}

/** The bundle's files ask for each other as `./name`; what else they ask for is Node's, or a file of settings by its path. */
class Loader {
  scripts = new Map();
  #packs = new Map();
  #modules = new Map();

  constructor(directory) {
    this.directory = directory;
    this.packDirectory = packDirectory(directory);
  }

  load(name) {
    const known = this.#modules.get(name);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    this.#modules.set(name, module);
    const { elsewhere } = this.#pack(START);
    const run = this.#pack(elsewhere[name] ?? START).files[name];
    run(module.exports, (wanted) => (wanted.startsWith("./") ? this.load(wanted.slice(2)) : require(wanted)), module, join(this.directory, name), this.directory);
    return module.exports;
  }

  #pack(name) {
    const known = this.#packs.get(name);
    if (known !== undefined) return known;
    const filename = join(this.packDirectory, `${name}.js`);
    const cache = join(this.packDirectory, `${name}.cache`);
    // The bundle is ASCII: read as Latin-1, its text takes a byte a character.
    const script = new Script(readFileSync(filename, "latin1"), { filename, cachedData: existsSync(cache) ? readFileSync(cache) : undefined });
    this.scripts.set(name, script);
    const pack = script.runInThisContext();
    this.#packs.set(name, pack);
    return pack;
  }
}

/** Node's own, which maps stacks to the sources where it is asked to. */
function nodeLoader(directory) {
  nodeModule.enableCompileCache?.();
  return { load: (name) => require(join(directory, name)) };
}

function loaderFor(directory) {
  return process.sourceMapsEnabled !== true && existsSync(packDirectory(directory)) ? new Loader(directory) : nodeLoader(directory);
}

module.exports = { Loader, START, loaderFor };
