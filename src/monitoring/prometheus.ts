/**
 * Metrics in Prometheus' text format 0.0.4. A counter or histogram that has not happened yet is shown as zero where its
 * label's values are known, so that a rate over its first occurrence is one. Pure.
 */
import { BACKUP_REASONS } from "../model/conversation.js";
import type { HistogramData, MetricData, Values } from "./figures.js";
import { definitionOf, METRIC_NAMES, type MetricDefinition, type MetricName } from "./metric-table.js";

/** Series that are there from the beginning. */
const KNOWN_LABELS: Partial<Record<MetricName, readonly string[]>> = {
  draftstate_saves_total: ["journal", "snapshot"],
  draftstate_save_errors_total: ["STORAGE"],
  draftstate_save_duration_seconds: ["journal", "snapshot"],
  draftstate_saved_bytes_total: ["journal", "snapshot", "backup"],
  draftstate_recoveries_total: ["interrupted", "damaged", "backup"],
  draftstate_corruption_total: ["snapshot-damaged", "journal-damaged", "journal-torn"],
  draftstate_backups_total: BACKUP_REASONS,
  draftstate_answers_total: ["complete", "interrupted", "error"],
};

/** What the format has no escape for is not shown. */
function escapeLabel(value: string): string {
  return value
    .replaceAll(/(?!\n)\p{C}|\p{Zl}|\p{Zp}/gu, "\ufffd")
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("\n", "\\n");
}

function number(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  return Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : "-Inf";
}

function labels(pairs: readonly (readonly [string, string])[]): string {
  return pairs.length === 0 ? "" : `{${pairs.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(",")}}`;
}

function labelOf(definition: MetricDefinition, value: string): readonly (readonly [string, string])[] {
  return definition.label === undefined ? [] : [[definition.label, value]];
}

function seriesOf<V>(name: MetricName, found: Readonly<Record<string, V>> | undefined, none: V): [string, V][] {
  const known = definitionOf(name).label === undefined ? [""] : (KNOWN_LABELS[name] ?? []);
  const series = new Map<string, V>(known.map((label) => [label, none]));
  for (const [label, value] of Object.entries(found ?? {})) series.set(label, value);
  return [...series].sort(([a], [b]) => (a < b ? -1 : 1));
}

function histogramLines(name: MetricName, label: string, histogram: HistogramData): string[] {
  const definition = definitionOf(name);
  const own = labelOf(definition, label);
  let count = 0;
  const buckets = [...(definition.bounds ?? []), Infinity].map((bound, index) => {
    count += histogram.counts[index] ?? 0;
    return `${name}_bucket${labels([...own, ["le", bound === Infinity ? "+Inf" : String(bound)]])} ${count}`;
  });
  return [...buckets, `${name}_sum${labels(own)} ${number(histogram.sum)}`, `${name}_count${labels(own)} ${count}`];
}

function samples(name: MetricName, data: MetricData, gauges: Values): string[] {
  const definition = definitionOf(name);
  if (definition.type === "histogram") {
    return seriesOf(name, data.histograms[name], { counts: [], sum: 0 }).flatMap(([label, histogram]) =>
      histogramLines(name, label, histogram),
    );
  }
  const series =
    definition.type === "counter" ? seriesOf(name, data.counters[name], 0) : Object.entries(gauges[name] ?? {});
  return series.map(([label, value]) => `${name}${labels(labelOf(definition, label))} ${number(value)}`);
}

/** What is exposed, each family with its help and type; a family without a sample is left out. */
export function renderPrometheus(data: MetricData, gauges: Values): string {
  const families = METRIC_NAMES.map((name) => ({ name, lines: samples(name, data, gauges) })).filter(
    ({ lines }) => lines.length > 0,
  );
  return families
    .map(({ name, lines }) => {
      const { help, type } = definitionOf(name);
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("\n")}\n`;
    })
    .join("");
}
