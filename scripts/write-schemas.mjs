// Writes docs/schemas/*.json from src/cli/schemas: `npm run schemas`. A test fails while one is stale.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { importSource } from "./import-source.mjs";

const { jsonSchemaFiles } = await importSource("src/cli/schemas/json-schema.ts");
const directory = new URL("../docs/schemas/", import.meta.url);
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
for (const [name, text] of jsonSchemaFiles()) writeFileSync(new URL(name, directory), text);
