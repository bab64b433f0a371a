/**
 * The settings file: the one that was named, or the nearest one in this or a parent directory, up to the home directory.
 * One that another user could have written is ignored and reported. A FIFO, a device or an endless file is refused
 * before it is read: it would block every command.
 */
import { basename, dirname, join, resolve } from "node:path";
import { DraftstateError, isDraftstateError, messageOf } from "../../errors.js";
import { isJsonObject } from "../../model/json.js";
import { isThere } from "../../storage/fs/paths.js";
import { exposureOfFile } from "../../storage/ownership.js";
import { readTextAtOnce } from "../../storage/user-file.js";

export interface SettingsFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** All that the values are read from. */
  readonly content: string;
}

/** A settings file that is not read, since it is not the user's alone. */
export interface PassedOver {
  readonly path: string;
  /** A clause. */
  readonly why: string;
}

export interface FoundSettings {
  readonly file: SettingsFile | undefined;
  readonly passedOver: readonly PassedOver[];
}

const PACKAGE = "package.json";
const SEARCH_PLACES = ["draftstate.config.json", ".draftstaterc", PACKAGE];
const PACKAGE_FIELD = "draftstate";
const MAX_BYTES = 4 * 1024 * 1024;

function refuse(path: string, why: string, cause?: unknown): DraftstateError {
  return new DraftstateError("INVALID_CONFIG", `${path} ${why}`, { path, cause });
}

function read(path: string): string | undefined {
  try {
    return readTextAtOnce(path, MAX_BYTES);
  } catch (error) {
    // The package.json of a parent directory is often unrelated.
    if (basename(path) === PACKAGE) return undefined;
    if (isDraftstateError(error)) throw new DraftstateError("INVALID_CONFIG", error.message, { path, cause: error });
    throw refuse(path, `cannot be read as a settings file: ${messageOf(error)}`, error);
  }
}

function parse(path: string, content: string): unknown {
  try {
    return JSON.parse(content);
  } catch (error) {
    throw refuse(path, `is not valid JSON (${messageOf(error)}): fix it, or give another file with --config`, error);
  }
}

/** Undefined if it has no settings: it is empty, or a package.json without the field. */
function settingsIn(path: string, content: string): SettingsFile | undefined {
  if (content.trim() === "") return undefined;
  const parsed = parse(path, content);
  const isPackage = basename(path) === PACKAGE;
  const values = isPackage ? fieldOf(parsed) : parsed;
  if (values === undefined) return undefined;
  if (!isJsonObject(values)) throw refuse(path, "is not a JSON object of settings");
  return { path, values, content: isPackage ? JSON.stringify(values) : content };
}

function fieldOf(parsed: unknown): unknown {
  return isJsonObject(parsed) && Object.hasOwn(parsed, PACKAGE_FIELD) ? parsed[PACKAGE_FIELD] : undefined;
}

/** Throws `INVALID_CONFIG`, naming the file. */
export function readSettingsFile(path: string): SettingsFile | undefined {
  const content = read(path);
  if (content === undefined)
    throw refuse(path, "does not exist: give an existing settings file, or leave --config out");
  return settingsIn(path, content);
}

/** The user's own, if there is one. */
export function readUserFile(path: string): FoundSettings {
  if (!isThere(path)) return { file: undefined, passedOver: [] };
  const why = exposureOfFile(path);
  if (why !== undefined) return { file: undefined, passedOver: [{ path, why }] };
  return { file: settingsIn(path, read(path) ?? ""), passedOver: [] };
}

export function findSettingsFile(start: string, home: string): FoundSettings {
  const passedOver: PassedOver[] = [];
  for (let directory = resolve(start); ; directory = dirname(directory)) {
    for (const place of SEARCH_PLACES) {
      const found = lookAt(join(directory, place));
      if (found !== undefined && "why" in found) passedOver.push(found);
      else if (found !== undefined) return { file: found, passedOver };
    }
    if (directory === home || directory === dirname(directory)) return { file: undefined, passedOver };
  }
}

function lookAt(path: string): SettingsFile | PassedOver | undefined {
  if (!isThere(path)) return undefined;
  const why = exposureOfFile(path);
  if (why !== undefined) return isSettings(path) ? { path, why } : undefined;
  const content = read(path);
  return content === undefined ? undefined : settingsIn(path, content);
}

/** Most packages of others say nothing to us; what is in the other files is not even read. */
function isSettings(path: string): boolean {
  if (basename(path) !== PACKAGE) return true;
  try {
    return settingsIn(path, read(path) ?? "") !== undefined;
  } catch {
    return false;
  }
}
