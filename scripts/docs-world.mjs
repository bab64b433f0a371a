// A directory of its own with `draftstate` on the path and a clock that is a minute later at each command.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../bin/draftstate.js", import.meta.url));
const CLOCK = new URL("docs-clock.mjs", import.meta.url).href;
const START = Date.UTC(2026, 0, 14, 21, 30);

export function makeWorld() {
  const directory = mkdtempSync(join(tmpdir(), "draftstate-docs-"));
  const [bin, work] = [join(directory, "bin"), join(directory, "work")];
  for (const path of [bin, work]) mkdirSync(path);
  writeFileSync(
    join(bin, "draftstate"),
    `#!/bin/sh\nexec "${process.execPath}" --import "${CLOCK}" "${PROGRAM}" "$@"\n`,
  );
  chmodSync(join(bin, "draftstate"), 0o755);
  let minutes = 0;
  return {
    work,
    /** The environment of the next command. */
    env() {
      minutes += 1;
      return {
        PATH: `${bin}:${process.env.PATH}`,
        HOME: directory,
        TZ: "UTC",
        LANG: "C.UTF-8",
        DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0",
        DOCS_NOW: String(START + minutes * 60_000),
      };
    },
    remove() {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
