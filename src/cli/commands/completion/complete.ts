/** Answers a shell at each press of Tab: one candidate a line. Errors are not reported. */
import type { Command } from "commander";
import { createDraftStatePersistenceManager } from "../../../create-manager.js";
import { pathIn, type Io } from "../../io.js";
import type { Output } from "../../output.js";
import { resolveCliSettings } from "../../settings/settings.js";
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
  return ({ config, stateDir, backupDir }) => {
    const { values } = resolveCliSettings({
      flags: { stateDir, backupDir },
      env: io.env,
      cwd: io.directory,
      home: io.home,
      configFile: config,
    });
    return createDraftStatePersistenceManager({
      stateDir: pathIn(io, values.stateDir),
      backupDir: pathIn(io, values.backupDir),
    });
  };
}
