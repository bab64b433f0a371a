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
  "create-store": ["store", "storage"],
  "create-manager": ["create-store", "manager", "operations", "metrics", "monitoring"],
  agent: ["create-manager", "manager", "session", "metrics", "model"],
  cli: [
    "create-store",
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
export const AGENT_GATES = ["cli/chat/model.ts", "cli/chat/session-types.ts", "cli/chat/tool-lines.ts"];

/** package (or node module) → the rooms or files that may import it. */
export const PACKAGES = {
  immer: ["model"],
  "@langchain/core": ["agent"],
  "@langchain/langgraph": ["agent"],
  "@langchain/openai": ["agent"],
  chokidar: ["storage/watch.ts"],
  commander: ["cli/main.ts", "cli/program.ts", "cli/arguments/choice.ts", "cli/commands"],
  "cli-table3": ["cli/terminal"],
  ora: ["cli/terminal"],
  "get-east-asian-width": ["cli/terminal/text"],
  diff: ["cli/terminal", "formats"],
  "markdown-it": ["formats", "cli/terminal"],
  re2js: ["formats"],
  zod: ["cli/schemas"],
  pg: ["storage/postgres/open-pool.ts"],
  "node:fs": [
    "storage/fs.ts",
    "storage/system.ts",
    "cli/chat/prompt-input.ts",
    "cli/terminal/input/controlling-terminal.ts",
    "cli/file-stream.ts",
    "cli/version.ts",
  ],
  "node:tty": ["cli/terminal/input/controlling-terminal.ts"],
  "node:fs/promises": [],
  "node:process": [
    "storage/system.ts",
    "create-store.ts",
    "cli/entry.ts",
    // For getBuiltinModule: Node's own modules that take milliseconds, loaded when they are used.
    "snapshot/checksum.ts",
    "storage/index.ts",
    "store/codec.ts",
    "journal/framing.ts",
  ],
  "node:child_process": ["storage/system.ts", "cli/terminal/screen/pager.ts"],
  yauzl: ["storage/zip-file.ts"],
  "node:stream": ["cli/entry.ts", "store/codec.ts", "storage/zip-file.ts"],
  "node:os": ["storage", "operations/threads.ts", "cli/entry.ts"],
  "node:http": ["monitoring/http-post.ts"],
  "node:https": ["monitoring/http-post.ts"],
  "node:path": ["storage", "create-store.ts", "cli"],
  "node:readline": ["cli"],
  "node:module": [],
  "node:buffer": ["snapshot"],
  "node:crypto": ["snapshot/checksum.ts", "storage/index.ts", "storage/postgres", "agent/agent.ts"],
  "node:zlib": ["journal/framing.ts", "store/codec.ts"],
  "@opentelemetry/api": ["metrics/telemetry.ts"],
  "node:worker_threads": ["cli/commands/search/search-thread.ts", "operations"],
  "node:timers/promises": ["session/lock.ts", "metrics", "storage", "agent/models/offline.ts"],
  "node:util": ["storage", "store/codec.ts"],
};
