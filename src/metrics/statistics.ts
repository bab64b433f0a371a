/** Counts what the manager's events tell, for `getSaveStatistics()`. */
import { definitionOf } from "../monitoring/metric-table.js";
import { quantilesOf, type Quantiles } from "../monitoring/quantile.js";
import type { MetricRegistry } from "../monitoring/registry.js";
import type { EventSource } from "../store/events.js";
import type { Settings } from "../store/settings.js";

export interface SaveStatistics {
  /** Changes that wait to be written. */
  readonly queuedSaves: number;
  readonly isSaving: boolean;
  readonly autoSaveEnabled: boolean;
  /** Milliseconds. */
  readonly autoSaveInterval: number;
  readonly openConversations: number;
  /** LangGraph threads that this process writes now. */
  readonly openThreads: number;
  readonly journalBatches: number;
  readonly journalRecords: number;
  readonly snapshots: number;
  /** Of LangGraph threads. */
  readonly threadBatches: number;
  readonly threadRecords: number;
  readonly bytesWritten: number;
  readonly backupsCreated: number;
  readonly backupsRemoved: number;
  readonly saveErrors: number;
  readonly retries: number;
  readonly recoveries: number;
  /** Of the last save, milliseconds; null before the first. */
  readonly lastSaveDurationMs: number | null;
  readonly averageSaveDurationMs: number | null;
  /** Milliseconds, estimated from the histogram; null before the first save. */
  readonly saveDurationMs: Quantiles | null;
  /** Streamed by models through this manager. */
  readonly tokens: number;
  readonly answers: number;
}

/** Of an open conversation. */
export interface Saving {
  readonly queuedChanges: number;
  readonly isSaving: boolean;
}

/** Of the LangGraph threads of this process. */
export interface SavingThreads {
  readonly queuedWrites: number;
  readonly openCount: number;
}

/** Of the conversations and threads that are open here, and of all that was counted. */
export function saveStatistics(
  { live, threads }: { readonly live: readonly Saving[]; readonly threads: SavingThreads },
  { autoSave, autoSaveInterval }: Pick<Settings, "autoSave" | "autoSaveInterval">,
  counts: SaveCounts,
): SaveStatistics {
  return {
    queuedSaves: live.reduce((sum, session) => sum + session.queuedChanges, threads.queuedWrites),
    isSaving: live.some((session) => session.isSaving) || threads.queuedWrites > 0,
    autoSaveEnabled: autoSave,
    autoSaveInterval,
    openConversations: live.length,
    openThreads: threads.openCount,
    ...counts,
  };
}

export type SaveCounts = Omit<
  SaveStatistics,
  "queuedSaves" | "isSaving" | "autoSaveEnabled" | "autoSaveInterval" | "openConversations" | "openThreads"
>;

export class SaveCounter {
  #journalBatches = 0;
  #journalRecords = 0;
  #snapshots = 0;
  #threadBatches = 0;
  #threadRecords = 0;
  #bytesWritten = 0;
  #backupsCreated = 0;
  #backupsRemoved = 0;
  #saveErrors = 0;
  #retries = 0;
  #recoveries = 0;
  #lastDuration: number | null = null;
  #totalDuration = 0;

  constructor(
    events: EventSource,
    private readonly registry: MetricRegistry,
  ) {
    events.on("stateSaved", (event) => {
      if (event.kind === "journal") this.#journalBatches += 1;
      else this.#snapshots += 1;
      this.#journalRecords += event.records;
      this.#bytesWritten += event.bytes;
      this.#lastDuration = event.durationMs;
      this.#totalDuration += event.durationMs;
    });
    events.on("threadSaved", ({ records, bytes, durationMs }) => {
      this.#threadBatches += 1;
      this.#threadRecords += records;
      this.#bytesWritten += bytes;
      this.#lastDuration = durationMs;
      this.#totalDuration += durationMs;
    });
    events.on("backupCreated", (event) => {
      this.#backupsCreated += 1;
      this.#bytesWritten += event.bytes;
    });
    events.on("backupRemoved", () => (this.#backupsRemoved += 1));
    events.on("saveError", () => (this.#saveErrors += 1));
    events.on("retry", () => (this.#retries += 1));
    events.on("recovered", () => (this.#recoveries += 1));
  }

  get counts(): SaveCounts {
    const saves = this.#journalBatches + this.#snapshots + this.#threadBatches;
    return {
      journalBatches: this.#journalBatches,
      journalRecords: this.#journalRecords,
      snapshots: this.#snapshots,
      threadBatches: this.#threadBatches,
      threadRecords: this.#threadRecords,
      bytesWritten: this.#bytesWritten,
      backupsCreated: this.#backupsCreated,
      backupsRemoved: this.#backupsRemoved,
      saveErrors: this.#saveErrors,
      retries: this.#retries,
      recoveries: this.#recoveries,
      lastSaveDurationMs: this.#lastDuration,
      averageSaveDurationMs: saves === 0 ? null : this.#totalDuration / saves,
      saveDurationMs: this.#quantiles(),
      tokens: this.registry.total("draftstate_tokens_total"),
      answers: this.registry.total("draftstate_answers_total"),
    };
  }

  #quantiles(): Quantiles | null {
    const name = "draftstate_save_duration_seconds";
    const seconds = quantilesOf(this.registry.observed(name), definitionOf(name).bounds ?? []);
    return seconds === undefined ? null : { p50: seconds.p50 * 1000, p95: seconds.p95 * 1000, p99: seconds.p99 * 1000 };
  }
}
