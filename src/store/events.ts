/**
 * The manager's events, by name and shape. A listener that throws, or returns a promise that rejects, disturbs neither
 * the caller nor the other listeners: it is reported once, as a `monitoringError`.
 */
import { DraftstateError, messageOf } from "../errors.js";
import type { BackupReason } from "../model/conversation.js";
import type { Alert } from "../monitoring/alerts.js";
import type { AnswerMeasured } from "../monitoring/answer-meter.js";
import type { Problem } from "../plan/recovery.js";

/** What failed: keeping metrics, the webhook, OpenTelemetry, the application's logger or one of its listeners. */
export type MonitoringSource = "metrics" | "webhook" | "telemetry" | "logger" | "listener";

export interface ManagerEvents {
  /**
   * Durable: a journal batch or a snapshot. `durationMs` from the first byte to the last sync. `revision` is the last that this
   * write holds: a snapshot, which is written beside the journal, may be reported after a journal batch of a higher one.
   */
  stateSaved: {
    conversationId: string;
    kind: "journal" | "snapshot";
    revision: number;
    records: number;
    bytes: number;
    durationMs: number;
  };
  /** Durable: records of a LangGraph thread. */
  threadSaved: { threadId: string; records: number; bytes: number; durationMs: number };
  backupCreated: {
    conversationId: string;
    timestamp: string;
    path: string;
    revision: number;
    reason: BackupReason;
    bytes: number;
  };
  backupRemoved: { conversationId: string; timestamp: string; path: string };
  /** A writer found and repaired what a crash or damage left. */
  recovered: {
    conversationId: string;
    revision: number;
    source: string;
    problems: readonly Problem[];
    quarantined: readonly string[];
  };
  retry: { operation: string; attempt: number; delayMs: number; error: unknown };
  fallback: { conversationId: string; active: boolean; directory: string; error?: unknown };
  /** A rule of the setting `alerts` began or ceased to hold. */
  alert: Alert;
  /** A model's answer ended. Milliseconds; `firstTokenMs` is null where no token came. */
  answerEnded: AnswerMeasured & { conversationId: string; model: string | null };
  /** A save that failed after every retry. The state is kept in memory; the next save tries to write all of it. */
  saveError: {
    conversationId: string;
    /** Where it is not a conversation's: then the id is a LangGraph thread's, and the save rejects. */
    kind?: "thread";
    error: DraftstateError;
  };
  /** Something optional failed: no save is harmed. Told once for each listener, and for the other sources once until they work again. */
  monitoringError: { source: MonitoringSource; message: string };
  /** Housekeeping that failed (compaction, backup, clean-up): nothing is lost, but someone should look. */
  warning: { conversationId: string; message: string; error?: unknown };
}

/** Progress of a long operation: `done` of `total` conversations. */
export type OnProgress = (done: number, total: number) => void;

/** May be async: what it returns is not waited for, and a rejection is reported like a throw. */
export type ManagerListener<Name extends keyof ManagerEvents> = (event: ManagerEvents[Name]) => unknown;

/** All that a part of the library needs to hear of events. */
export interface EventSource {
  on<Name extends keyof ManagerEvents>(name: Name, listener: ManagerListener<Name>): unknown;
}

interface Origin {
  readonly source: MonitoringSource;
}

interface Entry {
  readonly listener: (event: never) => unknown;
  /** The part of the library that listens; undefined for a listener of the application. */
  readonly origin: Origin | undefined;
}

/** Longest text of a failed listener's error that is passed on. */
const MAX_REASON = 300;

export class ManagerEmitter implements EventSource {
  /** Lists are replaced, never changed: an event goes to those that listened when it began, and costs no copy. */
  readonly #entries = new Map<keyof ManagerEvents, readonly Entry[]>();
  readonly #reported = new WeakSet<object>();
  #reporting = false;

  on<Name extends keyof ManagerEvents>(name: Name, listener: ManagerListener<Name>): this {
    this.#add(name, { listener, origin: undefined });
    return this;
  }

  off<Name extends keyof ManagerEvents>(name: Name, listener: ManagerListener<Name>): this {
    const entries = this.#entries.get(name) ?? [];
    const at = entries.findLastIndex((entry) => entry.listener === listener);
    if (at !== -1) this.#entries.set(name, entries.toSpliced(at, 1));
    return this;
  }

  /** For a part of the library: a failure of any of its listeners is reported under its own name, once for all of them. */
  as(source: MonitoringSource): EventSource {
    const origin: Origin = { source };
    return {
      on: (name, listener) => {
        this.#add(name, { listener, origin });
      },
    };
  }

  emit<Name extends keyof ManagerEvents>(name: Name, event: ManagerEvents[Name]): void {
    const entries = this.#entries.get(name);
    if (entries === undefined) return;
    for (const entry of entries) {
      try {
        const returned = entry.listener(event as never);
        if (returned !== undefined && isThenable(returned)) this.#catch(returned, entry, name);
      } catch (error) {
        this.#failed(entry, name, error);
      }
    }
  }

  #add(name: keyof ManagerEvents, entry: Entry): void {
    const given: unknown = entry.listener;
    if (typeof given !== "function")
      throw new DraftstateError("USAGE", `a listener of ${name} must be a function, not ${typeof given}`);
    this.#entries.set(name, [...(this.#entries.get(name) ?? []), entry]);
  }

  #catch(returned: PromiseLike<unknown>, entry: Entry, name: keyof ManagerEvents): void {
    Promise.resolve(returned).catch((error: unknown) => {
      this.#failed(entry, name, error);
    });
  }

  /** A failure to take a report is not reported itself: a listener that always fails would never end. */
  #failed({ listener, origin }: Entry, name: keyof ManagerEvents, error: unknown): void {
    const who = origin ?? listener;
    if (this.#reporting || this.#reported.has(who)) return;
    this.#reported.add(who);
    this.#reporting = true;
    const what = origin === undefined ? `a listener of ${name}` : `${origin.source}, at ${name},`;
    this.emit("monitoringError", {
      source: origin?.source ?? "listener",
      message: `${what} failed: ${reasonOf(error)}`,
    });
    this.#reporting = false;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** Of anything that was thrown: even its text may be missing, or throw. */
export function reasonOf(error: unknown): string {
  try {
    return messageOf(error).slice(0, MAX_REASON);
  } catch {
    return "the reason cannot be told";
  }
}
