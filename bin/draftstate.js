#!/usr/bin/env node
// Finds the built CLI and starts it; `npm install` builds it.
import { existsSync } from "node:fs";

const built = new URL("../dist/cli/main.js", import.meta.url);
if (!existsSync(built)) {
  process.stderr.write("error: draftstate is not built yet: run npm install, or npm run build\n");
  process.exit(1);
}
const { main } = await import(built.href);
process.exit(await main(process.argv.slice(2)));
