// Loads the bundle from a few packs of its modules, so that one file is read and not a hundred, and with the code cache that
// the build left beside a pack nothing is compiled twice. A cache is for one version of Node, and refused by any other.
const { existsSync, readFileSync } = require("node:fs");
const { Script, compileFunction } = require("node:vm");

/** The pack that every command begins with; it says which modules are in which other. */
const START = "start";
const PARAMETERS = ["exports", "require", "module", "__filename", "__dirname"];

/** Modules go by their path in the bundle, as "/src/cli/main.js", also where they ask for each other; what else they ask for is Node's. */
class Loader {
  scripts = new Map();
  #packs = new Map();
  #modules = new Map();
  #elsewhere;

  constructor(directory) {
    this.directory = directory;
    this.packDirectory = `${directory}/packs`;
    this.cacheDirectory = `${this.packDirectory}/${process.version}-${process.platform}-${process.arch}`;
  }

  /** In the order in which they were first asked for. */
  get loaded() {
    return [...this.#modules.keys()];
  }

  load = (id) => {
    if (id[0] !== "/") return require(id);
    const known = this.#modules.get(id);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    this.#modules.set(id, module);
    const filename = this.directory + id;
    this.#functionOf(id)(module.exports, this.load, module, filename, filename.slice(0, filename.lastIndexOf("/")));
    return module.exports;
  };

  #functionOf(id) {
    const start = this.#pack(START);
    if (start[id] !== undefined) return start[id];
    this.#elsewhere ??= new Map(Object.entries(start).flatMap(([name, ids]) => (typeof ids === "string" ? ids.split("\n").map((each) => [each, name]) : [])));
    const pack = this.#elsewhere.get(id);
    return pack === undefined ? this.#compile(id) : this.#pack(pack)[id];
  }

  #compile(id) {
    const filename = this.directory + id;
    return compileFunction(withPaths(readFileSync(filename, "latin1"), id), PARAMETERS, { filename });
  }

  #pack(name) {
    const known = this.#packs.get(name);
    if (known !== undefined) return known;
    const filename = `${this.packDirectory}/${name}.js`;
    const cache = `${this.cacheDirectory}/${name}.cache`;
    // The bundle is ASCII: read as Latin-1, its text takes a byte a character.
    const script = new Script(readFileSync(filename, "latin1"), { filename, cachedData: existsSync(cache) ? readFileSync(cache) : undefined });
    this.scripts.set(name, script);
    const pack = script.runInThisContext();
    this.#packs.set(name, pack);
    return pack;
  }
}

/** The text of a module that asks for others by their path in the bundle, not by the way there from its own. */
function withPaths(text, id) {
  return text.replaceAll(/\brequire\((["'`])(\.{1,2}\/[^"'`]+)\1\)/g, (_, quote, way) => `require("${new URL(way, `file://${id}`).pathname}")`);
}

/** Node's own, which maps stacks to the sources where it is asked to. */
function nodeLoader(directory) {
  require("node:module").enableCompileCache?.();
  return { load: (id) => require(directory + id) };
}

function loaderFor(directory) {
  return process.sourceMapsEnabled === true ? nodeLoader(directory) : new Loader(directory);
}

module.exports = { Loader, PARAMETERS, START, loaderFor, withPaths };
