/**
 * Settings from flags, then DRAFTSTATE_* variables, then the nearest settings file in this or a parent directory, then the
 * user's own, then defaults. Each value is checked where it comes from, and `refusalOf` (trust.ts) decides whether the file
 * that was found may say it; secrets come from the environment only.
 */
import { dirname, resolve } from "node:path";
import { checkSetting, unknownSetting, type SettingDefinition } from "../../store/settings.js";
import { DraftstateError } from "../../errors.js";
import { credentialIn } from "../../model/urls.js";
import { ALL_SETTINGS, type CliSettings } from "./definitions.js";
import {
  findSettingsFile,
  readSettingsFile,
  readUserFile,
  type FoundSettings,
  type PassedOver,
  type SettingsFile,
} from "./settings-file.js";
import { refusalOf, refusalWhereTrusted } from "./trust.js";
import { isTrusted } from "./trust-record.js";
import { userDirectory, userFileIn } from "./user-directory.js";

export type Origin =
  | "flag"
  | "default"
  | { readonly variable: string }
  /** The one that was named, or found. */
  | { readonly file: string }
  | { readonly userFile: string };

/** A value that a settings file may not say. */
export interface IgnoredValue {
  readonly name: string;
  readonly file: string;
  /** A clause. */
  readonly why: string;
}

export interface ResolvedSettings {
  readonly values: CliSettings;
  readonly origins: Readonly<Record<string, Origin>>;
  /** The settings file in use, named or found. */
  readonly file: string | undefined;
  /** The user's own. */
  readonly userFile: string | undefined;
  readonly isTrusted: boolean;
  readonly ignored: readonly IgnoredValue[];
  readonly passedOver: readonly PassedOver[];
}

export interface SettingsSources {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Settings files are looked for up to here. */
  readonly home: string;
  /** A file given by --config: it must exist, and no other is used. */
  readonly configFile: string | undefined;
  /** False where files are broken, for what works without them. */
  readonly readsFiles?: boolean;
}

const PREFIX = "DRAFTSTATE_";

export function environmentName(setting: string): string {
  return PREFIX + setting.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** A text from the environment or a flag as the kind of value the setting wants; one that does not fit stays a text, which is refused later. */
function fromText(definition: SettingDefinition, text: string): unknown {
  if (definition.kind === "boolean")
    return text === "true" || text === "1" ? true : text === "false" || text === "0" ? false : text;
  if (definition.kind === "integer") return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  if (definition.kind === "number") return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text;
  return text;
}

function definitionOf(name: string, origin: string): SettingDefinition {
  const definition = Object.hasOwn(ALL_SETTINGS, name) ? ALL_SETTINGS[name] : undefined;
  if (definition === undefined) throw unknownSetting(name, origin, Object.keys(ALL_SETTINGS));
  return definition;
}

/** A variable of this prefix that names no setting is an error: a typo must not silently mean the default. */
function fromEnvironment(env: SettingsSources["env"]): Record<string, unknown> {
  const names = new Map(Object.keys(ALL_SETTINGS).map((name) => [environmentName(name), name]));
  const values: Record<string, unknown> = {};
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || text === undefined || text === "") continue;
    const name = names.get(variable);
    if (name === undefined) throw unknownSetting(variable, "environment", [...names.keys()]);
    values[name] = checkSetting(
      name,
      definitionOf(name, variable),
      fromText(definitionOf(name, variable), text),
      variable,
    );
  }
  return values;
}

type Values = Readonly<Record<string, unknown>>;

/** Relative ones in a settings file start at the file, wherever the command runs. */
const DIRECTORIES = ["stateDir", "backupDir", "fallbackDir", "store", "mcp"];

/** As it is written where that means the same. */
function fromFile(file: string, cwd: string, name: string, value: unknown): unknown {
  const isDirectory = DIRECTORIES.includes(name) && typeof value === "string" && !/^[a-z][a-z0-9+.-]+:/i.test(value);
  if (!isDirectory || dirname(file) === resolve(cwd)) return value;
  return resolve(dirname(file), value);
}

function checkedFile({ path, values }: SettingsFile, cwd: string): Values {
  const { alertWebhook } = values;
  if (typeof alertWebhook === "string" && credentialIn(alertWebhook) === "a user name or password")
    throw new DraftstateError(
      "INVALID_CONFIG",
      `setting alertWebhook (${path}) holds a user name or password: give it in DRAFTSTATE_ALERT_WEBHOOK`,
      { path: "alertWebhook" },
    );
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      fromFile(path, cwd, name, checkSetting(name, definitionOf(name, path), value, path)),
    ]),
  );
}

function fromFlags(flags: Values): Values {
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([name, value]) => {
      const definition = definitionOf(name, "flag");
      return [
        name,
        checkSetting(name, definition, typeof value === "string" ? fromText(definition, value) : value, "flag"),
      ];
    }),
  );
}

/** Values put over one another, each with where it comes from. */
class Layers {
  readonly values: Record<string, unknown> = {};
  readonly origins: Record<string, Origin> = {};

  put(values: Values, originOf: (name: string) => Origin): void {
    for (const [name, value] of Object.entries(values)) {
      this.values[name] = value;
      this.origins[name] = originOf(name);
    }
  }
}

export function resolveCliSettings(sources: SettingsSources): ResolvedSettings {
  const { cwd, home, env, configFile, readsFiles = true } = sources;
  const directory = userDirectory(env, home);
  const own = readsFiles ? readUserFile(userFileIn(directory)) : NO_FILE;
  const project = readsFiles ? projectFile(sources) : NO_FILE;
  const layers = new Layers();
  layers.put(
    Object.fromEntries(Object.entries(ALL_SETTINGS).map(([name, { default: preset }]) => [name, preset])),
    () => "default",
  );
  const { file: userFile } = own;
  if (userFile !== undefined) layers.put(checkedFile(userFile, cwd), () => ({ userFile: userFile.path }));
  const given = new Layers();
  given.put(environmentValues(env), (name) => ({ variable: variableOf(name, env) }));
  given.put(fromFlags(sources.flags), () => "flag");
  const { file } = project;
  const trusted = file !== undefined && (configFile !== undefined || isTrusted(directory, file));
  const ignored: IgnoredValue[] = [];
  if (file !== undefined) {
    const otherwise = { ...layers.values, ...given.values };
    const allowed = Object.entries(checkedFile(file, cwd)).filter(([name, value]) => {
      const why = trusted
        ? configFile === undefined
          ? refusalWhereTrusted(name, value)
          : undefined
        : refusalOf(name, value, { file: file.path, cwd, env, otherwise });
      if (why !== undefined && !(name in given.values)) ignored.push({ name, file: file.path, why });
      return why === undefined;
    });
    layers.put(Object.fromEntries(allowed), () => ({ file: file.path }));
  }
  layers.put(given.values, (name) => given.origins[name] ?? "default");
  return {
    values: layers.values as unknown as CliSettings,
    origins: layers.origins,
    file: file?.path,
    userFile: userFile?.path,
    isTrusted: trusted,
    ignored,
    passedOver: [...own.passedOver, ...project.passedOver],
  };
}

const NO_FILE: FoundSettings = { file: undefined, passedOver: [] };

function projectFile({ configFile, cwd, home }: SettingsSources): FoundSettings {
  if (configFile === undefined) return findSettingsFile(cwd, home);
  return { file: readSettingsFile(resolve(cwd, configFile)), passedOver: [] };
}

const SERVER_VARIABLE = "OPENAI_BASE_URL";

/** The variable that clients of OpenAI read comes after our own. */
function environmentValues(env: SettingsSources["env"]): Values {
  const server = env[SERVER_VARIABLE] ?? "";
  return { ...(server === "" ? {} : { baseUrl: server }), ...fromEnvironment(env) };
}

function variableOf(name: string, env: SettingsSources["env"]): string {
  const variable = environmentName(name);
  return (env[variable] ?? "") === "" ? SERVER_VARIABLE : variable;
}
