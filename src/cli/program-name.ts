/** What starts this program where the person is: a name on the path, else the way in which it was called. */
import { existsSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { quoted } from "./command-hints.js";
import type { Environment } from "./io.js";

export interface Call {
  readonly env: Environment;
  /** The script that runs, as the process was given it. */
  readonly script: string;
  readonly directory: string;
}

const NAME = "draftstate";
const RUNNERS: readonly (readonly [agent: string, command: string])[] = [
  ["pnpm/", "pnpm exec"],
  ["yarn/", "yarn"],
  ["bun/", "bunx"],
  ["npm/", "npx"],
];

export function programName(call: Call): string {
  const { env, script } = call;
  // While a package manager runs a command, the path holds directories that the person's own does not.
  const runner = env["npm_command"] === "exec" ? runnerIn(env["npm_config_user_agent"] ?? "") : undefined;
  if (runner !== undefined) return `${runner} ${NAME}`;
  if (isOnPath(env)) return NAME;
  return /[\\/]node_modules[\\/]/.test(script) ? `npx ${NAME}` : `node ${quoted(shortest(call))}`;
}

function runnerIn(userAgent: string): string | undefined {
  return RUNNERS.find(([agent]) => userAgent.startsWith(agent))?.[1];
}

function isOnPath(env: Environment): boolean {
  const directories = (env["PATH"] ?? env["Path"] ?? "").split(delimiter).filter((directory) => directory !== "");
  return directories.some((directory) => [NAME, `${NAME}.cmd`].some((name) => existsSync(join(directory, name))));
}

function shortest({ script, directory }: Call): string {
  const short = relative(directory, script);
  return short.length < script.length ? short : script;
}
