/**
 * Counts in memory, cheaply enough for every token: a series is looked up once and then only added to. What was
 * counted is had as plain data (`data`), to be kept, added up or shown.
 */
import {
  addHistograms,
  FIGURE_NAMES,
  type FigureName,
  type Figures,
  type HistogramData,
  type MetricData,
} from "./figures.js";
import { definitionOf, type MetricName } from "./metric-table.js";

export class Counter {
  value = 0;

  add(amount = 1): void {
    this.value += amount;
  }
}

export class Histogram {
  readonly #counts: number[];
  #sum = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  get data(): HistogramData {
    return { counts: [...this.#counts], sum: this.#sum };
  }
}

export type FigureSums = Record<FigureName, number>;

function zeros(): FigureSums {
  return Object.fromEntries(FIGURE_NAMES.map((name) => [name, 0])) as FigureSums;
}

export class MetricRegistry {
  readonly #counters = new Map<string, Map<string, Counter>>();
  readonly #histograms = new Map<string, Map<string, Histogram>>();
  readonly #conversations = new Map<string, FigureSums>();
  #generation = 0;
  readonly #days = new Map<string, FigureSums>();

  counter(name: MetricName, label = ""): Counter {
    return within(this.#counters, name, label, () => new Counter());
  }

  histogram(name: MetricName, label = ""): Histogram {
    return within(this.#histograms, name, label, () => new Histogram(definitionOf(name).bounds ?? []));
  }

  /** Of one conversation, to be added to until `generation` changes. */
  conversation(id: string): FigureSums {
    return at(this.#conversations, id);
  }

  /** The same for a day. */
  day(day: string): FigureSums {
    return at(this.#days, day);
  }

  /** For a conversation and for the day it happens on. */
  add(conversationId: string, day: string, figures: Figures): void {
    addTo(this.conversation(conversationId), figures);
    addTo(this.day(day), figures);
  }

  get conversationCount(): number {
    return this.#conversations.size;
  }

  /** Changes whenever the figures of conversations are taken out. */
  get generation(): number {
    return this.#generation;
  }

  /** The figures of all conversations, which count from zero again; nothing else changes. */
  takeConversations(): MetricData["conversations"] {
    const taken = figuresOf(this.#conversations);
    this.#conversations.clear();
    this.#generation += 1;
    return taken;
  }

  /** What was taken, added again. */
  putBackConversations(taken: MetricData["conversations"]): void {
    for (const [id, figures] of Object.entries(taken)) addTo(this.conversation(id), figures);
  }

  /** Over all values of the label, or for the one. */
  total(name: MetricName, label?: string): number {
    let sum = 0;
    for (const [value, counter] of this.#counters.get(name) ?? [])
      if (label === undefined || value === label) sum += counter.value;
    return sum;
  }

  /** Over all values of the label, or for the one; undefined before the first observation. */
  observed(name: MetricName, label?: string): HistogramData | undefined {
    const series = [...(this.#histograms.get(name) ?? [])].filter(([value]) => label === undefined || value === label);
    return series
      .map(([, { data }]) => data)
      .reduce<HistogramData | undefined>((a, b) => (a === undefined ? b : addHistograms(a, b)), undefined);
  }

  get data(): MetricData {
    const counters = [...this.#counters].map(([name, series]) => [
      name,
      Object.fromEntries([...series].map(([label, { value }]) => [label, value])),
    ]);
    const histograms = [...this.#histograms].map(([name, series]) => [
      name,
      Object.fromEntries([...series].map(([label, { data }]) => [label, data])),
    ]);
    return {
      counters: Object.fromEntries(counters) as MetricData["counters"],
      histograms: Object.fromEntries(histograms) as MetricData["histograms"],
      conversations: figuresOf(this.#conversations),
      days: figuresOf(this.#days),
    };
  }
}

function within<V>(table: Map<string, Map<string, V>>, name: string, label: string, make: () => V): V {
  let series = table.get(name);
  if (series === undefined) table.set(name, (series = new Map<string, V>()));
  let found = series.get(label);
  if (found === undefined) series.set(label, (found = make()));
  return found;
}

function addTo(sums: FigureSums, figures: Figures): void {
  for (const name of FIGURE_NAMES) sums[name] += figures[name] ?? 0;
}

function at(table: Map<string, FigureSums>, key: string): FigureSums {
  let sums = table.get(key);
  if (sums === undefined) table.set(key, (sums = zeros()));
  return sums;
}

function figuresOf(table: ReadonlyMap<string, FigureSums>): Record<string, Figures> {
  return Object.fromEntries(
    [...table].map(([key, sums]) => [key, Object.fromEntries(Object.entries(sums).filter(([, sum]) => sum !== 0))]),
  );
}
