/** Every verb, in the order in which help lists them. Each is loaded when it is asked for, or when all have to be named. */
import type { Register } from "./commands/registration.js";

const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  chat: async () => (await import("./commands/chat.js")).registerChat,
  ls: async () => (await import("./commands/ls.js")).registerLs,
  show: async () => (await import("./commands/show/show.js")).registerShow,
  search: async () => (await import("./commands/search/search.js")).registerSearch,
  backups: async () => (await import("./commands/backups.js")).registerBackups,
  diff: async () => (await import("./commands/diff.js")).registerDiff,
  watch: async () => (await import("./commands/watch/watch.js")).registerWatch,
  restore: async () => (await import("./commands/restore.js")).registerRestore,
  backup: async () => (await import("./commands/backup.js")).registerBackup,
  fork: async () => (await import("./commands/fork.js")).registerFork,
  rename: async () => (await import("./commands/rename.js")).registerRename,
  rm: async () => (await import("./commands/rm.js")).registerRm,
  undo: async () => (await import("./commands/undo/undo.js")).registerUndo,
  redo: async () => (await import("./commands/redo.js")).registerRedo,
  export: async () => (await import("./commands/export.js")).registerExport,
  import: async () => (await import("./commands/import/import.js")).registerImport,
  copy: async () => (await import("./commands/copy.js")).registerCopy,
  prune: async () => (await import("./commands/prune.js")).registerPrune,
  verify: async () => (await import("./commands/verify.js")).registerVerify,
  repair: async () => (await import("./commands/repair.js")).registerRepair,
  migrate: async () => (await import("./commands/migrate.js")).registerMigrate,
  stats: async () => (await import("./commands/stats/stats.js")).registerStats,
  health: async () => (await import("./commands/health.js")).registerHealth,
  models: async () => (await import("./commands/models.js")).registerModels,
  tools: async () => (await import("./commands/tools.js")).registerTools,
  init: async () => (await import("./commands/init.js")).registerInit,
  config: async () => (await import("./commands/config.js")).registerConfig,
  trust: async () => (await import("./commands/trust.js")).registerTrust,
  untrust: async () => (await import("./commands/untrust.js")).registerUntrust,
  completion: async () => (await import("./commands/completion/completion.js")).registerCompletion,
};

/** What is needed to know of an option of the program. */
export interface ProgramOption {
  readonly short?: string | undefined;
  readonly long?: string | undefined;
  /** Whether a value follows it. */
  readonly required: boolean;
}

/** The command that the arguments name, behind options of the program; all of them if that is not known, as for help. */
export async function commandsFor(
  argv: readonly string[],
  options: readonly ProgramOption[] = [],
): Promise<Register[]> {
  const verb = verbOf(argv, options);
  const loaders = Object.hasOwn(COMMANDS, verb) ? [COMMANDS[verb]] : Object.values(COMMANDS);
  return Promise.all(loaders.flatMap((load) => load?.() ?? []));
}

/** The first word that is neither an option nor the value of one; empty if there is no such word or an option is unknown. */
function verbOf([word = "", ...rest]: readonly string[], options: readonly ProgramOption[]): string {
  if (!word.startsWith("-")) return word;
  const [flag = ""] = word.split("=", 1);
  const option = options.find(({ short, long }) => short === flag || long === flag);
  if (option === undefined) return "";
  return verbOf(option.required && !word.includes("=") ? rest.slice(1) : rest, options);
}
