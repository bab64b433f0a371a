// Loads the bundle from a few packs of its modules, so that one file is read and not a hundred, and with the code cache that
// the build left beside a pack nothing is compiled twice. A cache is for one version of Node and one text: V8 itself looks at
// the first, and at no more of the second than its length.
const { closeSync, fstatSync, openSync, readFileSync, readSync } = require("node:fs");
const { Script, compileFunction } = require("node:vm");

/** The pack that every command begins with; it says which modules are in which other. */
const START = "start";
const PARAMETERS = ["exports", "require", "module", "__filename", "__dirname"];
/** Bytes at the end of a cache, and at the beginning of its pack behind "//": the hash of the pack. */
const HASH_BYTES = 64;
/** Milliseconds by which the copy of a pack may be newer than that of its cache; one that was changed by hand is newer than that. */
const COPIED_WITHIN = 60_000;

/** Read into memory that the next file uses again: memory that was never used takes longer than the reading. */
let buffer = Buffer.allocUnsafeSlow(0);

/** The bytes are good until the next file is read. */
function read(path) {
  const file = openSync(path);
  try {
    const { size, mtimeMs } = fstatSync(file);
    if (buffer.length < size) buffer = Buffer.allocUnsafeSlow(Math.max(size, 1024 * 1024));
    return { bytes: buffer.subarray(0, readSync(file, buffer, 0, size, 0)), mtimeMs };
  } finally {
    closeSync(file);
  }
}

/** Undefined where there is none, or none that can be read: it only saves time. */
function tryRead(path) {
  try {
    return read(path);
  } catch {
    return undefined;
  }
}

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
    this.#elsewhere ??= new Map(
      Object.entries(start).flatMap(([name, ids]) =>
        typeof ids === "string" ? ids.split("\n").map((each) => [each, name]) : [],
      ),
    );
    const pack = this.#elsewhere.get(id);
    return pack === undefined ? this.#compile(id) : this.#pack(pack)[id];
  }

  #compile(id) {
    const filename = this.directory + id;
    return compileFunction(withPaths(readFileSync(filename, "latin1"), id), PARAMETERS, { filename });
  }

  /** Undefined where it is that of another text. */
  #cacheOf(name, hash, changedAt) {
    const cache = tryRead(`${this.cacheDirectory}/${name}.cache`);
    if (cache === undefined || changedAt > cache.mtimeMs + COPIED_WITHIN) return undefined;
    const end = cache.bytes.length - HASH_BYTES;
    return end > 0 && cache.bytes.latin1Slice(end) === hash ? cache.bytes.subarray(0, end) : undefined;
  }

  #pack(name) {
    const known = this.#packs.get(name);
    if (known !== undefined) return known;
    const filename = `${this.packDirectory}/${name}.js`;
    const { bytes, mtimeMs } = read(filename);
    // The bundle is ASCII: read as Latin-1, its text takes a byte a character.
    const text = bytes.latin1Slice(0, bytes.length);
    const script = new Script(text, {
      filename,
      cachedData: this.#cacheOf(name, text.slice(2, 2 + HASH_BYTES), mtimeMs),
    });
    this.scripts.set(name, script);
    const pack = script.runInThisContext();
    this.#packs.set(name, pack);
    return pack;
  }
}

/** The text of a module that asks for others by their path in the bundle, not by the way there from its own. */
function withPaths(text, id) {
  return text.replaceAll(
    /\brequire\((["'`])(\.{1,2}\/[^"'`]+)\1\)/g,
    (_, quote, way) => `require("${new URL(way, `file://${id}`).pathname}")`,
  );
}

/** Node's own, which maps stacks to the sources where it is asked to. */
function nodeLoader(directory) {
  require("node:module").enableCompileCache?.();
  return { load: (id) => require(directory + id) };
}

function loaderFor(directory) {
  return process.sourceMapsEnabled === true ? nodeLoader(directory) : new Loader(directory);
}

module.exports = { HASH_BYTES, Loader, PARAMETERS, START, loaderFor, withPaths };
