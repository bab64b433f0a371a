/**
 * The checkpoints of a thread's own graph, newest first, as a person chooses among them: step, source, the nodes that ran and
 * what they changed. Those of subgraphs belong to the checkpoint that ran them.
 */
import { DraftstateError } from "../../errors.js";
import type { CheckpointEntry, ThreadIndex } from "../../checkpoints/thread-index.js";
import { countChanges, type ChangeCounts } from "../../model/compare.js";
import { jsonEqual, ownValue } from "../../model/json.js";
import { textOf } from "../../model/conversation.js";
import { ownNamespace } from "../../threads/newest.js";
import type { ThreadView } from "../../threads/thread-view.js";
import { messagesFrom } from "../../checkpoints/messages.js";
import { factsOf, objectOf, valuesOf, type CheckpointFacts } from "../../threads/values.js";

export interface ListedCheckpoint {
  readonly id: string;
  readonly parent: string | null;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly step: number | null;
  /** `input`, `loop`, `update` or `fork`, as LangGraph says. */
  readonly source: string | null;
  /** That ran since the parent. */
  readonly nodes: readonly string[];
  readonly messageCount: number;
  /** Channels of the state that differ from the parent's. */
  readonly channels: readonly string[];
  /** Of the messages, against the parent. */
  readonly changes: ChangeCounts;
  /** Of the last message, where one was added; empty otherwise. */
  readonly said: string;
  /** Writes of tasks that the next checkpoint will hold, or that were interrupted. */
  readonly pendingWrites: number;
}

/** Newest first. */
export function ownCheckpoints(index: ThreadIndex): CheckpointEntry[] {
  return index.checkpoints(ownNamespace(index));
}

/** `latest`, `@n`, an id, a unique prefix or a unique suffix of one. Throws `NOT_FOUND`, `USAGE`. */
export function findCheckpoint(view: ThreadView, wanted: string): CheckpointEntry {
  const entries = ownCheckpoints(view.index);
  const place = wanted === "latest" ? 0 : /^@(\d{1,6})$/.test(wanted) ? Number(wanted.slice(1)) : undefined;
  const exact = place === undefined ? entries.find(({ id }) => id === wanted) : entries[place];
  if (exact !== undefined) return exact;
  const fits = entries.filter(({ id }) => wanted !== "" && (id.startsWith(wanted) || id.endsWith(wanted)));
  const [only, ...others] = place === undefined ? fits : [];
  if (only !== undefined && others.length === 0) return only;
  if (only !== undefined)
    throw new DraftstateError(
      "USAGE",
      `${JSON.stringify(wanted)} matches ${fits.length} checkpoints: give more characters, also of the end`,
    );
  throw new DraftstateError(
    "NOT_FOUND",
    `thread ${JSON.stringify(view.threadId)} has no checkpoint ${JSON.stringify(wanted)}: saver.list("${view.threadId}") lists its ${entries.length}`,
  );
}

export async function listCheckpoints(view: ThreadView): Promise<ListedCheckpoint[]> {
  const ns = ownNamespace(view.index);
  const listed: ListedCheckpoint[] = [];
  for (const entry of view.index.checkpoints(ns)) listed.push(await listedOf(view, entry));
  return listed;
}

async function listedOf(view: ThreadView, entry: CheckpointEntry): Promise<ListedCheckpoint> {
  const { id, ns, parent, at } = entry;
  const before = parent === undefined ? undefined : view.index.checkpoint(ns, parent);
  const [facts, factsBefore] = [
    await factsOf(view, entry),
    before === undefined ? undefined : await factsOf(view, before),
  ];
  const [values, valuesBefore] = [
    await valuesOf(view, entry),
    before === undefined ? {} : await valuesOf(view, before),
  ];
  const [messages, messagesBefore] = [messagesFrom(values), messagesFrom(valuesBefore)];
  const changes = countChanges({ messages: messagesBefore }, { messages });
  const channels = [...new Set([...Object.keys(values), ...Object.keys(valuesBefore)])].filter(
    (channel) => !jsonEqual(ownValue(values, channel) ?? null, ownValue(valuesBefore, channel) ?? null),
  );
  return {
    id,
    parent: parent ?? null,
    createdAt: new Date(at).toISOString(),
    step: facts.step,
    source: facts.source,
    nodes: nodesThatRan(facts, factsBefore),
    messageCount: messages.length,
    channels,
    changes,
    said: changes.added > 0 ? textOf(ownValue(objectOf(messages.at(-1)), "content")) : "",
    pendingWrites: view.index.writesOf(ns, id).length,
  };
}

/** A node that ran has seen other versions of its channels. */
function nodesThatRan({ seen }: CheckpointFacts, before: CheckpointFacts | undefined): string[] {
  return Object.entries(seen)
    .filter(
      ([node, versions]) => !node.startsWith("__") && !jsonEqual(versions, ownValue(before?.seen ?? {}, node) ?? null),
    )
    .map(([node]) => node);
}
