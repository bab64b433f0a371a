/** The settings of the command line: those of the core, and its own. */
import { IDLE_TIMEOUT } from "../../http/policy.js";
import type { Json, JsonObject } from "../../model/json.js";
import { SETTINGS, type SettingDefinition, type Settings } from "../../store/settings.js";

/** Settings of the command line, beside those of the core. */
const CLI_SETTINGS = {
  store: {
    kind: "text",
    default: undefined,
    description: "where all of it is kept: a directory with state/ and backup/, or a PostgreSQL URL",
  },
  model: { kind: "text", default: undefined, description: "<provider>:<name>, <name>, an alias or offline" },
  models: { kind: "texts", default: {}, description: 'aliases of models, such as {"fast": "ollama:llama3.2"}' },
  temperature: {
    kind: "number",
    default: undefined,
    min: 0,
    max: 2,
    description: "how freely the model chooses its words",
  },
  maxTokens: {
    kind: "integer",
    default: undefined,
    min: 1,
    max: 2 ** 31 - 1,
    description: "most tokens of an answer",
  },
  options: {
    kind: "values",
    default: {},
    description: 'options of the model\'s LangChain class, such as {"topP": 0.9}',
  },
  reasoning: { kind: "boolean", default: true, description: "show on the terminal what the model thinks" },
  baseUrl: { kind: "text", default: undefined, description: "an OpenAI-compatible server" },
  system: { kind: "text", default: undefined, description: "the system prompt of new conversations" },
  tracing: { kind: "boolean", default: false, description: "send runs to LangSmith, by its LANGSMITH_* variables" },
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
  idleTimeout: {
    kind: "integer",
    default: IDLE_TIMEOUT,
    min: 0,
    max: 86_400_000,
    description: "milliseconds that a server may be silent; 0 waits for ever",
  },
  mcp: {
    kind: "servers",
    default: undefined,
    description: "MCP servers whose tools a model may call: a file with mcpServers, or the servers",
  },
  toolTimeout: {
    kind: "integer",
    default: 120_000,
    min: 0,
    max: 86_400_000,
    description: "milliseconds that a tool may take; 0 waits for ever",
  },
} as const satisfies Record<string, SettingDefinition>;

export const ALL_SETTINGS: Readonly<Record<string, SettingDefinition>> = {
  ...SETTINGS,
  ...CLI_SETTINGS,
};

export interface CliSettings extends Settings {
  readonly store: string | undefined;
  readonly model: string | undefined;
  readonly models: Readonly<Record<string, string>>;
  readonly temperature: number | undefined;
  readonly maxTokens: number | undefined;
  readonly options: Readonly<Record<string, Json>>;
  readonly reasoning: boolean;
  readonly baseUrl: string | undefined;
  readonly system: string | undefined;
  readonly tracing: boolean;
  readonly seed: number;
  readonly offlineTokenDelay: number;
  readonly modelRetries: number;
  readonly idleTimeout: number;
  readonly mcp: string | JsonObject | undefined;
  readonly toolTimeout: number;
}
