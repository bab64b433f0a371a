/**
 * Watches over one manager: counts what its events tell, keeps the counts on disk, checks the alert rules and sends what
 * they raise. No save waits for any of it, nothing here throws into the caller or rejects, and what fails is an event.
 * Durations are of a monotonic clock. Once `close` has resolved the storage is not touched any more.
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseAlertRules, type AlertRule, type ParsedRule } from "../monitoring/alert-rules.js";
import { AlertRules, type Readings } from "../monitoring/alerts.js";
import { AnswerMeter } from "../monitoring/answer-meter.js";
import { EMPTY, type MetricData } from "../monitoring/figures.js";
import { MetricRegistry } from "../monitoring/registry.js";
import { settlesWithin } from "../monitoring/settles-within.js";
import { Webhook, type HttpPost } from "../monitoring/webhook.js";
import type { Storage } from "../storage/storage.js";
import { reasonOf, type EventSource, type ManagerEmitter } from "../store/events.js";
import { logEvents, type Logger } from "./event-log.js";
import type { ProcessGauges } from "./metric-files.js";
import { MetricsStore, type KeptMetrics } from "./metrics-store.js";
import { Recorder } from "./recorder.js";
import { TelemetryBridge, type TelemetryApi } from "./telemetry.js";
import { UnsavedChanges, type Watched } from "./unsaved.js";

export type { AnswerMeter } from "../monitoring/answer-meter.js";

export interface LiveConversation extends Watched {
  readonly queuedChanges: number;
}

export interface MonitorSettings {
  /** Whether counts are kept on disk. */
  readonly metrics: boolean;
  readonly alerts: readonly AlertRule[];
  readonly alertWebhook: string | undefined;
}

export interface MonitorOptions {
  readonly storage: Storage;
  readonly events: ManagerEmitter;
  readonly settings: MonitorSettings;
  readonly now: () => Date;
  /** Milliseconds on a clock that never goes back. */
  readonly elapsed: () => number;
  readonly random: () => number;
  readonly live: () => Iterable<LiveConversation>;
  readonly logger?: Logger | undefined;
  /** Without it alerts reach no webhook. */
  readonly post?: HttpPost | undefined;
  /** OpenTelemetry, where the application has it. */
  readonly telemetry?: (() => Promise<TelemetryApi | undefined>) | undefined;
  /** How long closing begins new work, in milliseconds; 2,000 unless said. */
  readonly closePatience?: number | undefined;
  /** How much longer it waits for a call that the storage has not answered yet; 8,000 unless said. */
  readonly callPatience?: number | undefined;
}

/** What this process has counted and what waits in it now. */
export interface OwnMetrics {
  readonly data: MetricData;
  readonly queueDepth: number;
  /** Age of its oldest unsaved change, in milliseconds; 0 while everything is saved. */
  readonly unsavedMs: number;
}

/** The metrics of a store, as seen from one of its processes. */
export interface MetricsSource {
  readonly own: OwnMetrics;
  others(): Promise<KeptMetrics>;
}

export interface UnsavedChange {
  /** The conversation, or the process. */
  readonly who: string;
  readonly ageMs: number;
}

const TICK = 1000;
/** Milliseconds between two writes of the counts while they change; a killed process loses no more than that. */
const KEEP_EVERY = 10_000;
const SPACE_EVERY = 10_000;
/** Alerts need not look at every save of a fast stream. */
const LOOK_EVERY = 100;
/** Conversations that are counted in memory; with more, their figures are put aside on disk. */
const MAX_CONVERSATIONS = 1000;
const CLOSE_PATIENCE = 2000;
const CALL_PATIENCE = 8000;

export class Monitor implements MetricsSource {
  readonly registry = new MetricRegistry();
  readonly #store: MetricsStore;
  readonly #rules: AlertRules;
  readonly #webhook: Webhook | undefined;
  readonly #unsaved = new UnsavedChanges();
  readonly #inFallback = new Set<string>();
  readonly #freeBytes = new Map<string, number>();
  /** On the monotonic clock. */
  #unsavedSince: ReadonlyMap<string, number> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #changed = false;
  #keepSoon = false;
  #keeping: Promise<void> | undefined;
  #readingSpace: Promise<void> | undefined;
  #keptAt = 0;
  #spaceAt = -SPACE_EVERY;
  #lookedAt = -LOOK_EVERY;
  #failing = false;
  #watching = true;
  #outOfTime = false;
  #closing: Promise<void> | undefined;

  constructor(private readonly options: MonitorOptions) {
    const { storage, events, settings, now, random, logger } = options;
    this.#store = new MetricsStore(storage, now, random);
    this.#rules = new AlertRules(parseAlertRules(settings.alerts));
    this.#webhook = this.#createWebhook();
    if (logger !== undefined) logEvents(events.as("logger"), logger);
    const own = events.as("metrics");
    new Recorder(this.registry, now).listen(own);
    this.#listen(own);
  }

  /** A conversation is open: from now on there is something to watch. */
  start(): void {
    if (this.#timer !== undefined || !this.#watching) return;
    this.#keptAt = this.options.elapsed();
    this.#timer = setInterval(() => {
      this.#attempt(() => {
        this.#tick();
      });
    }, TICK);
    this.#timer.unref();
    this.#readSpace();
    void this.#connectTelemetry();
  }

  beginAnswer(conversationId: string, model: string | undefined): AnswerMeter {
    const sums = {
      tokens: this.registry.counter("draftstate_tokens_total"),
      textBytes: this.registry.counter("draftstate_text_bytes_total"),
    };
    return new AnswerMeter(sums, this.options.elapsed, (measured) => {
      this.options.events.emit("answerEnded", { conversationId, model: model ?? null, ...measured });
    });
  }

  /** Of all processes but this one. */
  others(): Promise<KeptMetrics> {
    return this.#store.read();
  }

  /** Nothing is counted here once `others` has it too. */
  get own(): OwnMetrics {
    return {
      data: this.#store.handedOver ? EMPTY : this.registry.data,
      queueDepth: this.#queueDepth,
      unsavedMs: Math.max(0, ...this.unsavedAges().values()),
    };
  }

  /** How long changes of this process have been unsaved, in milliseconds, by conversation. */
  unsavedAges(): ReadonlyMap<string, number> {
    const elapsed = this.options.elapsed();
    this.#unsavedSince = this.#unsaved.look(elapsed, this.options.live());
    return new Map([...this.#unsavedSince].map(([id, since]) => [id, elapsed - since]));
  }

  /** The unsaved changes of all processes: of this one by conversation, of the others the oldest, as they last told. */
  async unsaved(): Promise<UnsavedChange[]> {
    const own = [...this.unsavedAges()].map(([id, ageMs]) => ({ who: `${id} in this process`, ageMs }));
    const { live } = await this.others();
    const now = this.options.now().getTime();
    const others = live.flatMap(({ unsavedSince, holder }) =>
      unsavedSince === null ? [] : [{ who: holder, ageMs: Math.max(0, now - Date.parse(unsavedSince)) }],
    );
    return [...own, ...others];
  }

  /** As other processes are told it. */
  get gauges(): ProcessGauges {
    const ages = [...this.unsavedAges().values()];
    const unsavedSince =
      ages.length === 0 ? null : new Date(this.options.now().getTime() - Math.max(...ages)).toISOString();
    return { queueDepth: this.#queueDepth, unsavedSince };
  }

  /**
   * Keeps what is not kept yet and sends the last alerts. Never rejects, and takes a bounded time. Once it has resolved,
   * no call to the storage begins and no lock of the monitor remains; only a call that the storage never answered may be left.
   */
  close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing ??= Promise.resolve().then(() => this.#closeNow());
    return this.#closing;
  }

  async #closeNow(): Promise<void> {
    this.#attempt(() => {
      this.#look();
    });
    this.#watching = false;
    await Promise.all([this.#closeStore(), this.#webhook?.close(this.options.closePatience ?? CLOSE_PATIENCE)]);
  }

  async #closeStore(): Promise<void> {
    const { closePatience = CLOSE_PATIENCE, callPatience = CALL_PATIENCE } = this.options;
    const work = Promise.all([this.#keepLast(), this.#readingSpace]);
    if (await settlesWithin(closePatience, work)) return;
    this.#outOfTime = true;
    this.#store.stop();
    this.#fail("the storage did not answer in time");
    if (await settlesWithin(callPatience, work)) return;
    await settlesWithin(closePatience, this.#store.releaseLock());
  }

  #createWebhook(): Webhook | undefined {
    const { settings, post, events } = this.options;
    if (settings.alertWebhook === undefined || post === undefined) return undefined;
    return new Webhook({
      url: settings.alertWebhook,
      post,
      delay: (ms, signal) => delay(ms, undefined, { signal, ref: false }).catch(() => undefined),
      onFailure: (message) => {
        events.emit("monitoringError", { source: "webhook", message });
      },
    });
  }

  #listen(events: EventSource): void {
    for (const name of ["saveError", "retry", "warning", "recovered", "backupCreated", "backupRemoved"] as const) {
      events.on(name, () => {
        this.#changed = true;
        this.#look();
      });
    }
    for (const name of ["stateSaved", "threadSaved"] as const) {
      events.on(name, () => {
        this.#changed = true;
        if (!this.#rules.isEmpty && this.options.elapsed() - this.#lookedAt >= LOOK_EVERY) this.#look();
      });
    }
    events.on("answerEnded", () => {
      this.#changed = this.#keepSoon = true;
    });
    events.on("fallback", ({ conversationId, active }) => {
      if (active) this.#inFallback.add(conversationId);
      else this.#inFallback.delete(conversationId);
      this.#look();
    });
    events.on("alert", (alert) => {
      this.#changed = true;
      this.#webhook?.send({ source: "draftstate", ...alert });
    });
  }

  async #connectTelemetry(): Promise<void> {
    const { telemetry, events, now } = this.options;
    try {
      const api = await telemetry?.();
      if (api !== undefined && this.#watching) new TelemetryBridge(api, now).listen(events.as("telemetry"));
    } catch (error) {
      events.emit("monitoringError", {
        source: "telemetry",
        message: `OpenTelemetry cannot be used: ${reasonOf(error)}`,
      });
    }
  }

  #tick(): void {
    this.unsavedAges();
    this.#look();
    const { elapsed } = this.options;
    if (elapsed() - this.#spaceAt >= SPACE_EVERY) this.#readSpace();
    if (this.#keepSoon || elapsed() - this.#keptAt >= KEEP_EVERY) this.#keep();
  }

  #look(): void {
    if (this.#rules.isEmpty || !this.#watching) return;
    const elapsed = this.options.elapsed();
    this.#lookedAt = elapsed;
    for (const alert of this.#rules.look(elapsed, this.#readings(), this.options.now()))
      this.options.events.emit("alert", alert);
  }

  #readings(): Readings {
    return {
      counter: ({ name, label }) => this.registry.total(name, label),
      histogram: ({ name, label }) => this.registry.observed(name, label),
      gauge: (rule) => this.#gauge(rule),
    };
  }

  #gauge({ name, label }: ParsedRule): number | undefined {
    if (name === "draftstate_queue_depth") return this.#queueDepth;
    if (name === "draftstate_fallback_active") return this.#inFallback.size;
    if (name === "draftstate_unsaved_seconds") {
      const since = [...this.#unsavedSince.values()];
      return since.length === 0 ? 0 : Math.max(0, (this.options.elapsed() - Math.min(...since)) / 1000);
    }
    const free = [...this.#freeBytes]
      .filter(([area]) => label === undefined || area === label)
      .map(([, bytes]) => bytes);
    return free.length === 0 ? undefined : Math.min(...free);
  }

  get #queueDepth(): number {
    let depth = 0;
    for (const { queuedChanges } of this.options.live()) depth += queuedChanges;
    return depth;
  }

  /** Only where a rule asks for it, and one look at a time. */
  #readSpace(): void {
    if (
      this.#readingSpace !== undefined ||
      !this.options.settings.alerts.some(({ metric }) => metric.startsWith("draftstate_free_bytes"))
    )
      return;
    this.#spaceAt = this.options.elapsed();
    this.#readingSpace = Promise.all([this.#readSpaceOf("state"), this.#readSpaceOf("backup")]).then(() => {
      this.#readingSpace = undefined;
    });
  }

  /** Room that cannot be told is not known: no rule fires for it. */
  async #readSpaceOf(area: "state" | "backup"): Promise<void> {
    const space = await Promise.resolve()
      .then(() => this.options.storage.space(area))
      .catch(() => undefined);
    if (space !== undefined) this.#freeBytes.set(area, space.freeBytes);
    this.#attempt(() => {
      this.#look();
    });
  }

  #keep(): void {
    const worthwhile = this.#changed || this.#unsavedSince.size > 0;
    if (!this.options.settings.metrics || !worthwhile || this.#keeping !== undefined) return;
    this.#changed = this.#keepSoon = false;
    this.#keptAt = this.options.elapsed();
    this.#keeping = this.#told(() => this.#write()).then(() => {
      this.#keeping = undefined;
    });
  }

  async #write(): Promise<void> {
    if (this.registry.conversationCount > MAX_CONVERSATIONS) await this.#putAside();
    await this.#store.write(this.registry.data, this.gauges);
  }

  /** So that neither memory nor each write grows with all conversations that this process ever had. */
  async #putAside(): Promise<void> {
    const taken = this.registry.takeConversations();
    try {
      await this.#store.putAside(taken);
    } catch (error) {
      this.registry.putBackConversations(taken);
      throw error;
    }
  }

  async #keepLast(): Promise<void> {
    await this.#keeping;
    if (!this.options.settings.metrics || !(this.#changed || this.#store.hasFile)) return;
    await this.#told(() => this.#store.close(this.registry.data));
  }

  /** A failure is told once, until it works again. */
  async #told(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      if (!this.#outOfTime) this.#failing = false;
    } catch (error) {
      this.#changed = true;
      this.#fail(reasonOf(error));
    }
  }

  /** For what a timer or a promise would throw where nothing catches it. */
  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(reasonOf(error));
    }
  }

  #fail(reason: string): void {
    if (this.#failing) return;
    this.#failing = true;
    this.options.events.emit("monitoringError", { source: "metrics", message: `metrics could not be kept: ${reason}` });
  }
}
