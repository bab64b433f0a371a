/**
 * Which room may import which, and which packages belong where. One table: eslint.config.js makes import rules of it,
 * test/architecture.test.ts reads every import (dynamic ones too) and holds it. Anything not named is forbidden.
 */

/** room → rooms it may import; every room may import errors.ts. `types` may be imported as types only. */
export const ROOMS = {
  model: [],
  snapshot: ["model"],
  journal: ["model"],
  plan: ["model", "journal", "snapshot"],
  exchange: ["model", "snapshot"],
  monitoring: ["model"],
  storage: [],
  persistence: ["plan", "journal", "snapshot", "model", "monitoring", "storage"],
  agent: ["model", "persistence"],
  cli: ["persistence", "model", "storage", "plan", "exchange", "monitoring"],
};

/** cli may reach the agent from these files alone, by dynamic import or for its types. */
export const AGENT_GATES = ["cli/chat/model.ts", "cli/chat/turn-context.ts", "cli/chat/tool-lines.ts"];

/** package (or node module) → the rooms or files that may import it. */
export const PACKAGES = {
  immer: ["model"],
  "@langchain/core": ["agent"],
  "@langchain/langgraph": ["agent"],
  "@langchain/openai": ["agent"],
  chokidar: ["storage/watch.ts"],
  commander: ["cli/main.ts", "cli/command-list.ts", "cli/choice.ts", "cli/commands", "cli/completion"],
  "cli-table3": ["cli/terminal"],
  ora: ["cli/terminal"],
  diff: ["cli/terminal", "exchange"],
  "markdown-it": ["exchange", "cli/terminal"],
  re2js: ["exchange"],
  zod: ["cli/schemas"],
  "node:fs": ["storage/fs.ts", "storage/process-table.ts", "cli/chat/prompt-input.ts", "cli/terminal/controlling-terminal.ts", "cli/standard-stream.ts", "cli/version.ts"],
  "node:tty": ["cli/terminal/controlling-terminal.ts"],
  "node:fs/promises": [],
  "node:process": ["storage/process-table.ts", "persistence/create-manager.ts", "cli"],
  "node:child_process": ["storage/process-table.ts", "cli/terminal/pager.ts"],
  "node:stream": ["cli/standard-stream.ts"],
  "node:os": ["storage", "persistence/reading/threads.ts", "cli/settings-file.ts"],
  "node:path": ["storage", "persistence/create-manager.ts", "cli"],
  "node:readline": ["cli"],
  "node:module": [],
  "node:buffer": ["snapshot"],
  "node:crypto": ["snapshot/checksum.ts", "storage/index.ts", "agent/agent.ts"],
  "node:zlib": ["journal/record.ts", "persistence/backups/backup-codec.ts"],
  "@opentelemetry/api": ["persistence/measuring/telemetry.ts"],
  "node:events": ["persistence/events.ts"],
  "node:worker_threads": ["cli/search/search-thread.ts", "persistence/reading"],
  "node:timers/promises": ["persistence", "storage/retry.ts", "agent/models/offline.ts"],
  "node:util": ["storage", "persistence/backups/backup-codec.ts"],
};
