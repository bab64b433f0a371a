/** Every verb, in the order in which help lists them. */
import type { Register } from "./commands/registration.js";
import { registerBackup } from "./commands/backup.js";
import { registerBackups } from "./commands/backups.js";
import { registerChat } from "./commands/chat.js";
import { registerCompletion } from "./commands/completion.js";
import { registerConfig } from "./commands/config.js";
import { registerDiff } from "./commands/diff.js";
import { registerExport } from "./commands/export.js";
import { registerFork } from "./commands/fork.js";
import { registerHealth } from "./commands/health.js";
import { registerImport } from "./commands/import.js";
import { registerLs } from "./commands/ls.js";
import { registerMigrate } from "./commands/migrate.js";
import { registerPrune } from "./commands/prune.js";
import { registerRename } from "./commands/rename.js";
import { registerRepair } from "./commands/repair.js";
import { registerRestore } from "./commands/restore.js";
import { registerRm } from "./commands/rm.js";
import { registerSearch } from "./commands/search.js";
import { registerShow } from "./commands/show.js";
import { registerStats } from "./commands/stats.js";
import { registerUndo } from "./commands/undo.js";
import { registerVerify } from "./commands/verify.js";
import { registerWatch } from "./commands/watch.js";

export const COMMANDS: readonly Register[] = [
  registerChat,
  registerLs,
  registerShow,
  registerSearch,
  registerBackups,
  registerDiff,
  registerWatch,
  registerRestore,
  registerBackup,
  registerFork,
  registerRename,
  registerRm,
  registerUndo,
  registerExport,
  registerImport,
  registerPrune,
  registerVerify,
  registerRepair,
  registerMigrate,
  registerStats,
  registerHealth,
  registerConfig,
  registerCompletion,
];
