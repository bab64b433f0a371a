/** What LangGraph's config says of a thread: a program's own text, checked before it is used for anything. */
import type { RunnableConfig } from "@langchain/core/runnables";
import { DraftstateError } from "../errors.js";
import { assertThreadId } from "../threads/threads.js";

/** Names that would reach a prototype wherever a program takes them for keys. */
const RESERVED: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** Throws `INVALID_ID`. */
export function assertKey(field: string, value: unknown): asserts value is string {
  if (typeof value === "string" && !RESERVED.has(value)) return;
  const shown = typeof value === "string" ? JSON.stringify(value) : typeof value;
  throw new DraftstateError(
    "INVALID_ID",
    `${field} is ${shown}: it must be a text, and none of ${[...RESERVED].join(", ")}`,
  );
}

function field(config: RunnableConfig | undefined, name: string): unknown {
  return (config?.configurable as Readonly<Record<string, unknown>> | undefined)?.[name];
}

/** Undefined where it is left out. Throws `INVALID_ID`. */
export function threadIdOf(config: RunnableConfig): string | undefined {
  const threadId = field(config, "thread_id");
  if (threadId === undefined) return undefined;
  assertThreadId(threadId);
  return threadId;
}

/** Throws `USAGE` where it is left out. */
export function mustHaveThreadId(config: RunnableConfig, what: string): string {
  const threadId = threadIdOf(config);
  if (threadId !== undefined) return threadId;
  throw new DraftstateError("USAGE", `${what} needs a thread: pass { configurable: { thread_id: "…" } } to the graph`);
}

/** Undefined where it is left out: of all namespaces, or the graph's own. */
export function namespaceOf(config: RunnableConfig): string | undefined {
  const ns = field(config, "checkpoint_ns");
  if (ns !== undefined) assertKey("checkpoint_ns", ns);
  return ns;
}

/** Undefined where it is left out or empty. */
export function checkpointIdOf(config: RunnableConfig | undefined): string | undefined {
  const id = field(config, "checkpoint_id") ?? field(config, "thread_ts");
  if (id === undefined || id === "") return undefined;
  assertKey("checkpoint_id", id);
  return id;
}

/** Of whichever place the program or a server keeps it in. */
export function runIdOf(config: RunnableConfig, metadata: object): string | undefined {
  const places = [metadata, config.configurable, config.metadata] as readonly (
    Readonly<Record<string, unknown>> | undefined
  )[];
  return places.map((place) => place?.["run_id"]).find((id): id is string => typeof id === "string");
}

export function configOf(threadId: string, ns: string, id: string): RunnableConfig {
  return { configurable: { thread_id: threadId, checkpoint_ns: ns, checkpoint_id: id } };
}
