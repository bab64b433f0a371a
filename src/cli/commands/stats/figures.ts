/** Figures as `stats` prints them. */
import type { Summary } from "../../../monitoring/summary.js";
import { growthOf } from "../../../operations/stats/conversation-stats.js";
import type { SizeAt } from "../../../operations/stats/growth.js";
import { formatBytes, formatCount } from "../../terminal/text/format.js";

export const NONE = "–";

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return NONE;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 10_000 ? `${formatCount(Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function decimal(value: number | null, unit = ""): string {
  return value === null ? NONE : `${value < 10 ? value.toFixed(1) : formatCount(Math.round(value))}${unit}`;
}

export function grown(sizes: readonly SizeAt[]): string {
  const bytes = growthOf(sizes);
  return bytes === undefined ? NONE : `${bytes < 0 ? "" : "+"}${formatBytes(bytes)}`;
}

export function written({ writtenBytes: { journal, snapshot, backup } }: Pick<Summary, "writtenBytes">): string {
  return `${formatBytes(journal + snapshot + backup)} (journal ${formatBytes(journal)}, snapshots ${formatBytes(snapshot)}, backups ${formatBytes(backup)})`;
}

export function amplification({
  writeAmplification,
  textBytes,
}: Pick<Summary, "writeAmplification" | "textBytes">): string {
  return writeAmplification === null ? NONE : `${decimal(writeAmplification)} × the ${formatBytes(textBytes)} of text`;
}
