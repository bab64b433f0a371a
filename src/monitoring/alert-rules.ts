/**
 * Alert rules as a person writes them (`{metric, above | below, for}`), checked: an unknown key, metric or label is an
 * error that names it. Pure.
 */
import { DraftstateError } from "../errors.js";
import { definitionOf, isMetricName, METRIC_NAMES, type MetricName } from "./metric-table.js";

export interface AlertRule {
  /** A metric's name, with a label where only one series is meant: `draftstate_save_errors_total{code="STORAGE"}`. */
  readonly metric: string;
  readonly above?: number;
  readonly below?: number;
  /** How long it must hold: `30s`, `5m`, or milliseconds; at once where it is left out. */
  readonly for?: string | number;
}

export interface ParsedRule {
  /** The rule in words, which names it in events. */
  readonly text: string;
  readonly metric: string;
  readonly name: MetricName;
  /** The label's value, where one is given. */
  readonly label: string | undefined;
  readonly direction: "above" | "below";
  readonly threshold: number;
  readonly forMs: number;
}

const KEYS: readonly string[] = ["metric", "above", "below", "for"];
/** Told of a whole store, not known to a process as it runs. */
const NOT_WATCHED: readonly MetricName[] = ["draftstate_conversations", "draftstate_store_bytes"];
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_RULES = 100;

function wrong(path: string, detail: string): DraftstateError {
  return new DraftstateError("INVALID_CONFIG", `setting ${path} ${detail}`, { path });
}

function parseFor(value: unknown, path: string): number {
  if (value === undefined) return 0;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  const [, amount, unit = ""] = typeof value === "string" ? (/^(\d{1,9})(ms|s|m|h|d)$/.exec(value) ?? []) : [];
  const factor = UNITS[unit];
  if (amount === undefined || factor === undefined)
    throw wrong(path, `must be a duration such as "30s", "5m" or "1h", or a number of milliseconds`);
  return Number(amount) * factor;
}

function parseMetric(value: unknown, path: string): Pick<ParsedRule, "metric" | "name" | "label"> {
  const [, name = "", labelName, label] =
    typeof value === "string" ? (/^([a-z_]{1,80})(?:\{([a-z_]{1,40})="([^"\\\n]{0,128})"\})?$/.exec(value) ?? []) : [];
  const known = METRIC_NAMES.filter((each) => !NOT_WATCHED.includes(each));
  if (typeof value !== "string" || !isMetricName(name) || !known.includes(name)) {
    throw wrong(
      path,
      `is ${value === undefined ? "missing" : JSON.stringify(value)}: it must be one of ${known.join(", ")}`,
    );
  }
  const expected = definitionOf(name).label;
  if (labelName !== undefined && labelName !== expected)
    throw wrong(
      path,
      `names the label ${labelName}: ${name} has ${expected === undefined ? "none" : `only ${expected}`}`,
    );
  return { metric: value, name, label };
}

function parseThreshold(
  rule: Readonly<Record<string, unknown>>,
  path: string,
): Pick<ParsedRule, "direction" | "threshold"> {
  const { above, below } = rule;
  if ((above === undefined) === (below === undefined))
    throw wrong(path, `must have either "above" or "below", and not both`);
  const direction = above === undefined ? "below" : "above";
  const threshold = above ?? below;
  if (typeof threshold !== "number" || !Number.isFinite(threshold))
    throw wrong(`${path}.${direction}`, "must be a number");
  return { direction, threshold };
}

function parseRule(value: unknown, path: string): ParsedRule {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong(path, 'must be an object such as {"metric": "draftstate_queue_depth", "above": 100, "for": "30s"}');
  const rule = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(rule).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw wrong(`${path}.${unknown}`, `is unknown: a rule has ${KEYS.join(", ")}`);
  const metric = parseMetric(rule["metric"], `${path}.metric`);
  const limit = parseThreshold(rule, path);
  const forMs = parseFor(rule["for"], `${path}.for`);
  const text = `${metric.metric} ${limit.direction} ${limit.threshold}${forMs === 0 ? "" : ` for ${duration(forMs)}`}`;
  return { text, ...metric, ...limit, forMs };
}

function duration(ms: number): string {
  const [unit = "ms", size = 1] =
    Object.entries(UNITS)
      .reverse()
      .find(([, factor]) => ms % factor === 0) ?? [];
  return `${ms / size}${unit}`;
}

/** Throws `INVALID_CONFIG` with the path of what is wrong. */
export function parseAlertRules(value: unknown, path = "alerts"): ParsedRule[] {
  if (!Array.isArray(value)) throw wrong(path, "must be a list of rules");
  if (value.length > MAX_RULES) throw wrong(path, `has ${value.length} rules: at most ${MAX_RULES}`);
  return value.map((rule, index) => parseRule(rule, `${path}[${index}]`));
}
