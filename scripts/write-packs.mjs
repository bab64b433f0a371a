// Puts the files of the fresh bundle into packs, runs the usual commands from them in a directory of their own, and keeps
// what was compiled for these.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Loader, START } from "../bin/loader.js";

const DIRECTORY = fileURLToPath(new URL("../dist/cli", import.meta.url));
const PROGRAM = fileURLToPath(new URL("../bin/draftstate.js", import.meta.url));
const START_FILES = JSON.parse(process.argv[2]);
/** So small that those who use it read it with all else that is not LangChain's. */
const SMALL = new Set(["commander", "diff", "draftstate", "immer"]);

/** LangChain's files are read together, a provider's client with nothing else, and each other large package by itself. */
function packOf(file, packages) {
  if (START_FILES.includes(file)) return START;
  if (packages.every((name) => SMALL.has(name))) return "more";
  if (packages.some((name) => name.includes("openai"))) return "openai";
  return packages.some((name) => name.startsWith("@langchain/") || name === "zod") ? "chat" : file.replace(/\.js$/, "");
}

/** The text of a script whose value has the files as functions, as Node would wrap each. */
function packText(files, elsewhere) {
  const functions = files.map((file) => {
    const code = readFileSync(join(DIRECTORY, file), "latin1").replace(/\/\/# sourceMappingURL=.*\n$/, "");
    return `${JSON.stringify(file)}: function (exports, require, module, __filename, __dirname) {${code}\n}`;
  });
  return `({ elsewhere: ${JSON.stringify(elsewhere)}, files: {\n${functions.join(",\n")}\n} })\n`;
}

function writePacks(directory) {
  const contents = JSON.parse(readFileSync(join(DIRECTORY, "contents.json"), "utf8"));
  const packs = new Map();
  const elsewhere = {};
  for (const [file, packages] of Object.entries(contents)) {
    const pack = packOf(file, packages);
    packs.set(pack, [...(packs.get(pack) ?? []), file]);
    if (pack !== START) elsewhere[file] = pack;
  }
  mkdirSync(directory, { recursive: true });
  for (const [pack, files] of packs) writeFileSync(join(directory, `${pack}.js`), packText(files, pack === START ? elsewhere : {}), "latin1");
}

/** What people wait for most often: for these alone the first pack's cache is made, since each kilobyte of it is read at every start. */
const SHORT_COMMANDS = [["ls"], ["show", "tale"]].map((command) => ({ command, ends: 0 }));
const OTHER_COMMANDS = [
  { command: ["chat", "--model", "offline", "--id", "other", "Hi"], ends: 0 },
  // Nobody listens on port 9: the provider's client is loaded, asks, and is refused.
  { command: ["chat", "--base-url", "http://127.0.0.1:9/v1", "--model", "none", "Hi"], ends: 6 },
  { command: ["verify", "--json"], ends: 0 },
];

function makeConversation(where) {
  execFileSync(process.execPath, [PROGRAM, "chat", "--model", "offline", "--id", "tale", "Hi", ...where], { stdio: "pipe" });
}

async function runEach(loader, commands, where) {
  const { main } = loader.load("main.js");
  for (const { command, ends } of commands) {
    const status = await main([...command, ...where]);
    if (status !== ends) throw new Error(`draftstate ${command.join(" ")} ended with ${status}`);
  }
}

function keepCaches(loader, isWanted) {
  for (const [name, script] of loader.scripts) if (isWanted(name)) writeFileSync(join(loader.packDirectory, `${name}.cache`), script.createCachedData());
}

async function run() {
  const loader = new Loader(DIRECTORY);
  writePacks(loader.packDirectory);
  const work = mkdtempSync(join(tmpdir(), "draftstate-build-"));
  const where = ["--state-dir", join(work, "state"), "--backup-dir", join(work, "backup")];
  for (const name of Object.keys(process.env)) if (name.startsWith("DRAFTSTATE_")) delete process.env[name];
  process.env.DRAFTSTATE_OFFLINE_TOKEN_DELAY = "0";
  process.env.DRAFTSTATE_MODEL_RETRIES = "0";
  process.chdir(work);
  try {
    makeConversation(where);
    await runEach(loader, SHORT_COMMANDS, where);
    keepCaches(loader, (name) => name === START);
    await runEach(loader, OTHER_COMMANDS, where);
    keepCaches(loader, (name) => name !== START);
  } finally {
    process.chdir(tmpdir());
    rmSync(work, { recursive: true, force: true });
  }
}

// Where it ends without coming here, Node says so with status 13.
await run();
process.exit(0);
