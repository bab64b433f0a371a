// Runs the usual commands of the fresh bundle in a directory of their own and keeps what was compiled for them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Loader } from "../bin/loader.js";

const COMMANDS = [
  { command: ["--version"], ends: 0 },
  { command: ["chat", "--model", "offline", "--id", "tale", "Hi"], ends: 0 },
  // Nobody listens on port 9: the provider's client is loaded, asks, and is refused.
  { command: ["chat", "--base-url", "http://127.0.0.1:9/v1", "--model", "none", "Hi"], ends: 6 },
  { command: ["ls"], ends: 0 },
  { command: ["show", "tale"], ends: 0 },
  { command: ["verify", "--json"], ends: 0 },
];

async function run() {
  const loader = new Loader(fileURLToPath(new URL("../dist/cli", import.meta.url)));
  const work = mkdtempSync(join(tmpdir(), "draftstate-build-"));
  const where = ["--state-dir", join(work, "state"), "--backup-dir", join(work, "backup")];
  for (const name of Object.keys(process.env)) if (name.startsWith("DRAFTSTATE_")) delete process.env[name];
  process.env.DRAFTSTATE_OFFLINE_TOKEN_DELAY = "0";
  process.env.DRAFTSTATE_MODEL_RETRIES = "0";
  process.chdir(work);
  try {
    const { main } = loader.load("main.js");
    for (const { command, ends } of COMMANDS) {
      const status = await main([...command, ...where]);
      if (status !== ends) throw new Error(`draftstate ${command.join(" ")} ended with ${status}`);
    }
  } finally {
    process.chdir(tmpdir());
    rmSync(work, { recursive: true, force: true });
  }
  mkdirSync(loader.cacheDirectory, { recursive: true });
  for (const [name, script] of loader.scripts) writeFileSync(join(loader.cacheDirectory, `${name}.cache`), script.createCachedData());
}

// Where it ends without coming here, Node says so with status 13.
await run();
process.exit(0);
