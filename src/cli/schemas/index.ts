/** The shape of what each command prints with `--json`, by name: docs/schemas holds them as JSON Schema, made by `npm run schemas`. */
import type { z } from "zod";
import { backups } from "./backups.js";
import { chat } from "./chat.js";
import { completion, config, init, trust, untrust } from "./config.js";
import { backup, fork, migrate, rename, rm } from "./conversation.js";
import { copy } from "./copy.js";
import { diff } from "./diff.js";
import { error } from "./error.js";
import { exported, exportResult } from "./export.js";
import { imported } from "./import.js";
import { ls } from "./ls.js";
import { health, stats, statsOfConversation, statsOfThread } from "./monitoring.js";
import { prune } from "./prune.js";
import { repair } from "./repair.js";
import { restore } from "./restore.js";
import { search } from "./search.js";
import { inspect, show } from "./show.js";
import {
  checkpoints,
  inspectThread,
  pruneThreads,
  repairNamespace,
  repairThread,
  restoreThread,
  showThread,
} from "./graph-threads.js";
import { models } from "./models.js";
import { operations, redo, trash, undo } from "./undo.js";
import { tools } from "./tools.js";
import { verify } from "./verify.js";
import { watch } from "./watch.js";

export const SCHEMAS = {
  backup,
  backups,
  chat,
  checkpoints,
  completion,
  config,
  copy,
  diff,
  error,
  export: exported,
  "export-result": exportResult,
  fork,
  health,
  import: imported,
  init,
  inspect,
  "inspect-thread": inspectThread,
  ls,
  migrate,
  models,
  operations,
  prune,
  "prune-threads": pruneThreads,
  redo,
  rename,
  repair,
  "repair-namespace": repairNamespace,
  "repair-thread": repairThread,
  restore,
  "restore-thread": restoreThread,
  rm,
  search,
  show,
  "show-thread": showThread,
  stats,
  "stats-conversation": statsOfConversation,
  "stats-thread": statsOfThread,
  tools,
  trash,
  trust,
  undo,
  untrust,
  verify,
  watch,
} as const satisfies Record<string, z.ZodType>;
