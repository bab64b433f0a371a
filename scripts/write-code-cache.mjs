// Runs the usual commands of the fresh bundle in a directory of their own and keeps what was compiled for them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Loader } from "../bin/loader.js";

async function run() {
  const loader = new Loader(fileURLToPath(new URL("../dist/cli", import.meta.url)));
  const work = mkdtempSync(join(tmpdir(), "draftstate-build-"));
  const where = ["--state-dir", join(work, "state"), "--backup-dir", join(work, "backup")];
  for (const name of Object.keys(process.env)) if (name.startsWith("DRAFTSTATE_")) delete process.env[name];
  process.env.DRAFTSTATE_OFFLINE_TOKEN_DELAY = "0";
  process.chdir(work);
  try {
    const { main } = loader.load("main.js");
    for (const command of [["--version"], ["chat", "--model", "offline", "--id", "tale", "Hi"], ["ls"], ["show", "tale"], ["ls", "--json"]]) {
      const status = await main([...command, ...where]);
      if (status !== 0) throw new Error(`draftstate ${command.join(" ")} ended with ${status}`);
    }
  } finally {
    process.chdir(tmpdir());
    rmSync(work, { recursive: true, force: true });
  }
  mkdirSync(loader.cacheDirectory, { recursive: true });
  for (const [name, script] of loader.scripts) writeFileSync(join(loader.cacheDirectory, `${name}.cache`), script.createCachedData());
}

void run().then(() => process.exit(0));
