/**
 * Which room may import which, and which packages belong where. One table: eslint.config.js makes import rules of it,
 * test/architecture.test.ts reads every import (dynamic ones too) and holds it. Anything not named is forbidden.
 */

/** room → rooms it may import; every room may import errors.ts. A file at the top of src is a room of its own name. */
export const ROOMS = {
  model: [],
  snapshot: ["model"],
  journal: ["model"],
  plan: ["model", "journal", "snapshot"],
  formats: ["model", "snapshot"],
  monitoring: ["model"],
  storage: [],
  store: ["plan", "journal", "snapshot", "model", "monitoring", "storage"],
  metrics: ["store", "monitoring", "storage"],
  session: ["store", "plan", "journal", "snapshot", "model", "storage"],
  operations: ["session", "metrics", "store", "plan", "journal", "snapshot", "model", "monitoring", "storage"],
  manager: ["operations", "session", "metrics", "store", "plan", "model", "monitoring", "storage"],
  "create-manager": ["manager", "operations", "metrics", "store", "monitoring", "storage"],
  agent: ["create-manager", "manager", "session", "metrics", "model"],
  cli: [
    "create-manager",
    "manager",
    "operations",
    "session",
    "metrics",
    "store",
    "plan",
    "formats",
    "monitoring",
    "storage",
    "model",
  ],
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
  diff: ["cli/terminal", "formats"],
  "markdown-it": ["formats", "cli/terminal"],
  re2js: ["formats"],
  zod: ["cli/schemas"],
  pg: ["storage/postgres/open-pool.ts"],
  "node:fs": [
    "storage/fs.ts",
    "storage/system.ts",
    "cli/chat/prompt-input.ts",
    "cli/terminal/controlling-terminal.ts",
    "cli/standard-stream.ts",
    "cli/version.ts",
  ],
  "node:tty": ["cli/terminal/controlling-terminal.ts"],
  "node:fs/promises": [],
  "node:process": ["storage/system.ts", "create-manager.ts", "cli"],
  "node:child_process": ["storage/system.ts", "cli/terminal/pager.ts"],
  "node:stream": ["cli/standard-stream.ts", "store/codec.ts"],
  "node:os": ["storage", "operations/threads.ts", "cli/settings-file.ts"],
  "node:http": ["monitoring/http-post.ts"],
  "node:https": ["monitoring/http-post.ts"],
  "node:path": ["storage", "create-manager.ts", "cli"],
  "node:readline": ["cli"],
  "node:module": [],
  "node:buffer": ["snapshot"],
  "node:crypto": ["snapshot/checksum.ts", "storage/index.ts", "storage/postgres", "agent/agent.ts"],
  "node:zlib": ["journal/framing.ts", "store/codec.ts"],
  "@opentelemetry/api": ["metrics/telemetry.ts"],
  "node:worker_threads": ["cli/search/search-thread.ts", "operations"],
  "node:timers/promises": ["session/lock.ts", "metrics", "storage", "agent/models/offline.ts"],
  "node:util": ["storage", "store/codec.ts"],
};
