/**
 * A thread at one of its checkpoints, as a conversation is read: its state with messages as a conversation has them, and what
 * is said of it. Answers that no node has written are messages of their own at the end. Reads only.
 */
import { DraftstateError } from "../../errors.js";
import { messageOfPartial, messagesFrom } from "../../checkpoints/messages.js";
import type { CheckpointEntry } from "../../checkpoints/thread-index.js";
import type { Partial } from "../../checkpoints/streams.js";
import { metadataOf, type Metadata } from "../../model/conversation.js";
import { ownValue, type Json, type JsonObject } from "../../model/json.js";
import { threadLock } from "../../store/names.js";
import type { Thread } from "../../threads/thread.js";
import type { Threads } from "../../threads/threads.js";
import type { ThreadView } from "../../threads/thread-view.js";
import { factsOf, valuesOf, type CheckpointFacts } from "../../threads/values.js";
import { ownNamespace, pendingOf, statusOf, timesOf } from "../../threads/newest.js";
import { findCheckpoint } from "./list-checkpoints.js";

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
  const status = statusOf({ isLive, partials: partials.length, interrupts, hasFailed });
  const messages = [
    ...messagesFrom(values),
    ...partials.map((partial) => messageOfPartial(partial, isLive ? "streaming" : "interrupted")),
  ];
  const hasMessages = Array.isArray(ownValue(values, "messages")) || partials.length > 0;
  const state = { ...values, ...(hasMessages ? { messages } : {}) };
  const times = timesOf(index, entry, partials);
  const createdAt = new Date(times.createdAt).toISOString();
  const savedAt = new Date(times.updatedAt).toISOString();
  const { checkpointCount } = times;
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
