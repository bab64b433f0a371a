#!/usr/bin/env node
// Finds the built CLI and starts it; `npm install` builds it.
const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { loaderFor } = require("./loader.js");

const directory = join(__dirname, "../dist/cli");
if (!existsSync(join(directory, "main.js"))) {
  process.stderr.write("error: draftstate is not built yet: run npm install, or npm run build\n");
  process.exit(1);
}
const { main } = loaderFor(directory).load("main.js");
void main(process.argv.slice(2)).then((status) => process.exit(status));
