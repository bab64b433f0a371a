// Imports a module of src/ as it is now, for scripts and benchmarks. Ours is bundled, packages are imported as installed.
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));

/** `path`: from the root, such as src/model/json.ts. */
export async function importSource(path) {
  const bundle = await rolldown({ input: path, cwd: root, platform: "node", external: /^[^./]/ });
  const dir = `${root}/node_modules/.cache/draftstate`;
  const { output } = await bundle.write({
    dir,
    entryFileNames: `[name]-${process.pid}.mjs`,
    chunkFileNames: `[name]-[hash]-${process.pid}.mjs`,
  });
  return import(pathToFileURL(`${dir}/${output[0].fileName}`).href);
}
