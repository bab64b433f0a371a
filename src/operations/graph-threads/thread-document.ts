/**
 * A thread at one of its checkpoints, as a conversation is read: its state with messages as a conversation has them, and what
 * is said of it. Answers that no node has written are messages of their own at the end. Reads only.
 */
import { DraftstateError } from "../../errors.js";
import type { CheckpointEntry } from "../../checkpoints/thread-index.js";
import type { Partial } from "../../checkpoints/streams.js";
import { metadataOf, type Metadata, type Status } from "../../model/conversation.js";
import { ownValue, type Json, type JsonObject } from "../../model/json.js";
import { threadLock } from "../../store/names.js";
import type { Thread } from "../../threads/thread.js";
import type { Threads } from "../../threads/threads.js";
import type { ThreadView } from "../../threads/thread-view.js";
import { findCheckpoint, ownNamespace } from "./list-checkpoints.js";
import { messageOfPartial, messagesFrom } from "./messages.js";
import { factsOf, jsonOf, objectOf, valuesOf, type CheckpointFacts } from "./values.js";

export interface ThreadDocument {
  readonly threadId: string;
  /** Undefined where only tokens have been written yet. */
  readonly checkpoint:
    (Pick<CheckpointEntry, "id" | "ns" | "parent" | "at"> & Omit<CheckpointFacts, "seen">) | undefined;
  readonly checkpointCount: number;
  /** As the graph has them. */
  readonly values: JsonObject;
  /** The same with messages as a conversation has them. */
  readonly state: JsonObject;
  readonly hasMessages: boolean;
  readonly metadata: Metadata;
  /** Of the newest checkpoint: answers that no node has written. */
  readonly partials: readonly Partial[];
  /** What a node asked a person, and is waiting for. */
  readonly interrupts: readonly Json[];
}

/** Throws `NOT_FOUND` where there is no such thread or checkpoint, `CORRUPT`, `NEWER_VERSION`. */
export async function readThreadDocument(threads: Threads, threadId: string, wanted?: string): Promise<ThreadDocument> {
  const thread = threads.get(threadId);
  const isLive = (await threads.store.storage.lockHolder(threadLock(thread.name))) !== undefined;
  return thread.read((view) => documentOf(view, wanted, isLive));
}

export function mustExist(thread: Pick<Thread, "threadId">): DraftstateError {
  return new DraftstateError(
    "NOT_FOUND",
    `there is no thread ${JSON.stringify(thread.threadId)}: threads.search() lists them`,
  );
}

async function documentOf(view: ThreadView, wanted: string | undefined, isLive: boolean): Promise<ThreadDocument> {
  const { index, threadId } = view;
  if (index.isEmpty) throw mustExist(view);
  const ns = ownNamespace(index);
  const newest = index.latest(ns);
  const entry = wanted === undefined ? newest : findCheckpoint(view, wanted);
  const partials = entry === newest ? index.streams.partials : [];
  const values = entry === undefined ? {} : await valuesOf(view, entry);
  const facts = entry === undefined ? undefined : await factsOf(view, entry);
  const { interrupts, hasFailed } = await pendingOf(view, entry);
  const status = statusOf({ isLive, partials, interrupts, hasFailed });
  const messages = [
    ...messagesFrom(values),
    ...partials.map((partial) => messageOfPartial(partial, isLive ? "streaming" : "interrupted")),
  ];
  const hasMessages = Array.isArray(ownValue(values, "messages")) || partials.length > 0;
  const state = { ...values, ...(hasMessages ? { messages } : {}) };
  const { checkpointCount, createdAt, savedAt } = timesOf(view, ns, entry, partials);
  return {
    threadId,
    checkpoint:
      entry === undefined || facts === undefined
        ? undefined
        : {
            id: entry.id,
            ns,
            ...(entry.parent === undefined ? {} : { parent: entry.parent }),
            at: entry.at,
            step: facts.step,
            source: facts.source,
          },
    checkpointCount,
    values,
    state,
    hasMessages,
    metadata: { ...metadataOf({ state, info: { createdAt }, revision: checkpointCount }, threadId, savedAt), status },
    partials,
    interrupts,
  };
}

function timesOf(
  { index }: ThreadView,
  ns: string,
  entry: CheckpointEntry | undefined,
  partials: readonly Partial[],
): { readonly checkpointCount: number; readonly createdAt: string; readonly savedAt: string } {
  const entries = index.checkpoints(ns);
  const iso = (time: number): string => new Date(time).toISOString();
  const starts = [entries.at(-1)?.at ?? Infinity, ...index.streams.partials.map(({ startedAt }) => startedAt)];
  const ends = [entry?.at ?? 0, ...partials.map(({ updatedAt }) => updatedAt)];
  return { checkpointCount: entries.length, createdAt: iso(Math.min(...starts)), savedAt: iso(Math.max(...ends)) };
}

interface Pending {
  readonly interrupts: readonly Json[];
  readonly hasFailed: boolean;
}

/** What the checkpoint's tasks have left: a question to a person, or an error. */
async function pendingOf(view: ThreadView, entry: CheckpointEntry | undefined): Promise<Pending> {
  const writes = entry === undefined ? [] : view.index.writesOf(entry.ns, entry.id);
  const interrupts: Json[] = [];
  for (const write of writes.filter(({ channel }) => channel === "__interrupt__")) {
    const asked = jsonOf(await view.write(write));
    for (const each of Array.isArray(asked) ? (asked as readonly Json[]) : [asked])
      interrupts.push(ownValue(objectOf(each), "value") ?? each);
  }
  return { interrupts, hasFailed: writes.some(({ channel }) => channel === "__error__") };
}

function statusOf({
  isLive,
  partials,
  interrupts,
  hasFailed,
}: Pending & { readonly isLive: boolean; readonly partials: readonly Partial[] }): Status {
  if (partials.length > 0) return isLive ? "streaming" : "interrupted";
  if (hasFailed) return "error";
  return interrupts.length > 0 ? "interrupted" : "complete";
}
