// Writes docs/schemas/*.json from the schemas of the sources. A test holds that they are current.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const source = fileURLToPath(new URL("../src/cli/schemas/json-schema.ts", import.meta.url));
const bundle = await build({ entryPoints: [source], bundle: true, format: "esm", platform: "node", write: false });
const { jsonSchemaFiles } = await import(
  `data:text/javascript;base64,${Buffer.from(bundle.outputFiles[0].contents).toString("base64")}`
);

const directory = new URL("../docs/schemas/", import.meta.url);
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
for (const [name, text] of jsonSchemaFiles()) writeFileSync(new URL(name, directory), text);
