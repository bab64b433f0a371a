/**
 * Metrics as plain data: what a process has counted, what is kept on disk, what several of them come to together.
 * Adding is exact and forgets nothing; what was read from a file is checked before it is believed. Pure.
 */
import { definitionOf, isMetricName } from "./metric-table.js";

export interface HistogramData {
  /** Observations in each bucket, the last beyond all bounds; not cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** name → label's value (empty if there is none) → value. */
export type Values = Readonly<Record<string, Readonly<Record<string, number>>>>;
export type Histograms = Readonly<Record<string, Readonly<Record<string, HistogramData>>>>;

/** What is counted for each conversation, and for each day; sums, all of them. */
export const FIGURE_NAMES = [
  "tokens",
  "textBytes",
  "answers",
  "firstTokens",
  "firstTokenMs",
  "answerMs",
  "saves",
  "journalBytes",
  "snapshotBytes",
  "backupBytes",
  "backups",
  "recoveries",
  "errors",
] as const;
export type FigureName = (typeof FIGURE_NAMES)[number];
export type Figures = Readonly<Partial<Record<FigureName, number>>>;

export interface MetricData {
  readonly counters: Values;
  readonly histograms: Histograms;
  /** By conversation's id. */
  readonly conversations: Readonly<Record<string, Figures>>;
  /** By day, `2026-01-14`, in UTC. */
  readonly days: Readonly<Record<string, Figures>>;
}

export const EMPTY: MetricData = { counters: {}, histograms: {}, conversations: {}, days: {} };

/** Own keys of both, joined; a key that is in one only is taken as it is. */
function joined<V>(
  left: Readonly<Record<string, V>>,
  right: Readonly<Record<string, V>>,
  add: (a: V, b: V) => V,
): Record<string, V> {
  const result = new Map(Object.entries(left));
  for (const [key, value] of Object.entries(right)) {
    const before = result.get(key);
    result.set(key, before === undefined ? value : add(before, value));
  }
  // Unlike an assignment, this makes an own property of any key.
  return Object.fromEntries(result);
}

const sum = (a: number, b: number): number => a + b;

export function addHistograms(a: HistogramData, b: HistogramData): HistogramData {
  return { counts: a.counts.map((count, index) => count + (b.counts[index] ?? 0)), sum: a.sum + b.sum };
}

export function addFigures(a: Figures, b: Figures): Figures {
  return joined(a as Record<string, number>, b as Record<string, number>, sum);
}

export function addMetrics(a: MetricData, b: MetricData): MetricData {
  return {
    counters: joined(a.counters, b.counters, (left, right) => joined(left, right, sum)),
    histograms: joined(a.histograms, b.histograms, (left, right) => joined(left, right, addHistograms)),
    conversations: joined(a.conversations, b.conversations, addFigures),
    days: joined(a.days, b.days, addFigures),
  };
}

/** The newest days alone, so that what is kept stays small. */
export function withNewestDays(data: MetricData, count: number): MetricData {
  const days = Object.entries(data.days)
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .slice(0, count);
  return { ...data, days: Object.fromEntries(days.reverse()) };
}

/** Without the conversations that are gone. What they added to the totals stays. */
export function withConversations(data: MetricData, isKept: (id: string) => boolean): MetricData {
  return {
    ...data,
    conversations: Object.fromEntries(Object.entries(data.conversations).filter(([id]) => isKept(id))),
  };
}

export function valueOf(data: MetricData, name: string, label = ""): number {
  const series = data.counters[name];
  return series !== undefined && Object.hasOwn(series, label) ? (series[label] ?? 0) : 0;
}

/** Over all values of the label. */
export function totalOf(data: MetricData, name: string): number {
  return Object.values(data.counters[name] ?? {}).reduce(sum, 0);
}

export function histogramOf(data: MetricData, name: string, label?: string): HistogramData | undefined {
  const series = Object.entries(data.histograms[name] ?? {}).filter(
    ([value]) => label === undefined || value === label,
  );
  return series
    .map(([, histogram]) => histogram)
    .reduce<HistogramData | undefined>((a, b) => (a === undefined ? b : addHistograms(a, b)), undefined);
}

/** What happened between two looks at the same histogram. */
export function sinceThen(now: HistogramData, then: HistogramData | undefined): HistogramData {
  return {
    counts: now.counts.map((count, index) => count - (then?.counts[index] ?? 0)),
    sum: now.sum - (then?.sum ?? 0),
  };
}

export function observationsOf(histogram: HistogramData): number {
  return histogram.counts.reduce(sum, 0);
}

/** Beyond what can be counted one by one, a sum says nothing, and soon is infinite. */
function isAmount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

const MAX_SERIES = 1000;

/** Ours are a word or an id. */
export function isLabel(value: string): boolean {
  return /^[^\p{C}\p{Zl}\p{Zp}]{0,200}$/u.test(value);
}

function recordOf<V>(value: unknown, parse: (item: unknown, key: string) => V | undefined): Record<string, V> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  const entries = Object.entries(value as Record<string, unknown>);
  return Object.fromEntries(
    entries.flatMap(([key, item]): [string, V][] => {
      const parsed = key === "__proto__" ? undefined : parse(item, key);
      return parsed === undefined ? [] : [[key, parsed]];
    }),
  );
}

function seriesOf<V>(value: unknown, parse: (item: unknown) => V | undefined): Record<string, V> {
  const series = recordOf(value, (item, label) => (isLabel(label) ? parse(item) : undefined));
  return Object.fromEntries(Object.entries(series).slice(0, MAX_SERIES));
}

const amounts = (value: unknown): Record<string, number> =>
  recordOf(value, (item) => (isAmount(item) ? item : undefined));

function parseHistogram(name: string, value: unknown): HistogramData | undefined {
  const bounds = isMetricName(name) ? definitionOf(name).bounds : undefined;
  if (bounds === undefined || typeof value !== "object" || value === null || !("counts" in value) || !("sum" in value))
    return undefined;
  const { counts, sum: total } = value;
  const fits =
    Array.isArray(counts) && counts.length === bounds.length + 1 && counts.every(isAmount) && isAmount(total);
  return fits ? { counts, sum: total } : undefined;
}

function parseFigures(value: unknown): Figures {
  const known: readonly string[] = FIGURE_NAMES;
  return Object.fromEntries(Object.entries(amounts(value)).filter(([name]) => known.includes(name)));
}

/** Only what makes sense; the rest is left out. */
export function parseMetrics(value: unknown): MetricData {
  const { counters, histograms, conversations, days } = (
    typeof value === "object" && value !== null ? value : {}
  ) as Partial<Record<keyof MetricData, unknown>>;
  return {
    counters: recordOf(counters, (series, name) =>
      isMetricName(name) ? seriesOf(series, (item) => (isAmount(item) ? item : undefined)) : undefined,
    ),
    histograms: recordOf(histograms, (series, name) => seriesOf(series, (item) => parseHistogram(name, item))),
    conversations: recordOf(conversations, (item, id) => (isLabel(id) ? parseFigures(item) : undefined)),
    days: recordOf(days, (item, day) => (/^\d{4}-\d\d-\d\d$/.test(day) ? parseFigures(item) : undefined)),
  };
}
