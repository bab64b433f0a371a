/** What counted figures come to: rates, averages, amplification. Absent where there is nothing to divide by. Pure. */
import type { Figures, MetricData } from "./figures.js";
import { histogramOf, observationsOf, totalOf, valueOf } from "./figures.js";
import { definitionOf, type MetricName } from "./metric-table.js";
import { quantilesOf, type Quantiles } from "./quantile.js";

export interface WrittenBytes {
  readonly journal: number;
  readonly snapshot: number;
  readonly backup: number;
}

export interface Summary {
  readonly answers: number;
  readonly tokens: number;
  /** Milliseconds on average; null where no token was seen. */
  readonly timeToFirstTokenMs: number | null;
  /** From the first token on. */
  readonly tokensPerSecond: number | null;
  readonly saves: number;
  readonly writtenBytes: WrittenBytes;
  readonly textBytes: number;
  /** Bytes written for each byte of the models' text; null where no text was seen. */
  readonly writeAmplification: number | null;
  readonly backups: number;
  readonly recoveries: number;
  readonly saveErrors: number;
}

function ratio(dividend: number, divisor: number): number | null {
  return divisor > 0 ? dividend / divisor : null;
}

export function summaryOf(figures: Figures): Summary {
  const {
    tokens = 0,
    textBytes = 0,
    answers = 0,
    firstTokens = 0,
    firstTokenMs = 0,
    answerMs = 0,
    saves = 0,
  } = figures;
  const {
    journalBytes: journal = 0,
    snapshotBytes: snapshot = 0,
    backupBytes: backup = 0,
    backups = 0,
    recoveries = 0,
    errors = 0,
  } = figures;
  return {
    answers,
    tokens,
    timeToFirstTokenMs: ratio(firstTokenMs, firstTokens),
    tokensPerSecond: ratio(tokens * 1000, answerMs - firstTokenMs),
    saves,
    writtenBytes: { journal, snapshot, backup },
    textBytes,
    writeAmplification: ratio(journal + snapshot + backup, textBytes),
    backups,
    recoveries,
    saveErrors: errors,
  };
}

export interface Latency extends Quantiles {
  readonly count: number;
}

export interface StoreSummary extends Summary {
  readonly backupsRemoved: number;
  readonly damageFound: number;
  readonly retries: number;
  readonly warnings: number;
  readonly alerts: number;
  /** Milliseconds; null before the first. */
  readonly saveDurationMs: {
    readonly all: Latency | null;
    readonly journal: Latency | null;
    readonly snapshot: Latency | null;
  };
  readonly firstTokenMs: Latency | null;
  readonly answerMs: Latency | null;
}

function latencyOf(data: MetricData, name: MetricName, label?: string): Latency | null {
  const histogram = histogramOf(data, name, label);
  const seconds = quantilesOf(histogram, definitionOf(name).bounds ?? []);
  if (histogram === undefined || seconds === undefined) return null;
  return {
    count: observationsOf(histogram),
    p50: seconds.p50 * 1000,
    p95: seconds.p95 * 1000,
    p99: seconds.p99 * 1000,
  };
}

/** Of the whole store, also of what is no more. */
export function storeSummaryOf(data: MetricData): StoreSummary {
  const firsts = histogramOf(data, "draftstate_time_to_first_token_seconds");
  const answers = histogramOf(data, "draftstate_answer_duration_seconds");
  const bytes = (kind: string): number => valueOf(data, "draftstate_saved_bytes_total", kind);
  const figures: Figures = {
    tokens: totalOf(data, "draftstate_tokens_total"),
    textBytes: totalOf(data, "draftstate_text_bytes_total"),
    answers: totalOf(data, "draftstate_answers_total"),
    firstTokens: firsts === undefined ? 0 : observationsOf(firsts),
    firstTokenMs: (firsts?.sum ?? 0) * 1000,
    answerMs: (answers?.sum ?? 0) * 1000,
    saves: totalOf(data, "draftstate_saves_total"),
    journalBytes: bytes("journal"),
    snapshotBytes: bytes("snapshot"),
    backupBytes: bytes("backup"),
    backups: totalOf(data, "draftstate_backups_total"),
    recoveries: totalOf(data, "draftstate_recoveries_total"),
    errors: totalOf(data, "draftstate_save_errors_total"),
  };
  const saves = "draftstate_save_duration_seconds";
  return {
    ...summaryOf(figures),
    backupsRemoved: totalOf(data, "draftstate_backups_removed_total"),
    damageFound: totalOf(data, "draftstate_corruption_total"),
    retries: totalOf(data, "draftstate_retries_total"),
    warnings: totalOf(data, "draftstate_warnings_total"),
    alerts: totalOf(data, "draftstate_alerts_total"),
    saveDurationMs: {
      all: latencyOf(data, saves),
      journal: latencyOf(data, saves, "journal"),
      snapshot: latencyOf(data, saves, "snapshot"),
    },
    firstTokenMs: latencyOf(data, "draftstate_time_to_first_token_seconds"),
    answerMs: latencyOf(data, "draftstate_answer_duration_seconds"),
  };
}
