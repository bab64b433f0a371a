/** What was counted of each conversation, beside what its files say. */
import { summaryOf, type Summary } from "../../monitoring/summary.js";
import type { Storage } from "../../storage/storage.js";
import type { CatalogueRow } from "../list/list.js";
import { readGrowth, type SizeAt } from "./growth.js";
import type { StoreMetrics } from "./store-metrics.js";

export interface ConversationStats extends Omit<Summary, "tokens"> {
  readonly conversationId: string;
  readonly title: string;
  /** Of the state: also tokens that were not counted. */
  readonly tokenCount: number;
  readonly sizeBytes: number;
  readonly backupCount: number;
  readonly growth: readonly SizeAt[];
}

export async function conversationStats(
  storage: Storage,
  rows: readonly CatalogueRow[],
  { data }: StoreMetrics,
  now: Date,
): Promise<ConversationStats[]> {
  const ids = rows.map(({ conversationId }) => conversationId);
  const growth = await readGrowth(storage, ids, now);
  return rows.map(({ conversationId, title, tokenCount, sizeBytes, backupCount }) => {
    const figures = Object.hasOwn(data.conversations, conversationId) ? data.conversations[conversationId] : undefined;
    const { tokens: _counted, ...summary } = summaryOf(figures ?? {});
    const sizes = growth.get(conversationId) ?? [];
    return { conversationId, title, tokenCount, sizeBytes, backupCount, ...summary, growth: sizes };
  });
}

/** The note of why a backup was made is part of its size, and not of the present's: less than that is no shrinking. */
const NOTE_BYTES = 256;

/** Bytes from the oldest size to the newest; undefined if there is only one. */
export function growthOf(sizes: readonly SizeAt[]): number | undefined {
  const [first, last] = [sizes[0], sizes.at(-1)];
  if (first === undefined || last === undefined || sizes.length < 2) return undefined;
  const difference = last.sizeBytes - first.sizeBytes;
  return difference < 0 && difference > -NOTE_BYTES ? 0 : difference;
}
