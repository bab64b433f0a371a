/**
 * What a manager tells of its store: counts of its own saves, metrics of all processes, health. What counts is made when
 * something is changed first: a process that only reads counts nothing.
 */
import type { Health } from "../monitoring/health.js";
import { renderPrometheus } from "../monitoring/prometheus.js";
import type { HttpPost } from "../monitoring/webhook.js";
import { Monitor, type LiveConversation } from "../metrics/monitor.js";
import type { Logger } from "../metrics/event-log.js";
import {
  SaveCounter,
  saveStatistics,
  type SaveStatistics,
  type Saving,
  type SavingThreads,
} from "../metrics/statistics.js";
import type { TelemetryApi } from "../metrics/telemetry.js";
import type { ManagerEmitter } from "../store/events.js";
import type { Store, StoreEnvironment } from "../store/store.js";
import { checkHealth, type HealthContext, type HealthOptions } from "./health.js";
import { list } from "./list/list.js";
import { load, spilledIds } from "./load.js";
import { readStoreMetrics, type StoreMetrics } from "./stats/store-metrics.js";
import { verify } from "./verify/verify.js";
import type { FindWholeFiles } from "./verify/whole-files.js";

export interface MonitoringEnvironment extends StoreEnvironment {
  /** Takes one structured entry for each event. */
  readonly logger?: Logger | undefined;
  /** The way to the webhook of alerts. */
  readonly post?: HttpPost | undefined;
  /** OpenTelemetry, where the application has it. */
  readonly telemetry?: (() => Promise<TelemetryApi | undefined>) | undefined;
  /** Checks many files at once, where they can be had by their paths. */
  readonly findWholeFiles?: FindWholeFiles | undefined;
}

export class Monitoring {
  #counting: { readonly monitor: Monitor; readonly counter: SaveCounter } | undefined;

  constructor(
    private readonly environment: MonitoringEnvironment,
    private readonly store: Store,
    private readonly events: ManagerEmitter,
    private readonly live: () => readonly (LiveConversation & Saving)[],
  ) {
    if (environment.logger !== undefined) this.#count();
  }

  get monitor(): Monitor {
    return this.#count().monitor;
  }

  statistics(threads: SavingThreads): SaveStatistics {
    return saveStatistics({ live: this.live(), threads }, this.store.settings, this.#count().counter.counts);
  }

  metrics(): Promise<StoreMetrics> {
    const { storage, now } = this.store;
    return readStoreMetrics({ storage, now, metrics: this.monitor, spilled: () => spilledIds(this.store) });
  }

  async prometheus(): Promise<string> {
    const { data, gauges } = await this.metrics();
    return renderPrometheus(data, gauges);
  }

  health(options: HealthOptions): Promise<Health> {
    const { store, monitor } = this;
    const { storage, settings, now, elapsed } = store;
    const { findWholeFiles } = this.environment;
    const context: HealthContext = {
      storage,
      settings,
      now,
      elapsed,
      load: (id) => load(store, id),
      verify: (names) => verify(store, { names, findWholeFiles }),
      list: (names) => list(store, { names }),
      spilled: () => spilledIds(store),
      unsaved: () => monitor.unsaved(),
    };
    return checkHealth(context, options);
  }

  async close(): Promise<void> {
    await this.#counting?.monitor.close();
  }

  #count(): { readonly monitor: Monitor; readonly counter: SaveCounter } {
    if (this.#counting !== undefined) return this.#counting;
    const { environment, events, live } = this;
    const monitor = new Monitor({ ...environment, events, settings: this.store.settings, live });
    this.#counting = { monitor, counter: new SaveCounter(events.as("metrics"), monitor.registry) };
    return this.#counting;
  }
}
