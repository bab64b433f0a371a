/**
 * The manager's watchman: counts what its events tell, keeps the counts on disk, looks at the alert rules and sends what
 * they raise. Everything here happens beside the saves: nothing of it is waited for by one, and what fails is an event.
 */
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../errors.js";
import { parseAlertRules, type ParsedRule } from "../monitoring/alert-rules.js";
import { AlertRules, type Readings } from "../monitoring/alerts.js";
import { AnswerMeter } from "../monitoring/answer-meter.js";
import { MetricRegistry } from "../monitoring/registry.js";
import { Webhook, type HttpPost } from "../monitoring/webhook.js";
import type { Storage } from "../storage/storage.js";
import { logEvents, type Logger } from "./event-log.js";
import type { ManagerEmitter } from "../store/events.js";
import { MetricsStore, type KeptMetrics, type ProcessGauges } from "./metrics-store.js";
import { Recorder } from "./recorder.js";
import type { Settings } from "../store/settings.js";
import { TelemetryBridge, type TelemetryApi } from "./telemetry.js";
import { UnsavedChanges, type Watched } from "./unsaved.js";

export type { AnswerMeter } from "../monitoring/answer-meter.js";

export interface LiveConversation extends Watched {
  readonly queuedChanges: number;
}

export interface MonitorOptions {
  readonly storage: Storage;
  readonly events: ManagerEmitter;
  readonly settings: Settings;
  readonly now: () => Date;
  readonly elapsed: () => number;
  readonly random: () => number;
  readonly live: () => Iterable<LiveConversation>;
  readonly logger?: Logger | undefined;
  /** Without it alerts reach no webhook. */
  readonly post?: HttpPost | undefined;
  /** OpenTelemetry, where the application has it. */
  readonly telemetry?: (() => Promise<TelemetryApi | undefined>) | undefined;
}

const TICK = 1000;
/** Milliseconds between two writes of the counts while they change; a killed process loses no more than that. */
const KEEP_EVERY = 10_000;
const SPACE_EVERY = 10_000;
/** Alerts need not look at every save of a fast stream. */
const LOOK_EVERY = 100;
/** Longest that closing waits for the counts to be kept, and for the webhook. */
const CLOSE_PATIENCE = 2000;

export class Monitor {
  readonly registry = new MetricRegistry();
  readonly #store: MetricsStore;
  readonly #rules: AlertRules;
  readonly #webhook: Webhook | undefined;
  readonly #unsaved = new UnsavedChanges();
  readonly #inFallback = new Set<string>();
  readonly #freeBytes = new Map<string, number>();
  #unsavedSince: ReadonlyMap<string, number> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #changed = false;
  #keepSoon = false;
  #keeping: Promise<void> | undefined;
  #keptAt = 0;
  #spaceAt = -SPACE_EVERY;
  #lookedAt = -LOOK_EVERY;
  #failing = false;
  #closed = false;

  constructor(private readonly options: MonitorOptions) {
    const { storage, events, settings, now, random, logger } = options;
    this.#store = new MetricsStore(storage, now, random);
    this.#rules = new AlertRules(parseAlertRules(settings.alerts));
    this.#webhook = this.#createWebhook();
    if (logger !== undefined) logEvents(events, logger);
    new Recorder(this.registry, now).listen(events);
    this.#listen(events);
  }

  /** A conversation is open: from now on there is something to watch. */
  start(): void {
    if (this.#timer !== undefined || this.#closed) return;
    this.#keptAt = this.options.elapsed();
    this.#timer = setInterval(() => {
      this.#tick();
    }, TICK);
    this.#timer.unref();
    this.#readSpace();
    void this.#connectTelemetry();
  }

  beginAnswer(conversationId: string, model: string | undefined): AnswerMeter {
    const sums = { tokens: this.registry.counter("draftstate_tokens_total"), textBytes: this.registry.counter("draftstate_text_bytes_total") };
    return new AnswerMeter(sums, this.options.elapsed, (measured) => {
      this.options.events.emit("answerEnded", { conversationId, model: model ?? null, ...measured });
    });
  }

  /** Of all processes but this one. */
  others(): Promise<KeptMetrics> {
    return this.#store.read();
  }

  /** Since when changes of this process are unsaved, by conversation; milliseconds since 1970. */
  unsavedSince(): ReadonlyMap<string, number> {
    this.#unsavedSince = this.#unsaved.look(this.options.now().getTime(), this.options.live());
    return this.#unsavedSince;
  }

  get gauges(): ProcessGauges {
    const queueDepth = [...this.options.live()].reduce((sum, { queuedChanges }) => sum + queuedChanges, 0);
    const oldest = [...this.unsavedSince().values()].sort((a, b) => a - b)[0];
    return { queueDepth, unsavedSince: oldest === undefined ? null : new Date(oldest).toISOString() };
  }

  /** Keeps what is not kept yet and lets the last alerts out. Never rejects, and takes a bounded time. */
  async close(): Promise<void> {
    if (this.#closed) return;
    clearInterval(this.#timer);
    this.#look();
    this.#closed = true;
    await Promise.all([this.#withinPatience(this.#keepLast()), this.#webhook?.close(CLOSE_PATIENCE)]);
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

  #listen(events: ManagerEmitter): void {
    for (const name of ["saveError", "retry", "warning", "recovered", "backupCreated", "backupRemoved"] as const) {
      events.on(name, () => {
        this.#changed = true;
        this.#look();
      });
    }
    events.on("stateSaved", () => {
      this.#changed = true;
      if (!this.#rules.isEmpty && this.options.elapsed() - this.#lookedAt >= LOOK_EVERY) this.#look();
    });
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
    const api = await telemetry?.();
    if (api !== undefined) new TelemetryBridge(api, now).listen(events);
  }

  #tick(): void {
    this.unsavedSince();
    this.#look();
    const { elapsed } = this.options;
    if (elapsed() - this.#spaceAt >= SPACE_EVERY) this.#readSpace();
    if (this.#keepSoon || elapsed() - this.#keptAt >= KEEP_EVERY) this.#keep();
  }

  #look(): void {
    if (this.#rules.isEmpty || this.#closed) return;
    this.#lookedAt = this.options.elapsed();
    for (const alert of this.#rules.look(this.options.now().getTime(), this.#readings())) this.options.events.emit("alert", alert);
  }

  #readings(): Readings {
    return {
      counter: ({ name, label }) => this.registry.total(name, label),
      histogram: ({ name, label }) => this.registry.observed(name, label),
      gauge: (rule) => this.#gauge(rule),
    };
  }

  #gauge({ name, label }: ParsedRule): number | undefined {
    if (name === "draftstate_queue_depth") return this.gauges.queueDepth;
    if (name === "draftstate_fallback_active") return this.#inFallback.size;
    if (name === "draftstate_unsaved_seconds") {
      const since = [...this.#unsavedSince.values()];
      return since.length === 0 ? 0 : Math.max(0, (this.options.now().getTime() - Math.min(...since)) / 1000);
    }
    const free = [...this.#freeBytes].filter(([area]) => label === undefined || area === label).map(([, bytes]) => bytes);
    return free.length === 0 ? undefined : Math.min(...free);
  }

  /** Looked at now and then, and only where a rule asks. */
  #readSpace(): void {
    if (!this.options.settings.alerts.some(({ metric }) => metric.startsWith("draftstate_free_bytes"))) return;
    this.#spaceAt = this.options.elapsed();
    for (const area of ["state", "backup"] as const) {
      this.options.storage.space(area).then(
        (space) => {
          if (space !== undefined) this.#freeBytes.set(area, space.freeBytes);
          this.#look();
        },
        () => undefined,
      );
    }
  }

  #keep(): void {
    const worthwhile = this.#changed || this.#unsavedSince.size > 0;
    if (!this.options.settings.metrics || !worthwhile || this.#keeping !== undefined) return;
    this.#changed = this.#keepSoon = false;
    this.#keptAt = this.options.elapsed();
    this.#keeping = this.#told(() => this.#store.write(this.registry.data, this.gauges)).finally(() => {
      this.#keeping = undefined;
    });
  }

  async #keepLast(): Promise<void> {
    await this.#keeping;
    if (!this.options.settings.metrics || !(this.#changed || this.#keptAnything)) return;
    await this.#told(() => this.#store.close(this.registry.data));
  }

  get #keptAnything(): boolean {
    return this.#store.hasFile;
  }

  /** A failure is told once, until it works again. */
  async #told(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.#failing = false;
    } catch (error) {
      this.#changed = true;
      if (!this.#failing) this.options.events.emit("monitoringError", { source: "metrics", message: `metrics could not be kept: ${messageOf(error)}` });
      this.#failing = true;
    }
  }

  async #withinPatience(act: Promise<void>): Promise<void> {
    const done = new AbortController();
    const patience = delay(CLOSE_PATIENCE, undefined, { signal: done.signal, ref: false }).catch(() => undefined);
    await Promise.race([act, patience]);
    done.abort();
  }
}
