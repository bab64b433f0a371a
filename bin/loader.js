// Loads the files of the bundle with the code cache that the build left beside them, so that nothing is compiled twice.
// A cache is for one version of Node and refused by any other: without it, Node's own loader (and cache) does the work.
const { existsSync, readFileSync } = require("node:fs");
const nodeModule = require("node:module");
const { join } = require("node:path");
const { Script } = require("node:vm");

function cacheDirectory(directory) {
  return join(directory, "cache", `${process.version}-${process.platform}-${process.arch}`);
}

/** The bundle's files ask for each other as `./name`; what else they ask for is Node's, or a file of settings by its path. */
class Loader {
  scripts = new Map();
  #modules = new Map();

  constructor(directory) {
    this.directory = directory;
    this.cacheDirectory = cacheDirectory(directory);
  }

  load(name) {
    const known = this.#modules.get(name);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    this.#modules.set(name, module);
    const run = this.#compile(name).runInThisContext();
    run(module.exports, (wanted) => (wanted.startsWith("./") ? this.load(wanted.slice(2)) : require(wanted)), module, join(this.directory, name), this.directory);
    return module.exports;
  }

  #compile(name) {
    const filename = join(this.directory, name);
    // The bundle is ASCII: read as Latin-1, its text takes a byte a character.
    const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(filename, "latin1")}\n})`;
    const script = new Script(source, { filename, cachedData: this.#cached(name) });
    this.scripts.set(name, script);
    return script;
  }

  #cached(name) {
    const file = join(this.cacheDirectory, `${name}.cache`);
    return existsSync(file) ? readFileSync(file) : undefined;
  }
}

/** Node's own, which maps stacks to the sources where it is asked to. */
function nodeLoader(directory) {
  nodeModule.enableCompileCache?.();
  return { load: (name) => require(join(directory, name)) };
}

function loaderFor(directory) {
  return process.sourceMapsEnabled !== true && existsSync(cacheDirectory(directory)) ? new Loader(directory) : nodeLoader(directory);
}

module.exports = { Loader, loaderFor };
