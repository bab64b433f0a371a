// Writes docs/schemas/*.json from the schemas of the built code. A test holds that they are current.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { jsonSchemaFiles } from "../dist/cli/schemas/json-schema.js";

const directory = new URL("../docs/schemas/", import.meta.url);
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
for (const [name, text] of jsonSchemaFiles()) writeFileSync(new URL(name, directory), text);
