/** Counting, adding up, estimating and exposing: exact where it can be, and in a format that a foreign parser reads. */
import fc from "fast-check";
import parsePrometheus from "parse-prometheus-text-format";
import { describe, expect, test } from "vitest";
import {
  addMetrics,
  EMPTY,
  histogramOf,
  observationsOf,
  parseMetrics,
  totalOf,
  valueOf,
  withConversations,
  withNewestDays,
  type MetricData,
} from "../../src/monitoring/figures.js";
import { definitionOf, METRIC_NAMES, METRICS } from "../../src/monitoring/metric-table.js";
import { renderPrometheus } from "../../src/monitoring/prometheus.js";
import { quantileOf } from "../../src/monitoring/quantile.js";
import { MetricRegistry } from "../../src/monitoring/registry.js";
import { storeSummaryOf, summaryOf } from "../../src/monitoring/summary.js";

const BOUNDS = definitionOf("draftstate_save_duration_seconds").bounds ?? [];

function registryWith(saves: readonly number[]): MetricRegistry {
  const registry = new MetricRegistry();
  for (const seconds of saves) {
    registry.counter("draftstate_saves_total", "journal").add();
    registry.histogram("draftstate_save_duration_seconds", "journal").observe(seconds);
    registry.add("constructor", "2026-01-14", { saves: 1, journalBytes: 10 });
  }
  return registry;
}

const data = fc
  .array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 30 })
  .map((ms) => registryWith(ms.map((each) => each / 1000)).data);

/** Sums of fractions depend on their order by a hair. */
function rounded(value: MetricData): unknown {
  return JSON.parse(JSON.stringify(value), (_key, item: unknown) =>
    typeof item === "number" ? Number(item.toFixed(6)) : item,
  );
}

describe("metrics as data", () => {
  test("adding loses nothing, whatever the order, and also for a conversation called constructor", () => {
    fc.assert(
      fc.property(data, data, data, (a, b, c) => {
        expect(rounded(addMetrics(addMetrics(a, b), c))).toEqual(rounded(addMetrics(a, addMetrics(c, b))));
        const sum = addMetrics(a, addMetrics(b, c));
        const saves = [a, b, c].reduce((total, each) => total + totalOf(each, "draftstate_saves_total"), 0);
        expect(totalOf(sum, "draftstate_saves_total")).toBe(saves);
        const histogram = histogramOf(sum, "draftstate_save_duration_seconds");
        expect(histogram === undefined ? 0 : observationsOf(histogram)).toBe(saves);
        expect(Object.hasOwn(sum.conversations, "constructor") ? sum.conversations["constructor"]?.saves : 0).toBe(
          saves,
        );
      }),
    );
  });

  test("what was written is read back equal", () => {
    fc.assert(
      fc.property(data, (each) => {
        expect(parseMetrics(JSON.parse(JSON.stringify(each)))).toEqual(each);
      }),
    );
  });

  test("what makes no sense in a file is left out and harms nothing", () => {
    const hostile: unknown = JSON.parse(`{
      "counters": {"draftstate_saves_total": {"journal": -1, "snapshot": 1e999, "__proto__": 3, "ok": 2}, "unknown_total": {"": 1}, "__proto__": {"x": 1}},
      "histograms": {"draftstate_batch_records": {"": {"counts": [1], "sum": 1}}, "draftstate_saves_total": {"": {"counts": [], "sum": 0}}},
      "conversations": {"tale": {"tokens": "many", "answers": 2, "polluted": 1}, "__proto__": {"tokens": 1}},
      "days": {"yesterday": {"tokens": 1}, "2026-01-14": {"tokens": 5}}}`);
    expect(parseMetrics(hostile)).toEqual({
      counters: { draftstate_saves_total: { ok: 2 } },
      histograms: { draftstate_batch_records: {}, draftstate_saves_total: {} },
      conversations: { tale: { answers: 2 } },
      days: { "2026-01-14": { tokens: 5 } },
    });
    for (const nonsense of [null, 1, "x", [], { counters: [] }]) expect(parseMetrics(nonsense)).toEqual(EMPTY);
    expect(({} as Record<string, unknown>)["tokens"]).toBeUndefined();
  });

  test("old days and conversations that are gone are left behind, totals are not", () => {
    const days = Object.fromEntries(
      Array.from({ length: 90 }, (_, index) => [
        new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10),
        { tokens: 1 },
      ]),
    );
    const kept = withConversations(
      withNewestDays({ ...registryWith([1, 2]).data, days }, 60),
      (id) => id !== "constructor",
    );
    expect(Object.keys(kept.days)).toHaveLength(60);
    expect(Object.keys(kept.days).at(-1)).toBe("2026-03-31");
    expect(kept.conversations).toEqual({});
    expect(valueOf(kept, "draftstate_saves_total", "journal")).toBe(2);
  });
});

describe("quantiles", () => {
  test("lie in the bucket of the value that sorting would find", () => {
    const seconds = fc.integer({ min: 1, max: 9_999 }).map((ms) => ms / 1000);
    fc.assert(
      fc.property(
        fc.array(seconds, { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.95, 0.99),
        (values, quantile) => {
          const histogram = registryWith(values).observed("draftstate_save_duration_seconds");
          const exact = [...values].sort((a, b) => a - b)[Math.ceil(quantile * values.length) - 1] ?? 0;
          const upper = BOUNDS.find((bound) => exact <= bound) ?? Infinity;
          const lower = BOUNDS.findLast((bound) => bound < exact) ?? 0;
          const estimate = histogram === undefined ? -1 : (quantileOf(histogram, BOUNDS, quantile) ?? -1);
          expect(estimate).toBeGreaterThanOrEqual(lower);
          expect(estimate).toBeLessThanOrEqual(upper);
        },
      ),
    );
  });

  test("there is none without observations, and beyond the last bound it is the last bound", () => {
    expect(quantileOf({ counts: [0, 0], sum: 0 }, [1], 0.5)).toBeUndefined();
    expect(quantileOf({ counts: [0, 5], sum: 50 }, [1], 0.99)).toBe(1);
  });
});

describe("the text format", () => {
  const gauges = { draftstate_queue_depth: { "": 3 }, draftstate_free_bytes: { state: 1e12, 'odd"\\\n': 1 } };

  test("a foreign parser reads each family with its type, its labels and its values", () => {
    const registry = registryWith([0.0004, 0.002, 0.002, 99]);
    for (const records of [1, 3, 4999]) registry.histogram("draftstate_batch_records").observe(records);
    const families = new Map(
      parsePrometheus(renderPrometheus(registry.data, gauges)).map((family) => [family.name, family]),
    );
    expect(families.get("draftstate_saves_total")).toMatchObject({
      type: "COUNTER",
      metrics: [
        { labels: { kind: "journal" }, value: "4" },
        { labels: { kind: "snapshot" }, value: "0" },
      ],
    });
    // A histogram without labels: of those with some, this parser keeps the last series alone.
    expect(families.get("draftstate_batch_records")).toMatchObject({
      type: "HISTOGRAM",
      metrics: [{ count: "3", sum: "5003", buckets: { "1": "1", "2": "1", "4": "2", "1024": "2", "+Inf": "3" } }],
    });
    expect(families.get("draftstate_queue_depth")).toMatchObject({ type: "GAUGE", metrics: [{ value: "3" }] });
    expect(families.get("draftstate_free_bytes")?.metrics.map(({ labels }) => labels?.["area"])).toContain('odd"\\\n');
  });

  test("it keeps to the grammar line by line, each family once, buckets never falling", () => {
    const text = renderPrometheus(registryWith([0.01, 5]).data, gauges);
    expect(text.endsWith("\n")).toBe(true);
    const lines = text.trimEnd().split("\n");
    const sample =
      /^[a-z_]+(\{[a-z_]+="([^"\\\n]|\\["\\n])*"(,[a-z_]+="([^"\\\n]|\\["\\n])*")*\})? (\d+(\.\d+)?(e[+-]?\d+)?)$/;
    expect(lines.filter((line) => !/^# (HELP|TYPE) [a-z_]+ \S.*$/.test(line) && !sample.test(line))).toEqual([]);
    const types = lines.flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []);
    expect(new Set(types).size).toBe(types.length);
    expect(lines).toContain('draftstate_save_duration_seconds_bucket{kind="journal",le="0.01"} 1');
    expect(lines).toContain('draftstate_save_duration_seconds_count{kind="journal"} 2');
    expect(lines).toContain('draftstate_save_duration_seconds_sum{kind="journal"} 5.01');
    for (const series of ["journal", "snapshot"]) {
      const counts = lines.flatMap((line) =>
        line.startsWith(`draftstate_save_duration_seconds_bucket{kind="${series}"`)
          ? [Number(line.split(" ").at(-1))]
          : [],
      );
      expect(counts).toHaveLength(BOUNDS.length + 1);
      expect([...counts].sort((a, b) => a - b)).toEqual(counts);
    }
  });

  test("every name of the contract is there, under its label, also before anything happened", () => {
    const contract = {
      draftstate_saves_total: "kind",
      draftstate_save_errors_total: "code",
      draftstate_save_duration_seconds: "kind",
      draftstate_saved_bytes_total: "kind",
      draftstate_batch_records: undefined,
      draftstate_queue_depth: undefined,
      draftstate_retries_total: undefined,
      draftstate_fallback_active: undefined,
      draftstate_recoveries_total: "kind",
      draftstate_corruption_total: "kind",
      draftstate_backups_total: "reason",
    };
    const text = renderPrometheus(EMPTY, { draftstate_queue_depth: { "": 0 }, draftstate_fallback_active: { "": 0 } });
    for (const [name, label] of Object.entries(contract)) {
      expect(METRIC_NAMES).toContain(name);
      expect((METRICS as Record<string, { label?: string }>)[name]?.label).toBe(label);
      expect(text).toContain(`# TYPE ${name} `);
      expect(text).toMatch(new RegExp(`^${name}(_count)?(\\{${label ?? ""}|\\s)`, "m"));
    }
  });
});

describe("summaries", () => {
  test("rates and averages, and null where there is nothing to divide by", () => {
    const summary = summaryOf({
      tokens: 100,
      textBytes: 400,
      answers: 2,
      firstTokens: 2,
      firstTokenMs: 600,
      answerMs: 2600,
      journalBytes: 6000,
      snapshotBytes: 1500,
      backupBytes: 500,
    });
    expect(summary).toMatchObject({ timeToFirstTokenMs: 300, tokensPerSecond: 50, writeAmplification: 20 });
    expect(summaryOf({})).toMatchObject({ timeToFirstTokenMs: null, tokensPerSecond: null, writeAmplification: null });
    expect(storeSummaryOf(EMPTY)).toMatchObject({ saves: 0, saveDurationMs: { all: null }, firstTokenMs: null });
  });
});
