/** Quantiles from a histogram's buckets, estimated as Prometheus does: evenly spread within the bucket. Pure. */
import { observationsOf, type HistogramData } from "./figures.js";

/** Undefined without observations. Beyond the last bound, the last bound: more cannot be told. */
export function quantileOf(histogram: HistogramData, bounds: readonly number[], quantile: number): number | undefined {
  const total = observationsOf(histogram);
  if (total === 0) return undefined;
  const rank = quantile * total;
  let below = 0;
  for (const [index, bound] of bounds.entries()) {
    const count = histogram.counts[index] ?? 0;
    if (count > 0 && below + count >= rank) {
      const lower = bounds[index - 1] ?? 0;
      return lower + (bound - lower) * ((rank - below) / count);
    }
    below += count;
  }
  return bounds.at(-1);
}

export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export function quantilesOf(histogram: HistogramData | undefined, bounds: readonly number[]): Quantiles | undefined {
  const [p50, p95, p99] =
    histogram === undefined ? [] : [0.5, 0.95, 0.99].map((quantile) => quantileOf(histogram, bounds, quantile));
  return p50 === undefined || p95 === undefined || p99 === undefined ? undefined : { p50, p95, p99 };
}
