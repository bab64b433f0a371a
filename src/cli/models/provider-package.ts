/**
 * Finds LangChain's package for a provider and loads it: beside this program, where npm installs globally, and in the directory of the run. Code of
 * that directory runs only where the user named the model himself, and code that somebody else could have written runs never.
 */
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { DraftstateError, messageOf } from "../../errors.js";
import { exposureOfFile } from "../../storage/ownership.js";
import type { Io } from "../io.js";

export interface Places {
  /** Paths and URLs of files: packages beside them, and beside the directories above, may be run. */
  readonly trusted: readonly string[];
  readonly directory: string;
}

/** Need not exist: `require` begins at the directory of a file. */
const FILE = "any.js";

/** npm is not asked: it would take longer than the first token. */
export function placesFor({ env, directory, executable }: Pick<Io, "env" | "directory" | "executable">): Places {
  const prefixes = [
    env["npm_config_prefix"],
    env["NPM_CONFIG_PREFIX"],
    dirname(dirname(executable)),
    "/usr/local",
    "/usr",
    "/opt/homebrew",
  ].flatMap((prefix) => (prefix === undefined || prefix === "" ? [] : [prefix]));
  const { APPDATA: appData } = env;
  return {
    trusted: [
      import.meta.url,
      ...prefixes.map((prefix) => join(prefix, "lib", "node_modules", FILE)),
      join(dirname(executable), "node_modules", FILE),
      ...(appData === undefined ? [] : [join(appData, "npm", "node_modules", FILE)]),
    ],
    directory: join(resolve(directory), FILE),
  };
}

export interface Loading {
  readonly places: Places;
  /** Whether the user named the model here and now. */
  readonly mayRunDirectory: boolean;
}

/** What the package exports. Throws `MODEL` where it is not installed or may not be run. */
export function loadProviderPackage(packageName: string, { places, mayRunDirectory }: Loading): unknown {
  const passedOver: string[] = [];
  const usable = (place: string): string | undefined => {
    const path = pathIn(place, packageName);
    const why = path === undefined ? undefined : exposureOfFile(path);
    if (why !== undefined) passedOver.push(`${path ?? place}: ${why}`);
    return why === undefined ? path : undefined;
  };
  const trusted = firstOf(places.trusted, usable);
  const found = trusted ?? usable(places.directory);
  if (found === undefined) throw notInstalled(packageName, passedOver);
  if (trusted === undefined && !mayRunDirectory) throw onlyHere(packageName);
  return load(packageName, found);
}

function firstOf(places: readonly string[], find: (place: string) => string | undefined): string | undefined {
  for (const place of places) {
    const found = find(place);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The file that `require` would run. */
function pathIn(place: string, packageName: string): string | undefined {
  try {
    return createRequire(place).resolve(packageName);
  } catch {
    return undefined;
  }
}

function load(packageName: string, path: string): unknown {
  try {
    return createRequire(path)(path) as unknown;
  } catch (error) {
    throw new DraftstateError(
      "MODEL",
      `${packageName} cannot be loaded (${messageOf(error).split("\n")[0] ?? ""}): install it again with npm install ${packageName} @langchain/core`,
      { path, cause: error },
    );
  }
}

function notInstalled(packageName: string, passedOver: readonly string[]): DraftstateError {
  const [first] = passedOver;
  return new DraftstateError(
    "MODEL",
    first === undefined
      ? `this model needs a package that is not installed: npm install ${packageName} (with -g, for every directory)`
      : `${packageName} is not run, since others could have written it (${first}): install your own with npm install -g ${packageName}`,
  );
}

function onlyHere(packageName: string): DraftstateError {
  return new DraftstateError(
    "MODEL",
    `${packageName} is installed only in this directory, whose code is run where you name the model yourself: add --model, or install it with npm install -g ${packageName}`,
  );
}
