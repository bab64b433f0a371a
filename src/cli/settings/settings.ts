/**
 * Settings from flags, then DRAFTSTATE_* variables, then the nearest settings file in this or a parent directory, then
 * defaults. Each value is checked where it comes from; secrets come from the environment only.
 */
import { resolve } from "node:path";
import { DraftstateError } from "../../errors.js";
import { checkSetting, SETTINGS, unknownSetting, type SettingDefinition, type Settings } from "../../store/settings.js";
import { findSettingsFile, readSettingsFile } from "./settings-file.js";

/** Settings of the command line, beside those of the core. */
const CLI_SETTINGS = {
  store: {
    kind: "text",
    default: undefined,
    description: "where all of it is kept: a directory with state/ and backup/, or a PostgreSQL URL",
  },
  model: { kind: "text", default: undefined, description: "openai:<name>, <name> or offline" },
  baseUrl: { kind: "text", default: undefined, description: "an OpenAI-compatible server" },
  system: { kind: "text", default: undefined, description: "the system prompt of new conversations" },
  seed: { kind: "integer", default: 0, min: 0, max: 2 ** 31 - 1, description: "seed of the offline model" },
  offlineTokenDelay: {
    kind: "integer",
    default: 12,
    min: 0,
    max: 60_000,
    description: "milliseconds between tokens of the offline model",
  },
  modelRetries: {
    kind: "integer",
    default: 2,
    min: 0,
    max: 20,
    description: "retries after a temporary failure of the provider",
  },
} as const satisfies Record<string, SettingDefinition>;

export const ALL_SETTINGS: Readonly<Record<string, SettingDefinition>> = {
  ...SETTINGS,
  ...CLI_SETTINGS,
};

export interface CliSettings extends Settings {
  readonly store: string | undefined;
  readonly model: string | undefined;
  readonly baseUrl: string | undefined;
  readonly system: string | undefined;
  readonly seed: number;
  readonly offlineTokenDelay: number;
  readonly modelRetries: number;
}

export type Origin = "flag" | "default" | { readonly variable: string } | { readonly file: string };

export interface ResolvedSettings {
  readonly values: CliSettings;
  readonly origins: Readonly<Record<string, Origin>>;
  /** The settings file in use. */
  readonly file: string | undefined;
}

export interface SettingsSources {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Settings files are looked for up to here. */
  readonly home: string;
  /** A file given by --config: it must exist, and no other is used. */
  readonly configFile: string | undefined;
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
  return text;
}

/** Of a settings file that nobody named. */
function refuseFoundStore(file: string): DraftstateError {
  return new DraftstateError(
    "INVALID_CONFIG",
    `store (${file}) is not taken from a settings file that was only found, since it says where conversations are sent: give --store, set DRAFTSTATE_STORE, or name the file with --config`,
    { path: "store" },
  );
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

function isFromVariable(origin: Origin | undefined): boolean {
  return typeof origin === "object" && "variable" in origin;
}

export function resolveCliSettings(sources: SettingsSources): ResolvedSettings {
  const values: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  const put = (name: string, value: unknown, origin: Origin): void => {
    values[name] = value;
    origins[name] = origin;
  };
  for (const [name, definition] of Object.entries(ALL_SETTINGS)) put(name, definition.default, "default");
  const { configFile, cwd, home } = sources;
  const file = configFile === undefined ? findSettingsFile(cwd, home) : readSettingsFile(resolve(cwd, configFile));
  for (const [name, value] of Object.entries(file?.values ?? {})) {
    if (name === "store" && file !== undefined && configFile === undefined) throw refuseFoundStore(file.path);
    if (file !== undefined)
      put(name, checkSetting(name, definitionOf(name, file.path), value, file.path), { file: file.path });
  }
  for (const [name, value] of Object.entries(fromEnvironment(sources.env)))
    put(name, value, { variable: environmentName(name) });
  const baseUrl = sources.env["OPENAI_BASE_URL"];
  if (baseUrl !== undefined && baseUrl !== "" && !isFromVariable(origins["baseUrl"]))
    put("baseUrl", baseUrl, { variable: "OPENAI_BASE_URL" });
  for (const [name, value] of Object.entries(sources.flags)) {
    if (value === undefined) continue;
    const definition = definitionOf(name, "flag");
    put(
      name,
      checkSetting(name, definition, typeof value === "string" ? fromText(definition, value) : value, "flag"),
      "flag",
    );
  }
  return { values: values as unknown as CliSettings, origins, file: file?.path };
}
