#!/usr/bin/env node
// Finds the built CLI and starts it; `npm install` builds it.
const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { loaderFor } = require("./loader.js");

const [word, ...more] = process.argv.slice(2);
// Nothing else is needed to say it.
if (more.length === 0 && (word === "--version" || word === "-V")) {
  process.stdout.write(`${require("../package.json").version}\n`);
  return;
}

const directory = join(__dirname, "../dist/cli");
if (!existsSync(join(directory, "packs/start.js"))) {
  process.stderr.write("error: draftstate is not built yet: run npm install, or npm run build\n");
  process.exit(1);
}
const { start } = loaderFor(directory).load("/src/cli/entry.js");
let ended = false;
// A process that has nothing left to wait for, and is not through, has failed.
process.once("exit", (status) => {
  if (!ended && status === 0) process.exitCode = 1;
});
void start(process.argv.slice(2)).then((status) => {
  ended = true;
  process.exit(status);
});
