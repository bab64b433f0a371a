/**
 * What a thread's log holds, as plain JSON: the values of a checkpoint's channels, its state and its metadata. Serialised
 * objects stay data; what is not JSON is told by its type and size.
 */
import { JSON_TYPE, type Payload } from "../checkpoints/payload.js";
import type { CheckpointEntry } from "../checkpoints/thread-index.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../model/json.js";
import type { ThreadView } from "./thread-view.js";

export function jsonOf({ type, bytes }: Payload): Json {
  if (type !== JSON_TYPE) return { type, bytes: bytes.length };
  return JSON.parse(Buffer.from(bytes).toString("utf8")) as Json;
}

/** Channels that LangGraph keeps for its own bookkeeping. */
function isInternal(channel: string): boolean {
  return channel.startsWith("branch:") || channel.startsWith("__");
}

/** What the graph's state is at the checkpoint. */
export async function valuesOf(view: ThreadView, { values }: CheckpointEntry): Promise<JsonObject> {
  const channels = [...values].filter(([channel]) => !isInternal(channel));
  const entries = await Promise.all(
    channels.map(async ([channel, number]) => [channel, jsonOf(await view.value(number))] as const),
  );
  return Object.fromEntries(entries);
}

export interface CheckpointFacts {
  readonly step: number | null;
  readonly source: string | null;
  /** By node, the versions of channels that it has seen. */
  readonly seen: JsonObject;
}

export async function factsOf(view: ThreadView, entry: CheckpointEntry): Promise<CheckpointFacts> {
  const { state, metadata } = await view.checkpoint(entry);
  const [fields, told] = [objectOf(jsonOf(state)), objectOf(jsonOf(metadata))];
  const [step, source] = [ownValue(told, "step"), ownValue(told, "source")];
  return {
    step: typeof step === "number" ? step : null,
    source: typeof source === "string" ? source : null,
    seen: objectOf(ownValue(fields, "versions_seen")),
  };
}

export function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
