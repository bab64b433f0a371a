/** The rule file and the dashboard speak of metrics that there are, and the page of all of them. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { definitionOf, isMetricName, METRIC_NAMES } from "../../src/monitoring/metric-table.js";

const text = (path: string): string => readFileSync(new URL(`../../docs/${path}`, import.meta.url), "utf8");

/** A histogram's series have names of their own. */
function unknownIn(source: string): string[] {
  const names = [...source.matchAll(/\bdraftstate_[a-z_]+/g)].map(([name]) => name);
  expect(names.length).toBeGreaterThan(5);
  return names.filter((name) => {
    const [, family = "", part] = /^(.+?)(_bucket|_sum|_count)?$/.exec(name) ?? [];
    return !(isMetricName(family) && (part === undefined || definitionOf(family).type === "histogram"));
  });
}

describe("the documents of monitoring", () => {
  test.each(["monitoring.md", "monitoring/alerts.rules.yml", "monitoring/grafana-dashboard.json"])(
    "%s names no metric that there is not",
    (path) => {
      expect(unknownIn(text(path))).toEqual([]);
    },
  );

  test("the page names every metric", () => {
    const page = text("monitoring.md");
    expect(METRIC_NAMES.filter((name) => !page.includes(`\`${name}`))).toEqual([]);
  });

  test("each panel of the dashboard has a place and a question of its own", () => {
    const { panels } = JSON.parse(text("monitoring/grafana-dashboard.json")) as {
      panels: { id: number; targets: { expr: string }[]; gridPos: { x: number; w: number } }[];
    };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { targets, gridPos } of panels) {
      expect(targets.length).toBeGreaterThan(0);
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    }
  });
});
