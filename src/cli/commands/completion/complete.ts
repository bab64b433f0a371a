/** Answers a shell at each press of Tab: one candidate a line. Errors are not reported. */
import type { Command } from "commander";
import { createDraftStatePersistenceManager } from "../../../create-manager.js";
import { DraftstateError } from "../../../errors.js";
import { pathIn, type Io } from "../../io.js";
import type { Output } from "../../output.js";
import { resolveCliSettings } from "../../settings/settings.js";
import { chosenStore } from "../../settings/store-setting.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";
import { candidatesFor, type OpenManager } from "./candidates.js";

interface Place {
  readonly io: Io;
  readonly output: Output;
}

export async function complete(program: Command, words: readonly string[], { io, output }: Place): Promise<void> {
  const candidates = await candidatesFor(program, words, managerIn(io)).catch(() => []);
  const lines = candidates.map(({ text, description = "" }) =>
    [text, description]
      .filter((part) => part !== "")
      .map(toSafeLine)
      .join("\t"),
  );
  output.data(lines.map((line) => `${line}\n`).join(""));
}

function managerIn(io: Io): OpenManager {
  return ({ config, store: named, stateDir, backupDir }) => {
    const settings = resolveCliSettings({
      flags: { store: named, stateDir, backupDir },
      env: io.env,
      cwd: io.directory,
      home: io.home,
      configFile: config,
    });
    const store = chosenStore(settings);
    // No server is asked at each press of a key: then there is nothing to choose from.
    if (store.kind === "postgres") throw new DraftstateError("USAGE", "no completions from a server");
    return createDraftStatePersistenceManager({
      stateDir: pathIn(io, store.stateDir),
      backupDir: pathIn(io, store.backupDir),
    });
  };
}
