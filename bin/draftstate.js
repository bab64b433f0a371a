#!/usr/bin/env node
// Starts the built command. `npm install` builds it.
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const argv = process.argv.slice(2);
// Nothing else is needed to say it.
if (argv.length === 1 && ["--version", "-v", "-V"].includes(argv[0])) {
  process.stdout.write(`${require("../package.json").version}\n`);
  return;
}

const program = join(__dirname, "../dist/cli/entry.js");
if (!existsSync(program)) {
  process.stderr.write("error: draftstate is not built yet: run npm install, or npm run build\n");
  process.exit(1);
}
// From Node 22.1: what was compiled once is kept for the next start.
require("node:module").enableCompileCache?.();
// Stacks are shown with --verbose only; reading the source maps for them takes time.
if (argv.includes("--verbose")) process.setSourceMapsEnabled(true);

let ended = false;
// A process that has nothing left to wait for, and is not through, has failed.
process.once("exit", (status) => {
  if (!ended && status === 0) process.exitCode = 1;
});
void require(program)
  .start(argv)
  .then((status) => {
    ended = true;
    process.exit(status);
  });
