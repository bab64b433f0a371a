/** What a list shows of a thread, told of its log. Only messages are read of the state. */
import type { SegmentLength, ThreadSummary } from "../checkpoints/summary.js";
import { messageFrom } from "../checkpoints/messages.js";
import { textOf, titleFrom } from "../model/conversation.js";
import { ownValue, type Json } from "../model/json.js";
import { ownNamespace, pendingOf, statusOf, timesOf } from "./newest.js";
import type { ThreadView } from "./thread-view.js";
import { jsonOf, objectOf } from "./values.js";

/** Undefined where nothing of the thread is there. */
export async function summaryOf(
  view: ThreadView,
  segments: readonly SegmentLength[],
  now: () => Date,
): Promise<ThreadSummary | undefined> {
  const { index, threadId } = view;
  if (index.isEmpty) return undefined;
  const entry = index.latest(ownNamespace(index));
  const { partials } = index.streams;
  const number = entry?.values.get("messages");
  const value = number === undefined ? undefined : jsonOf(await view.value(number));
  const messages = Array.isArray(value) ? (value as readonly Json[]) : undefined;
  const { checkpointCount, createdAt, updatedAt } = timesOf(index, entry, partials);
  const { interrupts, hasFailed } = await pendingOf(view, entry);
  const hasMessages = messages !== undefined || partials.length > 0;
  return {
    threadId,
    at: now().getTime(),
    segments,
    checkpoints: checkpointCount,
    createdAt,
    updatedAt,
    title: titleOf(messages ?? []),
    status: statusOf({ interrupts, hasFailed, isLive: false, partials: partials.length }),
    ...(hasMessages ? { messages: (messages?.length ?? 0) + partials.length } : {}),
    partials: partials.length,
  };
}

/** Of what a person said first. */
function titleOf(messages: readonly Json[]): string {
  for (const [at, original] of messages.entries()) {
    const message = objectOf(messageFrom(original, at));
    if (ownValue(message, "role") === "user") return titleFrom(textOf(ownValue(message, "content")));
  }
  return "";
}
