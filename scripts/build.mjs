// Compiles src/ into dist/, the library, and bundles the command line into dist/cli. Runs on `npm install` (prepare), so a fresh clone works without a thought of building.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { bundleCli } from "./bundle-cli.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

rmSync(new URL("../dist", import.meta.url), { recursive: true, force: true });
execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
rmSync(new URL("../dist/cli", import.meta.url), { recursive: true, force: true });
await bundleCli();
