/** What somebody wrote into a metrics file: read within bounds, and the text that is exposed stays a text of its format. */
import parsePrometheus from "parse-prometheus-text-format";
import { expect, test } from "vitest";
import { addMetrics, parseMetrics } from "../../src/monitoring/figures.js";
import { renderPrometheus } from "../../src/monitoring/prometheus.js";

const NAME = "draftstate_saves_total";
const buckets = (parsed: ReturnType<typeof parseMetrics>): unknown => parsed.counters[NAME];

test("labels that could act on a terminal, and amounts that nobody counted, are left out", () => {
  const labels = ["a\u001b[2J", "b\nc 1", "c\u2028", "d\u200b\u202e", "x".repeat(201), "\ud800"];
  const counters = { ...Object.fromEntries(labels.map((label) => [label, 1])), journal: 3, huge: 1e308, below: -1 };
  const parsed = parseMetrics({ counters: { [NAME]: counters }, conversations: { "a\u0007": {}, chat: {} } });
  expect(buckets(parsed)).toEqual({ journal: 3 });
  expect(Object.keys(parsed.conversations)).toEqual(["chat"]);
  const sum = { counts: Array.from({ length: 99 }, () => 1), sum: 1e308 };
  expect(parseMetrics({ histograms: { draftstate_save_duration_seconds: { journal: sum } } }).histograms).toEqual({
    draftstate_save_duration_seconds: {},
  });
});

test("so are more series than there can be", () => {
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`k${at}`, 1]));
  expect(Object.keys(parseMetrics({ counters: { [NAME]: many } }).counters[NAME] ?? {})).toHaveLength(1000);
});

test("what is exposed is valid whatever is in it", () => {
  const odd = { 'a"b\\c\nd\u001b[2J\u2028\r': 1e308, journal: Infinity, snapshot: NaN };
  const data = addMetrics(parseMetrics({}), { ...parseMetrics({}), counters: { [NAME]: odd } });
  const text = renderPrometheus(data, {});
  expect(text).not.toMatch(/[^\n\x20-\x7e\ufffd\u00a0-\u1fff]|Infinity/);
  const family = parsePrometheus(text).find(({ name }) => name === NAME);
  expect(family?.metrics).toHaveLength(3);
});
