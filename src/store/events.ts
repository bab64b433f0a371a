/** What the manager tells whoever listens, by name and shape. A listener that throws harms no save. */
import { EventEmitter } from "node:events";
import type { DraftstateError } from "../errors.js";
import type { BackupReason } from "../model/conversation.js";
import type { Alert } from "../monitoring/alerts.js";
import type { AnswerMeasured } from "../monitoring/answer-meter.js";
import type { Problem } from "../plan/recovery.js";

export interface ManagerEvents {
  /**
   * Durable: a journal batch or a snapshot. `durationMs` from the first byte to the last sync. `revision` is the last that this
   * write holds: a snapshot, which is written beside the journal, may be told of after a journal batch of a higher one.
   */
  stateSaved: { conversationId: string; kind: "journal" | "snapshot"; revision: number; records: number; bytes: number; durationMs: number };
  backupCreated: { conversationId: string; timestamp: string; path: string; revision: number; reason: BackupReason; bytes: number };
  backupRemoved: { conversationId: string; timestamp: string; path: string };
  /** A writer found and mended what a crash or damage left. */
  recovered: { conversationId: string; revision: number; source: string; problems: readonly Problem[]; quarantined: readonly string[] };
  retry: { operation: string; attempt: number; delayMs: number; error: unknown };
  fallback: { conversationId: string; active: boolean; directory: string; error?: unknown };
  /** A rule of the setting `alerts` began or ceased to hold. */
  alert: Alert;
  /** A model's answer ended. Milliseconds; `firstTokenMs` is null where no token came. */
  answerEnded: AnswerMeasured & { conversationId: string; model: string | null };
  /** A save that failed for good. The state is kept in memory; the next save tries to write all of it. */
  saveError: { conversationId: string; error: DraftstateError };
  /** Metrics could not be kept or an alert could not be delivered. No save is harmed. */
  monitoringError: { source: "metrics" | "webhook"; message: string };
  /** Housekeeping that failed (compaction, backup, clean-up): nothing is lost, but someone should look. */
  warning: { conversationId: string; message: string; error?: unknown };
}

/** Told as a long work goes on: so many of so many conversations are done. */
export type OnProgress = (done: number, total: number) => void;

export type ManagerListener<Name extends keyof ManagerEvents> = (event: ManagerEvents[Name]) => void;

export class ManagerEmitter {
  readonly #emitter = new EventEmitter();

  on<Name extends keyof ManagerEvents>(name: Name, listener: ManagerListener<Name>): this {
    this.#emitter.on(name, listener);
    return this;
  }

  off<Name extends keyof ManagerEvents>(name: Name, listener: ManagerListener<Name>): this {
    this.#emitter.off(name, listener);
    return this;
  }

  emit<Name extends keyof ManagerEvents>(name: Name, event: ManagerEvents[Name]): void {
    for (const listener of this.#emitter.listeners(name) as ManagerListener<Name>[]) {
      try {
        listener(event);
      } catch {
        // A listener's own failure must not become ours.
      }
    }
  }
}
