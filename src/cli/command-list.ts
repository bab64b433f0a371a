/** Every verb, in the order in which help lists them. */
import type { Register } from "./commands/registration.js";
import { registerBackups } from "./commands/backups.js";
import { registerChat } from "./commands/chat.js";
import { registerDiff } from "./commands/diff.js";
import { registerHealth } from "./commands/health.js";
import { registerLs } from "./commands/ls.js";
import { registerPrune } from "./commands/prune.js";
import { registerRepair } from "./commands/repair.js";
import { registerRestore } from "./commands/restore.js";
import { registerShow } from "./commands/show.js";
import { registerStats } from "./commands/stats.js";
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
  registerStats,
  registerHealth,
];
