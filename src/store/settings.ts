/**
 * Every setting of the persistence core in one table: its kind, its default, its words. Options, environment and
 * files are all checked against it, and an unknown or wrong key is an error that names the key.
 */
import { DraftstateError } from "../errors.js";
import { isJsonObject, type Json, type JsonObject, type UndefinedFields } from "../model/json.js";
import { parseAlertRules, type AlertRule } from "../monitoring/alert-rules.js";
import { COMPRESSIONS, type Compression } from "./names.js";
import { nearest } from "./nearest.js";

export interface Settings {
  readonly stateDir: string;
  readonly backupDir: string;
  readonly autoSave: boolean;
  readonly autoSaveInterval: number;
  readonly maxBackups: number;
  readonly realTimeSave: boolean;
  readonly saveOnStateChange: boolean;
  readonly saveOnToken: boolean;
  readonly compression: Compression;
  readonly durability: "strict" | "relaxed";
  readonly retryAttempts: number;
  readonly retryDelay: number;
  readonly fallbackDir: string | undefined;
  readonly lockTimeout: number;
  readonly lockLease: number;
  readonly journalBudget: number;
  readonly maxQueuedChanges: number;
  readonly trashDays: number;
  readonly undefinedFields: UndefinedFields;
  readonly metrics: boolean;
  readonly alerts: readonly AlertRule[];
  /** May hold a secret: never shown. */
  readonly alertWebhook: string | undefined;
}

export type SettingKind =
  | { readonly kind: "text"; readonly default: string | undefined }
  | { readonly kind: "boolean"; readonly default: boolean }
  | { readonly kind: "integer"; readonly default: number | undefined; readonly min: number; readonly max: number }
  | { readonly kind: "number"; readonly default: number | undefined; readonly min: number; readonly max: number }
  /** Texts by name. */
  | { readonly kind: "texts"; readonly default: Readonly<Record<string, string>> }
  /** JSON by name. */
  | { readonly kind: "values"; readonly default: Readonly<Record<string, Json>> }
  | { readonly kind: "choice"; readonly default: string; readonly choices: readonly string[] }
  | { readonly kind: "alerts"; readonly default: readonly AlertRule[] }
  | { readonly kind: "secret-url"; readonly default: string | undefined }
  /** A file, or an object with an entry for each server. */
  | { readonly kind: "servers"; readonly default: undefined };

export type SettingDefinition = SettingKind & { readonly description: string };

const MAX_TIMER = 2 ** 31 - 1;

export const SETTINGS = {
  stateDir: { kind: "text", default: "./state", description: "directory of the conversations" },
  backupDir: { kind: "text", default: "./backup", description: "directory of the backups" },
  autoSave: { kind: "boolean", default: true, description: "save on a timer" },
  autoSaveInterval: {
    kind: "integer",
    default: 1000,
    min: 10,
    max: MAX_TIMER,
    description: "milliseconds between timed saves",
  },
  maxBackups: {
    kind: "integer",
    default: 10,
    min: 0,
    max: 1_000_000,
    description: "backups to keep for each conversation",
  },
  realTimeSave: { kind: "boolean", default: true, description: "journal each change as it happens" },
  saveOnStateChange: { kind: "boolean", default: true, description: "save on changes other than tokens" },
  saveOnToken: { kind: "boolean", default: true, description: "save on each token" },
  compression: { kind: "choice", default: "none", choices: COMPRESSIONS, description: "compression of backups" },
  durability: {
    kind: "choice",
    default: "strict",
    choices: ["strict", "relaxed"],
    description: "sync each batch, or only at snapshots",
  },
  retryAttempts: {
    kind: "integer",
    default: 5,
    min: 0,
    max: 100,
    description: "retries after a temporary error",
  },
  retryDelay: {
    kind: "integer",
    default: 50,
    min: 0,
    max: 60_000,
    description: "milliseconds before the first retry; doubles each time",
  },
  fallbackDir: {
    kind: "text",
    default: undefined,
    description: "directory for changes while the state directory cannot be written",
  },
  lockTimeout: {
    kind: "integer",
    default: 0,
    min: 0,
    max: MAX_TIMER,
    description: "milliseconds to wait for another writer",
  },
  lockLease: {
    kind: "integer",
    default: 0,
    min: 0,
    max: MAX_TIMER,
    description: "milliseconds until a lock expires unless it is renewed, for containers; 0: when its process ends",
  },
  journalBudget: {
    kind: "integer",
    default: 4 * 1024 * 1024,
    min: 1024,
    max: 256 * 1024 * 1024,
    description: "size in bytes at which a journal is compacted into a snapshot",
  },
  maxQueuedChanges: {
    kind: "integer",
    default: 1000,
    min: 1,
    max: 1_000_000,
    description: "queued changes after which the next write is a snapshot",
  },
  trashDays: {
    kind: "integer",
    default: 30,
    min: 0,
    max: 36_500,
    description: "minimum days for which rm, prune, restore, repair and rename can be undone; 0 keeps nothing",
  },
  undefinedFields: {
    kind: "choice",
    default: "refuse",
    choices: ["refuse", "drop"],
    description: "what becomes of fields of a program's state that are undefined",
  },
  metrics: { kind: "boolean", default: true, description: "keep metrics beside the conversations" },
  alerts: {
    kind: "alerts",
    default: [],
    description: 'rules such as {"metric": "draftstate_queue_depth", "above": 100, "for": "30s"}',
  },
  alertWebhook: { kind: "secret-url", default: undefined, description: "URL to post alerts to, as JSON" },
} as const satisfies Record<keyof Settings, SettingDefinition>;

/** A setting of the table, or one of the same shape that a command line adds. */
export function checkSetting(name: string, definition: SettingDefinition, value: unknown, origin: string): unknown {
  const wrong = (expected: string): DraftstateError =>
    new DraftstateError("INVALID_CONFIG", `setting ${name} (${origin}) is ${shown(value)}: expected ${expected}`, {
      path: name,
    });
  switch (definition.kind) {
    case "text":
      if (typeof value === "string" && value !== "" && !value.includes("\0")) return value;
      throw wrong("a text");
    case "boolean":
      if (typeof value === "boolean") return value;
      throw wrong("true or false");
    case "integer":
      if (typeof value === "number" && Number.isInteger(value) && value >= definition.min && value <= definition.max)
        return value;
      throw wrong(`an integer from ${definition.min} to ${definition.max}`);
    case "number":
      if (typeof value === "number" && value >= definition.min && value <= definition.max) return value;
      throw wrong(`a number from ${definition.min} to ${definition.max}`);
    case "texts": {
      const texts = typeof value === "string" ? fromJson(value) : value;
      if (isNamed(texts) && Object.values(texts).every((text) => typeof text === "string" && text !== "")) return texts;
      throw wrong('an object of texts by name, such as {"name": "text"}');
    }
    case "values": {
      const values = typeof value === "string" ? fromJson(value) : value;
      if (isNamed(values)) return values;
      throw wrong('an object such as {"name": 1}');
    }
    case "choice":
      if (typeof value === "string" && definition.choices.includes(value)) return value;
      throw wrong(`one of ${definition.choices.join(", ")}`);
    case "alerts": {
      const rules = typeof value === "string" ? fromJson(value) : value;
      parseAlertRules(rules, name);
      return rules;
    }
    case "servers":
      if (isJsonObject(value) || (typeof value === "string" && value !== "" && !value.includes("\0"))) return value;
      throw new DraftstateError(
        "INVALID_CONFIG",
        `setting ${name} (${origin}) must be a file, or an object with an entry for each server`,
        { path: name },
      );
    case "secret-url":
      if (typeof value === "string" && /^https?:\/\//.test(value) && URL.canParse(value)) return value;
      throw new DraftstateError(
        "INVALID_CONFIG",
        `setting ${name} (${origin}) must be a URL that begins with http:// or https://`,
        { path: name },
      );
  }
}

const NAME = /^[A-Za-z0-9][\w.-]*$/;

function isNamed(value: unknown): value is JsonObject {
  return isJsonObject(value) && Object.keys(value).every((name) => NAME.test(name));
}

/** As an environment variable holds it; text that is not JSON is refused as it is. */
function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function shown(value: unknown): string {
  const text = value === undefined || typeof value === "function" ? typeof value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

export function unknownSetting(name: string, origin: string, known: readonly string[]): DraftstateError {
  const near = nearest(name, known);
  const hint = near === undefined ? `known are ${known.join(", ")}` : `did you mean ${near}?`;
  return new DraftstateError("INVALID_CONFIG", `unknown setting ${JSON.stringify(name)} (${origin}): ${hint}`, {
    path: name,
  });
}

/** Defaults filled in, every key checked. Throws `INVALID_CONFIG`. */
export function resolveSettings(options: Readonly<Record<string, unknown>>): Settings {
  const definitions: Readonly<Record<string, SettingDefinition>> = SETTINGS;
  const resolved: Record<string, unknown> = Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => [name, definition.default]),
  );
  for (const [name, value] of Object.entries(options)) {
    const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    if (definition === undefined) throw unknownSetting(name, "option", Object.keys(definitions));
    if (value !== undefined) resolved[name] = checkSetting(name, definition, value, "option");
  }
  return resolved as unknown as Settings;
}
