/**
 * Decides what a settings file that was only found may say: a cloned repository brings one along. Whatever could send a
 * key, a conversation or text anywhere, write outside the project, or speak for the user, is taken from it only once the
 * user trusts that file. Every setting needs a decision here.
 */
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { realPathOf } from "../../storage/fs/paths.js";
import type { Environment } from "../io.js";
import { aliased } from "./aliases.js";
import type { CliSettings } from "./definitions.js";

/** `inside`: a directory of the project. `same provider`: no other one than would answer without the file. */
export type Rule = "always" | "trusted only" | "inside" | "same provider";

export const RULES: Readonly<Record<keyof CliSettings, Rule>> = {
  stateDir: "inside",
  backupDir: "inside",
  fallbackDir: "inside",
  store: "trusted only",
  alertWebhook: "trusted only",
  baseUrl: "trusted only",
  system: "trusted only",
  tracing: "trusted only",
  mcp: "trusted only",
  model: "same provider",
  models: "trusted only",
  options: "trusted only",
  temperature: "always",
  maxTokens: "always",
  reasoning: "always",
  autoSave: "always",
  autoSaveInterval: "always",
  maxBackups: "always",
  realTimeSave: "always",
  saveOnStateChange: "always",
  saveOnToken: "always",
  compression: "always",
  durability: "always",
  undefinedFields: "always",
  retryAttempts: "always",
  retryDelay: "always",
  lockTimeout: "always",
  lockLease: "always",
  journalBudget: "always",
  maxQueuedChanges: "always",
  trashDays: "always",
  metrics: "always",
  alerts: "always",
  seed: "always",
  offlineTokenDelay: "always",
  modelRetries: "always",
  idleTimeout: "always",
  toolTimeout: "always",
};

export interface Circumstances {
  readonly file: string;
  /** Base of relative directories. */
  readonly cwd: string;
  readonly env: Environment;
  /** The settings without the file. */
  readonly otherwise: Readonly<Record<string, unknown>>;
}

/** Why a settings file that is not trusted may not say it, as a clause; undefined if it may. */
export function refusalOf(name: string, value: unknown, circumstances: Circumstances): string | undefined {
  const rules: Readonly<Record<string, Rule>> = RULES;
  switch (rules[name] ?? "trusted only") {
    case "always":
      return undefined;
    case "trusted only":
      return "the file is not trusted";
    case "inside":
      return isInside(String(value), circumstances)
        ? undefined
        : "the file is not trusted, and the directory is outside its project";
    case "same provider":
      return isSameProvider(String(value), circumstances)
        ? undefined
        : "the file is not trusted, and the model is another provider's";
  }
}

/** What even a trusted file that was only found may not say: trust is bound to its content, and to no other file's. */
export function refusalWhereTrusted(name: string, value: unknown): string | undefined {
  if (name !== "mcp" || typeof value !== "string") return undefined;
  return "it names another file, which trust does not cover: put the servers here, or give the file with --mcp";
}

function isInside(directory: string, { file, cwd }: Circumstances): boolean {
  const path = relative(whereItLeads(dirname(file)), whereItLeads(resolve(cwd, directory)));
  return path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}

/** Links followed, as far as there is something. */
function whereItLeads(path: string): string {
  const real = realPathOf(path);
  if (real !== undefined || path === dirname(path)) return real ?? path;
  return join(whereItLeads(dirname(path)), basename(path));
}

/** The offline model sends nothing. */
function isSameProvider(model: string, { env, otherwise }: Circumstances): boolean {
  const provider = providerOf(aliased(model, otherwise["models"]));
  return provider === OFFLINE || provider === otherProvider(env, otherwise);
}

const [OFFLINE, OPENAI] = ["offline", "openai"];

function providerOf(model: string): string {
  if (model === OFFLINE) return OFFLINE;
  return /^([a-z][a-z0-9_-]*):/i.exec(model)?.[1]?.toLowerCase() ?? OPENAI;
}

function otherProvider(env: Environment, { model, models, baseUrl }: Circumstances["otherwise"]): string {
  if (typeof model === "string") return providerOf(aliased(model, models));
  return (env["OPENAI_API_KEY"] ?? "") === "" && baseUrl === undefined ? OFFLINE : OPENAI;
}
