/** The metrics of a whole store: what all its processes have counted, and what can be seen of it now. */
import { addMetrics, type MetricData, type Values } from "../../monitoring/figures.js";
import type { Area, Storage } from "../../storage/storage.js";
import { knownIds } from "../../store/names.js";
import type { Monitor } from "../../metrics/monitor.js";

export interface StoreMetrics {
  /** Counted by all processes up to now; of others, what they have kept. */
  readonly data: MetricData;
  readonly gauges: Values;
}

export interface StoreMetricsContext {
  readonly storage: Storage;
  /** Ids with changes in the fallback directory. */
  readonly spilled: () => Promise<readonly string[]>;
  readonly monitor: Monitor;
  readonly now: () => Date;
}

async function bytesIn(storage: Storage, area: Area): Promise<number> {
  let bytes = 0;
  for (const name of await storage.list(area)) bytes += (await storage.stat({ area, name }))?.size ?? 0;
  return bytes;
}

async function byArea(areas: readonly Area[], look: (area: Area) => Promise<number | undefined>): Promise<Record<string, number>> {
  const found = await Promise.all(areas.map(async (area) => [area, await look(area)] as const));
  return Object.fromEntries(found.flatMap(([area, value]) => (value === undefined ? [] : [[area, value]])));
}

export async function readStoreMetrics({ storage, spilled, monitor, now }: StoreMetricsContext): Promise<StoreMetrics> {
  const { data, live } = await monitor.others();
  const processes = [monitor.gauges, ...live];
  const ages = processes.map(({ unsavedSince }) => (unsavedSince === null ? 0 : Math.max(0, now().getTime() - Date.parse(unsavedSince)) / 1000));
  const areas: readonly Area[] = ["state", "backup"];
  return {
    data: addMetrics(data, monitor.registry.data),
    gauges: {
      draftstate_queue_depth: { "": processes.reduce((sum, { queueDepth }) => sum + queueDepth, 0) },
      draftstate_unsaved_seconds: { "": Math.max(...ages) },
      draftstate_fallback_active: { "": (await spilled()).length },
      draftstate_conversations: { "": knownIds(await storage.list("state"), await storage.list("backup")).length },
      draftstate_store_bytes: await byArea(areas, (area) => bytesIn(storage, area)),
      draftstate_free_bytes: await byArea(areas, async (area) => (await storage.space(area))?.freeBytes),
    },
  };
}
