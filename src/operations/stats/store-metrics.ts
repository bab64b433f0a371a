/** The metrics of a whole store: what all its processes have counted, and what can be seen of it now. */
import { addMetrics, type MetricData, type Values } from "../../monitoring/figures.js";
import type { Area, Storage } from "../../storage/storage.js";
import { mapAtOnce } from "../../store/map-at-once.js";
import { namespacesIn } from "../../store/item-names.js";
import { knownIds, parseSegmentName, threadNames } from "../../store/names.js";
import type { LiveProcess } from "../../metrics/metrics-store.js";
import type { MetricsSource } from "../../metrics/monitor.js";

export interface StoreMetrics {
  /** Counted by all processes up to now; of others, what they have kept. */
  readonly data: MetricData;
  readonly gauges: Values;
}

export interface StoreMetricsContext {
  readonly storage: Storage;
  readonly metrics: MetricsSource;
  /** Ids of conversations that are spilled to the fallback directory. */
  readonly spilled: () => Promise<readonly string[]>;
  readonly now: () => Date;
}

const AT_ONCE = 32;

type Sized = readonly (readonly [name: string, bytes: number])[];

function sizesIn(storage: Storage, area: Area, names: readonly string[]): Promise<Sized> {
  return mapAtOnce(names, AT_ONCE, async (name) => [name, (await storage.stat({ area, name }))?.size ?? 0] as const);
}

function bytesOf(sized: Sized, fits: (name: string) => boolean = () => true): number {
  return sized.reduce((sum, [name, bytes]) => sum + (fits(name) ? bytes : 0), 0);
}

/** Of the areas where it is known. */
async function freeBytes(storage: Storage): Promise<Record<string, number>> {
  const areas: readonly Area[] = ["state", "backup"];
  const found = await Promise.all(areas.map(async (area) => [area, (await storage.space(area))?.freeBytes] as const));
  return Object.fromEntries(found.flatMap(([area, free]) => (free === undefined ? [] : [[area, free]])));
}

/** Milliseconds; what another process last told. */
function ageOf({ unsavedSince }: LiveProcess, now: Date): number {
  return unsavedSince === null ? 0 : now.getTime() - Date.parse(unsavedSince);
}

export async function readStoreMetrics({ storage, metrics, spilled, now }: StoreMetricsContext): Promise<StoreMetrics> {
  const { data, live } = await metrics.others();
  const { own } = metrics;
  const ages = live.map((process) => ageOf(process, now()));
  const [state, backup] = await Promise.all([storage.list("state"), storage.list("backup")]);
  const [stateSizes, backupSizes] = [await sizesIn(storage, "state", state), await sizesIn(storage, "backup", backup)];
  return {
    data: addMetrics(data, own.data),
    gauges: {
      draftstate_queue_depth: { "": live.reduce((sum, { queueDepth }) => sum + queueDepth, own.queueDepth) },
      draftstate_unsaved_seconds: { "": Math.max(own.unsavedMs, ...ages) / 1000 },
      draftstate_fallback_active: { "": (await spilled()).length },
      draftstate_conversations: { "": knownIds(state, backup).length },
      draftstate_threads: { "": threadNames(state).length },
      draftstate_namespaces: { "": namespacesIn(state).length },
      draftstate_langgraph_bytes: {
        threads: bytesOf(stateSizes, (name) => parseSegmentName(name) !== undefined),
        namespaces: bytesOf(stateSizes, (name) => namespacesIn([name]).length > 0),
      },
      draftstate_store_bytes: { state: bytesOf(stateSizes), backup: bytesOf(backupSizes) },
      draftstate_free_bytes: await freeBytes(storage),
    },
  };
}
