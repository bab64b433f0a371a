/** Two states, message by message: matched by id, so that a moved or edited message is known as itself. Pure. */
import { isJsonObject, jsonEqual, ownValue, type Json, type JsonObject } from "./json.js";
import { messagesOf } from "./conversation.js";

export type MessageChange =
  | { readonly kind: "same"; readonly message: Json }
  | { readonly kind: "added"; readonly message: Json }
  | { readonly kind: "removed"; readonly message: Json }
  | { readonly kind: "moved"; readonly message: Json }
  | { readonly kind: "edited"; readonly before: Json; readonly message: Json };

export interface ChangeCounts {
  readonly added: number;
  readonly removed: number;
  readonly edited: number;
  readonly moved: number;
  /** Fields beside the messages that differ. */
  readonly fields: number;
}

/** Messages without an id are known by their place. */
function keysOf(messages: readonly Json[]): string[] {
  const seen = new Map<string, number>();
  return messages.map((message, index) => {
    const id = isJsonObject(message) ? ownValue(message, "id") : undefined;
    const key = typeof id === "string" ? `id:${id}` : `at:${index}`;
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return count === 1 ? key : `${key}#${count}`;
  });
}

/** Indices, rising, of a longest rising run within the list: what stayed in order; the rest moved. (Patience sorting.) */
function longestRising(values: readonly number[]): Set<number> {
  const tails: number[] = [];
  const before: number[] = [];
  for (const [index, value] of values.entries()) {
    let [low, high] = [0, tails.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((values[tails[middle] ?? 0] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    before[index] = low === 0 ? -1 : (tails[low - 1] ?? -1);
    tails[low] = index;
  }
  const kept = new Set<number>();
  for (let at = tails.at(-1) ?? -1; at >= 0; at = before[at] ?? -1) kept.add(at);
  return kept;
}

/** In the order of `to`, removed ones where they stood. */
export function compareMessages(from: JsonObject, to: JsonObject): MessageChange[] {
  const [before, after] = [messagesOf(from), messagesOf(to)];
  const [beforeKeys, afterKeys] = [keysOf(before), keysOf(after)];
  const places = new Map(beforeKeys.map((key, index) => [key, index]));
  const shared = afterKeys.flatMap((key) => places.get(key) ?? []);
  const rising = longestRising(shared);
  const stayed = new Set([...rising].map((index) => shared[index]));
  const present = new Set(afterKeys);
  const changes: MessageChange[] = [];
  let next = 0;
  const removeUpTo = (limit: number): void => {
    for (; next < limit; next += 1) {
      const message = before[next];
      if (message !== undefined && !present.has(beforeKeys[next] ?? "")) changes.push({ kind: "removed", message });
    }
  };
  for (const [index, message] of after.entries()) {
    const place = places.get(afterKeys[index] ?? "");
    const old = place === undefined ? undefined : before[place];
    if (place !== undefined && stayed.has(place)) removeUpTo(place + 1);
    if (old === undefined) changes.push({ kind: "added", message });
    else if (!jsonEqual(old, message)) changes.push({ kind: "edited", before: old, message });
    else changes.push({ kind: place !== undefined && stayed.has(place) ? "same" : "moved", message });
  }
  removeUpTo(before.length);
  return changes;
}

/** Names of the fields beside the messages that differ, sorted. */
export function changedFields(from: JsonObject, to: JsonObject): string[] {
  const names = new Set([...Object.keys(from), ...Object.keys(to)]);
  names.delete("messages");
  return [...names].filter((name) => !jsonEqual(ownValue(from, name), ownValue(to, name))).sort();
}

export function countChanges(from: JsonObject, to: JsonObject): ChangeCounts {
  const counts = { added: 0, removed: 0, edited: 0, moved: 0, same: 0 };
  for (const change of compareMessages(from, to)) counts[change.kind] += 1;
  const { same: _same, ...changed } = counts;
  return { ...changed, fields: changedFields(from, to).length };
}
