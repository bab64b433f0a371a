/**
 * Rules and values over time → alerts. A rule fires when its value has been beyond its bound for as long as the rule
 * says, once; it recovers, with a notice, when the value has been back as long as that (and at least five seconds), so
 * that a value which dances about its bound does not ring each time. Durations are of a monotonic clock; the wall clock is
 * only told. Pure: both clocks and the values are arguments.
 */
import { sinceThen, type HistogramData } from "./figures.js";
import type { ParsedRule } from "./alert-rules.js";
import { definitionOf } from "./metric-table.js";
import { quantileOf } from "./quantile.js";

export interface Alert {
  readonly rule: string;
  readonly state: "firing" | "resolved";
  readonly metric: string;
  readonly value: number;
  readonly direction: "above" | "below";
  readonly threshold: number;
  /** When it began to be so, ISO 8601. */
  readonly since: string;
  readonly at: string;
  readonly message: string;
}

/** What a rule's metric is now. */
export interface Readings {
  /** Since the process began. */
  counter(rule: ParsedRule): number;
  histogram(rule: ParsedRule): HistogramData | undefined;
  /** Undefined while it is not known. */
  gauge(rule: ParsedRule): number | undefined;
}

/** Counters and histograms are looked at over this time: how much was added, the 95th percentile of what was observed. */
export const WINDOW = 60_000;
/** Looks that are kept for that; one a second is plenty. */
const LOOK_EVERY = 1000;
const LEAST_RECOVERY = 5000;
const PERCENTILE = 0.95;

interface Look<V> {
  readonly at: number;
  readonly value: V;
}

/** Of one moment. */
interface Moment {
  /** Milliseconds on a clock that never goes back. */
  readonly elapsed: number;
  readonly wall: Date;
}

/** What was at the beginning of the window. */
class Past<V> {
  #looks: Look<V>[] = [];

  constructor(private readonly origin: V) {}

  /** The value a window ago, or the origin where that is before the first look. */
  before(now: number, value: V): V {
    const start = this.#looks.findLastIndex((look) => look.at <= now - WINDOW);
    if (start > 0) this.#looks = this.#looks.slice(start);
    const last = this.#looks.at(-1);
    if (last === undefined || now - last.at >= LOOK_EVERY) this.#looks.push({ at: now, value });
    const first = this.#looks[0];
    return first !== undefined && first.at <= now - WINDOW ? first.value : this.origin;
  }
}

class WatchedRule {
  #badSince: number | undefined;
  #firing = false;
  #goodSince: number | undefined;
  readonly #counter = new Past<number>(0);
  readonly #histogram = new Past<HistogramData | undefined>(undefined);

  constructor(readonly rule: ParsedRule) {}

  get firing(): boolean {
    return this.#firing;
  }

  look(moment: Moment, readings: Readings): Alert | undefined {
    const value = this.#value(moment.elapsed, readings);
    if (value === undefined) return undefined;
    const { direction, threshold } = this.rule;
    const bad = direction === "above" ? value > threshold : value < threshold;
    return bad ? this.#bad(moment, value) : this.#good(moment, value);
  }

  #value(now: number, readings: Readings): number | undefined {
    const { rule } = this;
    const { type, bounds = [] } = definitionOf(rule.name);
    if (type === "gauge") return readings.gauge(rule);
    if (type === "counter") {
      const total = readings.counter(rule);
      return total - this.#counter.before(now, total);
    }
    const observed = readings.histogram(rule);
    return observed === undefined
      ? undefined
      : quantileOf(sinceThen(observed, this.#histogram.before(now, observed)), bounds, PERCENTILE);
  }

  #bad(moment: Moment, value: number): Alert | undefined {
    this.#goodSince = undefined;
    this.#badSince ??= moment.elapsed;
    if (this.#firing || moment.elapsed - this.#badSince < this.rule.forMs) return undefined;
    this.#firing = true;
    return this.#alert("firing", moment, value);
  }

  #good(moment: Moment, value: number): Alert | undefined {
    if (!this.#firing) {
      this.#badSince = undefined;
      return undefined;
    }
    this.#goodSince ??= moment.elapsed;
    if (moment.elapsed - this.#goodSince < Math.max(LEAST_RECOVERY, this.rule.forMs)) return undefined;
    const alert = this.#alert("resolved", moment, value);
    this.#firing = false;
    this.#badSince = this.#goodSince = undefined;
    return alert;
  }

  #alert(state: Alert["state"], { elapsed, wall }: Moment, value: number): Alert {
    const { text, metric, direction, threshold } = this.rule;
    const shown = Number(value.toPrecision(6));
    const message =
      state === "firing" ? `${metric} is ${shown} (rule: ${text})` : `${metric} is ${shown} again (rule: ${text})`;
    const lasted = elapsed - (this.#badSince ?? elapsed);
    return {
      rule: text,
      state,
      metric,
      value,
      direction,
      threshold,
      since: iso(wall.getTime() - lasted),
      at: iso(wall.getTime()),
      message,
    };
  }
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

export class AlertRules {
  readonly #watched: readonly WatchedRule[];

  constructor(rules: readonly ParsedRule[]) {
    this.#watched = rules.map((rule) => new WatchedRule(rule));
  }

  get isEmpty(): boolean {
    return this.#watched.length === 0;
  }

  /** Of the rules that fire now. */
  get firing(): readonly string[] {
    return this.#watched.filter(({ firing }) => firing).map(({ rule }) => rule.text);
  }

  /** What has changed by now: `elapsed` in milliseconds on a clock that never goes back, `wall` for what is told. */
  look(elapsed: number, readings: Readings, wall: Date): Alert[] {
    return this.#watched.flatMap((watched) => watched.look({ elapsed, wall }, readings) ?? []);
  }
}
