// Runs the usual commands from the fresh bundle in a directory of their own, puts what each kind of them used into a pack,
// runs them again from the packs, and keeps what was compiled for them.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { HASH_BYTES, Loader, PARAMETERS, START, withPaths } from "../bin/loader.js";

const DIRECTORY = fileURLToPath(new URL("../dist/cli", import.meta.url));
const PROGRAM = fileURLToPath(import.meta.url);
const MAIN = "/src/cli/entry.js";

const command = (...words) => ({ words, ends: 0 });
/** By pack, in the order in which they are run: what people wait for most often, then all else. */
const COMMANDS = [
  [START, [command("ls"), command("show", "tale")]],
  ["chat", [command("chat", "--model", "offline", "--id", "other", "Hi")]],
  // Nobody listens on port 9: the client is loaded, asks, and is refused.
  ["openai", [{ ...command("chat", "--base-url", "http://127.0.0.1:9/v1", "--model", "none", "Hi"), ends: 6 }]],
  [
    "more",
    [
      command("verify", "--json"),
      command("search", "bridge"),
      command("backups", "tale"),
      command("diff", "tale", "@0"),
      command("fork", "tale"),
      command("rename", "tale", "A tale"),
      command("restore", "tale", "--backup", "@0"),
      command("prune", "--max", "10"),
      command("rm", "tale"),
      command("undo"),
      command("stats"),
      command("--help"),
    ],
  ],
];

/** So small that those who do not use them read them with all else. */
const SMALL = /^\/(_virtual|src\/(?!agent\/)|packages\/(commander|diff|immer)\/)/;

/** What a turn needs of ours is a pack of its own: other commands write too, without LangChain. A large package that few use is in none. */
function packOf(id, pack) {
  if ((pack === "chat" || pack === "openai") && SMALL.test(id)) return "writing";
  return pack === "more" && !SMALL.test(id) ? undefined : pack;
}

async function runAll(loader, afterEach) {
  const { start } = loader.load(MAIN);
  for (const [pack, commands] of COMMANDS) {
    for (const { words, ends } of commands) {
      const status = await start(words);
      if (status !== ends) throw new Error(`draftstate ${words.join(" ")} ended with ${status}`);
    }
    afterEach(pack);
  }
}

/** The text of a script whose value has the modules as functions, as Node would wrap each. */
function packText(ids, elsewhere) {
  const functions = ids.map((id) => {
    const code = withPaths(readFileSync(DIRECTORY + id, "latin1"), id).replace(/\/\/# sourceMappingURL=.*\n?$/, "");
    return `${JSON.stringify(id)}: function (${PARAMETERS.join(", ")}) {${code}\n}`;
  });
  const others = Object.entries(elsewhere).map(
    ([pack, its]) => `${JSON.stringify(pack)}: ${JSON.stringify(its.join("\n"))}`,
  );
  const text = `({\n${[...others, ...functions].join(",\n")}\n})\n`;
  return `//${createHash("sha256").update(text).digest("hex")}\n${text}`;
}

async function writePacks() {
  const loader = new Loader(DIRECTORY);
  const packs = {};
  const placed = new Set();
  await runAll(loader, (pack) => {
    for (const id of loader.loaded) {
      if (placed.has(id)) continue;
      placed.add(id);
      const its = packOf(id, pack);
      if (its !== undefined) (packs[its] ??= []).push(id);
    }
  });
  const { [START]: start, ...elsewhere } = packs;
  writeFileSync(`${loader.packDirectory}/${START}.js`, packText(start, elsewhere), "latin1");
  for (const [pack, ids] of Object.entries(elsewhere))
    writeFileSync(`${loader.packDirectory}/${pack}.js`, packText(ids, {}), "latin1");
}

/** Synced: what a power cut leaves of it would be believed, and run. */
function writeCache({ packDirectory, cacheDirectory }, name, script) {
  const hash = readFileSync(`${packDirectory}/${name}.js`, "latin1").slice(2, 2 + HASH_BYTES);
  writeFileSync(
    join(cacheDirectory, `${name}.cache`),
    Buffer.concat([script.createCachedData(), Buffer.from(hash, "latin1")]),
    { flush: true },
  );
}

async function writeCaches() {
  const loader = new Loader(DIRECTORY);
  mkdirSync(loader.cacheDirectory, { recursive: true });
  const kept = new Set();
  // Each when those have run that it is for: what others compile in it would be read by them for nothing.
  await runAll(loader, () => {
    for (const [name, script] of loader.scripts) if (!kept.has(name)) writeCache(loader, name, script);
    for (const name of loader.scripts.keys()) kept.add(name);
  });
}

/** The steps run in processes of their own, the second as a person's would: from the packs alone. */
async function inWorkspace(step) {
  const work = mkdtempSync(join(tmpdir(), "draftstate-build-"));
  for (const name of Object.keys(process.env)) if (name.startsWith("DRAFTSTATE_")) delete process.env[name];
  Object.assign(process.env, { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0", DRAFTSTATE_MODEL_RETRIES: "0" });
  // Each command reads to the end of it, which comes once.
  Object.defineProperty(process, "stdin", { get: () => Readable.from([]) });
  for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(0);
  process.chdir(work);
  try {
    execFileSync(
      process.execPath,
      [
        fileURLToPath(new URL("../bin/draftstate.js", import.meta.url)),
        "chat",
        "--model",
        "offline",
        "--id",
        "tale",
        "Hi",
      ],
      { stdio: "pipe" },
    );
    await step();
  } finally {
    process.chdir(tmpdir());
    rmSync(work, { recursive: true, force: true });
  }
}

const STEPS = { packs: writePacks, caches: writeCaches };
const step = STEPS[process.argv[2]];
if (step === undefined) {
  const { packDirectory } = new Loader(DIRECTORY);
  mkdirSync(packDirectory, { recursive: true });
  // Without a pack each module comes from its own file.
  writeFileSync(`${packDirectory}/${START}.js`, "({})");
  for (const name of Object.keys(STEPS)) execFileSync(process.execPath, [PROGRAM, name], { stdio: "pipe" });
} else {
  await inWorkspace(step);
  // Where it ends without coming here, Node says so with status 13.
  process.exit(0);
}
