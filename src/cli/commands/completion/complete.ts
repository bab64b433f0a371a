/** Answers a shell at each press of Tab: one candidate a line. Errors are not reported. */
import type { Command } from "commander";
import { createDraftStatePersistenceManager } from "../../../create-manager.js";
import { DraftstateError } from "../../../errors.js";
import { pathIn, type Io } from "../../io.js";
import type { Output } from "../../output.js";
import { knownNames } from "../../models/offered.js";
import { resolveCliSettings, type ResolvedSettings } from "../../settings/settings.js";
import { chosenStore } from "../../settings/store-setting.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";
import { candidatesFor, type OpenManager, type Sources } from "./candidates.js";

interface Place {
  readonly io: Io;
  readonly output: Output;
}

export async function complete(program: Command, words: readonly string[], { io, output }: Place): Promise<void> {
  const candidates = await candidatesFor(program, words, { open: managerIn(io), models: modelsIn(io) }).catch(() => []);
  const lines = candidates.map(({ text, description = "" }) =>
    [text, description]
      .filter((part) => part !== "")
      .map(toSafeLine)
      .join("\t"),
  );
  output.data(lines.map((line) => `${line}\n`).join(""));
}

function settingsIn(
  io: Io,
  flags: Readonly<Record<string, unknown>>,
  configFile: string | undefined,
): ResolvedSettings {
  return resolveCliSettings({ flags, env: io.env, cwd: io.directory, home: io.home, configFile });
}

function modelsIn(io: Io): Sources["models"] {
  return ({ config }) => knownNames(settingsIn(io, {}, config).values.models);
}

function managerIn(io: Io): OpenManager {
  return ({ config, store: named, stateDir, backupDir }) => {
    const settings = settingsIn(io, { store: named, stateDir, backupDir }, config);
    const store = chosenStore(settings);
    // No server is asked at each press of a key: then there is nothing to choose from.
    if (store.kind === "postgres") throw new DraftstateError("USAGE", "no completions from a server");
    return createDraftStatePersistenceManager({
      stateDir: pathIn(io, store.stateDir),
      backupDir: pathIn(io, store.backupDir),
    });
  };
}
