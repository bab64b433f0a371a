/** Threads as a test writes them: checkpoints with few channels, and what is there afterwards. */
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { Storage } from "../../src/storage/storage.js";
import { segmentKey, threadName } from "../../src/store/names.js";
import type { PutRequest } from "../../src/threads/put.js";
import type { Thread } from "../../src/threads/thread.js";

export const json = (value: unknown) => ({ type: "json", bytes: Buffer.from(JSON.stringify(value)) });

/** As LangGraph serialises it. */
export function message(kind: "AI" | "Human", content: string, id = content): object {
  return { lc: 1, type: "constructor", id: ["langchain_core", "messages", `${kind}Message`], kwargs: { id, content } };
}

export interface CheckpointToPut {
  readonly values?: Readonly<Record<string, unknown>>;
  readonly step?: number;
  readonly parent?: string | undefined;
  readonly ns?: string;
  readonly source?: string;
}

export function putRequest(
  id: string,
  { values = {}, step = 1, parent, ns = "", source = "loop" }: CheckpointToPut = {},
): PutRequest {
  const versions = new Map(Object.keys(values).map((channel) => [channel, step]));
  return {
    ns,
    id,
    parent,
    run: undefined,
    versions,
    newVersions: versions,
    written: new Map(Object.entries(values).map(([channel, value]) => [channel, json(value)])),
    state: json({ v: 4, ts: "2026-01-14T21:30:00.000Z", versions_seen: {} }),
    metadata: json({ source, step, parents: {} }),
    drops: [],
  };
}

/** A line of checkpoints c1, c2 … of which each adds a message. */
export async function putLine(thread: Thread, messages: readonly object[], from = 1): Promise<void> {
  for (let step = from; step < from + messages.length; step += 1)
    await thread.put(
      putRequest(`c${step}`, {
        step,
        values: { messages: messages.slice(0, step - from + 1) },
        parent: step === 1 ? undefined : `c${step - 1}`,
      }),
    );
}

export function checkpointsOf(thread: Thread): Promise<string[]> {
  return thread.read((view) => Promise.resolve(view.index.checkpoints().map(({ id }) => id)));
}

/** The last file of the thread, with what `change` makes of its text. Nothing of it may be open. */
export async function damage(
  storage: Storage,
  threadId: string,
  change: (text: string) => string,
  segment = 1,
): Promise<void> {
  const key = segmentKey(threadName(threadId), segment);
  const bytes = (await storage.read(key)) ?? new Uint8Array();
  const text = change(Buffer.from(bytes).toString("utf8"));
  await storage.replace(key, Buffer.from(text));
}

/** Gives every lock back, so that another manager may write. */
export function released({ threads }: DraftStatePersistenceManager): Promise<void> {
  return threads.release();
}
