/** Every verb, in the order in which help lists them. */
import type { Register } from "./commands/registration.js";
import { registerBackups } from "./commands/backups.js";
import { registerChat } from "./commands/chat.js";
import { registerDiff } from "./commands/diff.js";
import { registerExport } from "./commands/export.js";
import { registerImport } from "./commands/import.js";
import { registerLs } from "./commands/ls.js";
import { registerPrune } from "./commands/prune.js";
import { registerRepair } from "./commands/repair.js";
import { registerRestore } from "./commands/restore.js";
import { registerSearch } from "./commands/search.js";
import { registerShow } from "./commands/show.js";
import { registerVerify } from "./commands/verify.js";

export const COMMANDS: readonly Register[] = [
  registerChat,
  registerLs,
  registerShow,
  registerBackups,
  registerDiff,
  registerRestore,
  registerPrune,
  registerVerify,
  registerRepair,
  registerSearch,
  registerExport,
  registerImport,
];
