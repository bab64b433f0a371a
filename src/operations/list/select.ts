/** Which rows of a list are wanted, and in which order. Pure. */
import type { CatalogueRow } from "./list.js";

export interface Selection {
  readonly sort: string;
  readonly reverse?: boolean;
  readonly limit?: number;
  readonly status?: string;
  /** In title or id, whatever its case. */
  readonly grep?: string;
  /** ISO 8601: changed since. */
  readonly since?: string | undefined;
  readonly model?: string;
}

type Compare = (left: CatalogueRow, right: CatalogueRow) => number;

function byText(field: (row: CatalogueRow) => string): Compare {
  return (left, right) => (field(left) < field(right) ? -1 : field(left) > field(right) ? 1 : 0);
}

/** Each in the order a person expects: newest, most and largest first, names from A. */
const ORDERS: Readonly<Record<string, Compare>> = {
  updated: (left, right) => byText((row) => row.updatedAt ?? "")(right, left),
  created: (left, right) => byText((row) => row.createdAt ?? "")(right, left),
  id: byText((row) => row.conversationId),
  title: byText((row) => row.title.toLowerCase()),
  messages: (left, right) => right.messageCount - left.messageCount,
  tokens: (left, right) => right.tokenCount - left.tokenCount,
  size: (left, right) => right.sizeBytes - left.sizeBytes,
};

export const SORT_FIELDS: readonly string[] = Object.keys(ORDERS);

function isWanted({ status, grep, since, model }: Selection): (row: CatalogueRow) => boolean {
  const text = grep?.toLowerCase();
  return (row) =>
    (status === undefined || row.status === status) &&
    (text === undefined || row.title.toLowerCase().includes(text) || row.conversationId.toLowerCase().includes(text)) &&
    (since === undefined || (row.updatedAt ?? "") >= since) &&
    (model === undefined || row.model === model || row.model === `openai:${model}`);
}

export function selectRows(rows: readonly CatalogueRow[], selection: Selection): CatalogueRow[] {
  const { sort, reverse, limit } = selection;
  const chosen = rows.filter(isWanted(selection)).sort(ORDERS[sort]);
  if (reverse === true) chosen.reverse();
  return limit === undefined ? chosen : chosen.slice(0, limit);
}
