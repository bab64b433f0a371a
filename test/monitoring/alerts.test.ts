/** Alert rules are checked to the key, fire once after `for`, and recover only when the value has been back for a while. */
import { describe, expect, test } from "vitest";
import { DraftstateError } from "../../src/errors.js";
import { parseAlertRules } from "../../src/monitoring/alert-rules.js";
import { AlertRules, type Readings } from "../../src/monitoring/alerts.js";
import { MetricRegistry } from "../../src/monitoring/registry.js";
import { resolveSettings } from "../../src/store/settings.js";

const START = Date.UTC(2026, 0, 14, 21, 30);
const SECOND = 1000;

function refusalOf(rules: unknown): DraftstateError {
  try {
    parseAlertRules(rules);
  } catch (error) {
    if (error instanceof DraftstateError) return error;
  }
  throw new Error("it was not refused");
}

/** Looks each second; what was raised, and at which second. */
class Watch {
  readonly registry = new MetricRegistry();
  readonly raised: string[] = [];
  gauge: number | undefined = 0;
  second = 0;
  readonly #rules: AlertRules;

  constructor(...rules: readonly object[]) {
    this.#rules = new AlertRules(parseAlertRules(rules));
  }

  go(seconds: number, gauge = this.gauge): this {
    this.gauge = gauge;
    for (let left = seconds; left > 0; left -= 1) {
      for (const { state } of this.#rules.look(
        this.second * SECOND,
        this.#readings,
        new Date(START + this.second * SECOND),
      ))
        this.raised.push(`${state}@${this.second}`);
      this.second += 1;
    }
    return this;
  }

  readonly #readings: Readings = {
    counter: ({ name, label }) => this.registry.total(name, label),
    histogram: ({ name, label }) => this.registry.observed(name, label),
    gauge: () => this.gauge,
  };
}

describe("alert rules", () => {
  test("a rule names itself in words", () => {
    const texts = [
      { metric: "draftstate_queue_depth", above: 100, for: "30s" },
      { metric: 'draftstate_save_errors_total{code="STORAGE"}', above: 0 },
      { metric: "draftstate_free_bytes", below: 1e9, for: 90_000 },
    ];
    expect(parseAlertRules(texts).map(({ text, forMs }) => [text, forMs])).toEqual([
      ["draftstate_queue_depth above 100 for 30s", 30_000],
      ['draftstate_save_errors_total{code="STORAGE"} above 0', 0],
      ["draftstate_free_bytes below 1000000000 for 90s", 90_000],
    ]);
  });

  const WRONG: readonly (readonly [unknown, string])[] = [
    [{}, "alerts"],
    [[1], "alerts[0]"],
    [
      [
        { metric: "draftstate_queue_depth", above: 1 },
        { metric: "draftstate_queue_depth", abvoe: 1 },
      ],
      "alerts[1].abvoe",
    ],
    [[{ metric: "queue", above: 1 }], "alerts[0].metric"],
    [[{ above: 1 }], "alerts[0].metric"],
    [[{ metric: "draftstate_conversations", above: 1 }], "alerts[0].metric"],
    [[{ metric: 'draftstate_queue_depth{kind="x"}', above: 1 }], "alerts[0].metric"],
    [[{ metric: "draftstate_queue_depth" }], "alerts[0]"],
    [[{ metric: "draftstate_queue_depth", above: 1, below: 2 }], "alerts[0]"],
    [[{ metric: "draftstate_queue_depth", above: "1" }], "alerts[0].above"],
    [[{ metric: "draftstate_queue_depth", above: 1, for: "soon" }], "alerts[0].for"],
    [[{ metric: "draftstate_queue_depth", above: 1, for: -1 }], "alerts[0].for"],
  ];

  test.each(WRONG)("%j is refused, naming %s", (rules, path) => {
    const error = refusalOf(rules);
    expect(error.code).toBe("INVALID_CONFIG");
    expect(error.path).toBe(path);
    expect(error.message).toContain(path);
  });

  test("they are settings, also as JSON in one text", () => {
    const rules = [{ metric: "draftstate_queue_depth", above: 1 }];
    expect(resolveSettings({ alerts: rules }).alerts).toEqual(rules);
    expect(resolveSettings({ alerts: JSON.stringify(rules) }).alerts).toEqual(rules);
    expect(() => resolveSettings({ alerts: "nonsense" })).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", path: "alerts" }),
    );
  });

  test("a webhook that is no web address is refused without being shown", () => {
    for (const url of ["ftp://user:topsecret@example.org", "topsecret", 7, "http://"]) {
      expect(() => resolveSettings({ alertWebhook: url })).toThrow(
        expect.objectContaining({ code: "INVALID_CONFIG", message: expect.not.stringContaining("topsecret") }),
      );
    }
    expect(resolveSettings({ alertWebhook: "https://example.org/x" }).alertWebhook).toBe("https://example.org/x");
  });
});

describe("alerts", () => {
  test("a gauge fires once its bound is passed for as long as the rule says, and not before", () => {
    const watch = new Watch({ metric: "draftstate_queue_depth", above: 10, for: "5s" });
    expect(watch.go(3, 10).go(5, 11).raised).toEqual([]);
    expect(watch.go(60).raised).toEqual(["firing@8"]);
  });

  test("a value that comes back too soon starts over", () => {
    const watch = new Watch({ metric: "draftstate_queue_depth", above: 10, for: "5s" });
    expect(watch.go(4, 11).go(1, 10).go(5, 11).raised).toEqual([]);
    expect(watch.go(1, 11).raised).toEqual(["firing@10"]);
  });

  test("without `for` it fires at once, and recovers only when it has been back for five seconds", () => {
    const watch = new Watch({ metric: "draftstate_free_bytes", below: 100 });
    expect(watch.go(1, 99).raised).toEqual(["firing@0"]);
    expect(watch.go(4, 100).go(1, 50).go(5, 100).raised).toEqual(["firing@0"]);
    expect(watch.go(1).raised).toEqual(["firing@0", "resolved@11"]);
    expect(watch.go(100).raised).toHaveLength(2);
  });

  test("a value that dances about its bound rings once", () => {
    const watch = new Watch({ metric: "draftstate_queue_depth", above: 10 });
    for (let round = 0; round < 50; round += 1) watch.go(1, 11).go(3, 9);
    expect(watch.raised).toEqual(["firing@0"]);
  });

  test("what is not known raises nothing and ends nothing", () => {
    const watch = new Watch({ metric: "draftstate_free_bytes", below: 100 });
    watch.gauge = undefined;
    expect(watch.go(10).raised).toEqual([]);
    watch.go(1, 1).gauge = undefined;
    expect(watch.go(100).raised).toEqual(["firing@10"]);
  });

  test("a counter is looked at over the last minute: what happened long ago is over", () => {
    const watch = new Watch({ metric: 'draftstate_save_errors_total{code="STORAGE"}', above: 0 });
    watch.registry.counter("draftstate_save_errors_total", "LOCKED").add();
    expect(watch.go(10).raised).toEqual([]);
    watch.registry.counter("draftstate_save_errors_total", "STORAGE").add();
    expect(watch.go(60).raised).toEqual(["firing@10"]);
    expect(watch.go(20).raised).toEqual(["firing@10", "resolved@75"]);
  });

  test("a histogram is its 95th percentile over the last minute", () => {
    const watch = new Watch({ metric: "draftstate_save_duration_seconds", above: 0.2 });
    const saves = watch.registry.histogram("draftstate_save_duration_seconds", "journal");
    for (let save = 0; save < 100; save += 1) saves.observe(0.001);
    expect(watch.go(70).raised).toEqual([]);
    // Few among all, but most of this minute's.
    for (let save = 0; save < 3; save += 1) saves.observe(0.4);
    expect(watch.go(1).raised).toEqual(["firing@70"]);
  });
});
