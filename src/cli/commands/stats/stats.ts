/** `stats`: what was counted, for a person, as JSON, or in Prometheus' text format. Reads only. */
import { histogramOf } from "../../../monitoring/figures.js";
import { lastDays } from "../../../monitoring/days.js";
import { definitionOf } from "../../../monitoring/metric-table.js";
import {
  storeSummaryOf,
  summaryOf,
  type Latency,
  type StoreSummary,
  type Summary,
} from "../../../monitoring/summary.js";
import type { CatalogueRow } from "../../../operations/list/list.js";
import { readGrowth, type SizeAt } from "../../../operations/stats/growth.js";
import type { DraftStatePersistenceManager } from "../../../manager.js";
import type { StoreMetrics } from "../../../operations/stats/store-metrics.js";
import type { CommandContext } from "../../context.js";
import { resolveId } from "../../arguments/resolve-id.js";
import { barChart, sparkline } from "../../terminal/tables/chart.js";
import { formatBytes, formatCount, pluralize } from "../../terminal/text/format.js";
import { renderProperties } from "../../terminal/tables/properties.js";
import { toSafeLine, toSafeText } from "../../terminal/text/safe-text.js";
import { renderTable, type TableColumn } from "../../terminal/tables/table.js";
import type { Register } from "../registration.js";

interface StatsOptions {
  readonly prometheus?: boolean;
}

interface ConversationStats extends Omit<Summary, "tokens"> {
  readonly conversationId: string;
  readonly title: string;
  /** Of the state: also those that were not counted. */
  readonly tokenCount: number;
  readonly sizeBytes: number;
  readonly backupCount: number;
  readonly growth: readonly SizeAt[];
}

const DAYS_SHOWN = 14;
const CHART_WIDTH = 30;
const NONE = "–";

function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return NONE;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 10_000 ? `${formatCount(Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function decimal(value: number | null, unit = ""): string {
  return value === null ? NONE : `${value < 10 ? value.toFixed(1) : formatCount(Math.round(value))}${unit}`;
}

function conversationStats(row: CatalogueRow, { data }: StoreMetrics, growth: readonly SizeAt[]): ConversationStats {
  const { conversationId, title, tokenCount, sizeBytes, backupCount } = row;
  const figures = Object.hasOwn(data.conversations, conversationId) ? data.conversations[conversationId] : undefined;
  const { tokens: _counted, ...summary } = summaryOf(figures ?? {});
  return { conversationId, title, tokenCount, sizeBytes, backupCount, ...summary, growth };
}

async function readStats(manager: DraftStatePersistenceManager, context: CommandContext, id: string | undefined) {
  const metrics = await manager.metrics();
  const rows = (await manager.list()).filter((row) => id === undefined || row.conversationId === id);
  const growth = await readGrowth(
    manager.storage,
    rows.map(({ conversationId }) => conversationId),
    context.now(),
  );
  return {
    metrics,
    conversations: rows.map((row) => conversationStats(row, metrics, growth.get(row.conversationId) ?? [])),
  };
}

/** Of a restore point the note of why it was made is part of the size, of the present none is: less than that is no shrinking. */
const NOTE_BYTES = 256;

function grown(sizes: readonly SizeAt[]): string {
  const [first, last] = [sizes[0], sizes.at(-1)];
  if (first === undefined || last === undefined || sizes.length < 2) return NONE;
  const difference = last.sizeBytes - first.sizeBytes;
  const bytes = difference < 0 && difference > -NOTE_BYTES ? 0 : difference;
  return `${bytes < 0 ? "" : "+"}${formatBytes(bytes)}`;
}

function written({ writtenBytes: { journal, snapshot, backup } }: Pick<Summary, "writtenBytes">): string {
  return `${formatBytes(journal + snapshot + backup)} (journal ${formatBytes(journal)}, snapshots ${formatBytes(snapshot)}, backups ${formatBytes(backup)})`;
}

function amplification({ writeAmplification, textBytes }: Pick<Summary, "writeAmplification" | "textBytes">): string {
  return writeAmplification === null ? NONE : `${decimal(writeAmplification)} × the ${formatBytes(textBytes)} of text`;
}

function latencyTable(summary: StoreSummary, context: CommandContext): string {
  const right = (title: string): TableColumn => ({ title, align: "right" });
  const line = (name: string, latency: Latency | null): string[] => [
    name,
    ...(latency === null
      ? ["0", NONE, NONE, NONE]
      : [formatCount(latency.count), duration(latency.p50), duration(latency.p95), duration(latency.p99)]),
  ];
  const { saveDurationMs } = summary;
  return renderTable({
    columns: [{ title: "LATENCY" }, right("COUNT"), right("P50"), right("P95"), right("P99")],
    rows: [
      line("journal write", saveDurationMs.journal),
      line("snapshot", saveDurationMs.snapshot),
      line("first token", summary.firstTokenMs),
      line("whole answer", summary.answerMs),
    ],
    width: context.output.width,
    style: context.output.style,
  });
}

/** How long saves took, where a person looks; the numbers are in the table above it. */
function saveChart({ data }: StoreMetrics): string {
  const name = "draftstate_save_duration_seconds";
  const counts = histogramOf(data, name)?.counts ?? [];
  const labels = [...(definitionOf(name).bounds ?? []).map((bound) => `≤ ${duration(bound * 1000)}`), "longer"];
  const bars = counts.map((value, index) => ({ name: labels[index] ?? "", value, shown: formatCount(value) }));
  const [first, last] = [bars.findIndex(({ value }) => value > 0), bars.findLastIndex(({ value }) => value > 0)];
  return first === -1 ? "" : barChart(bars.slice(first, last + 1), CHART_WIDTH);
}

function dayChart({ data }: StoreMetrics, now: Date): string {
  const days = lastDays(now.getTime(), DAYS_SHOWN);
  const tokens = days.map((day) => data.days[day]?.tokens ?? 0);
  return `${days[0]?.slice(5) ?? ""} ▕${sparkline(tokens)}▏ ${days.at(-1)?.slice(5) ?? ""}  most: ${formatCount(Math.max(...tokens))} tokens a day`;
}

function storeProperties(metrics: StoreMetrics, summary: StoreSummary, context: CommandContext): Promise<string> {
  const { gauges } = metrics;
  const { style } = context.output;
  const gauge = (name: string, label = ""): number => gauges[name]?.[label] ?? 0;
  const bad = (count: number): { paint?: typeof style.red } => (count > 0 ? { paint: style.yellow } : {});
  return renderProperties(
    [
      {
        name: "conversations",
        value: `${formatCount(gauge("draftstate_conversations"))}, ${formatBytes(gauge("draftstate_store_bytes", "state"))}; backups ${formatBytes(gauge("draftstate_store_bytes", "backup"))}`,
      },
      {
        name: "tokens",
        value: `${formatCount(summary.tokens)} in ${pluralize(summary.answers, "answer")}, ${decimal(summary.tokensPerSecond)} a second`,
      },
      { name: "written", value: written(summary) },
      { name: "write amplification", value: amplification(summary) },
      {
        name: "backups",
        value: `${formatCount(summary.backups)} made, ${formatCount(summary.backupsRemoved)} let go: interim ones and those beyond maxBackups`,
      },
      {
        name: "recoveries",
        value: `${formatCount(summary.recoveries)}, damage found ${formatCount(summary.damageFound)}`,
        ...bad(summary.recoveries),
      },
      {
        name: "save errors",
        value: `${formatCount(summary.saveErrors)}, ${pluralize(summary.retries, "retry", "retries")}, ${pluralize(summary.warnings, "warning")}, ${pluralize(summary.alerts, "alert")}`,
        ...bad(summary.saveErrors),
      },
      {
        name: "waiting",
        value: `${pluralize(gauge("draftstate_queue_depth"), "change")}, unsaved for ${decimal(gauge("draftstate_unsaved_seconds"), " s")}`,
      },
    ],
    style,
  );
}

function conversationTable(conversations: readonly ConversationStats[], context: CommandContext): string {
  const right = (title: string): TableColumn => ({ title, align: "right" });
  return renderTable({
    columns: [
      { title: "ID", shrink: true, minimum: 12 },
      right("TOKENS"),
      right("1ST TOKEN"),
      right("TOKENS/S"),
      right("WRITTEN"),
      right("AMPLIF."),
      right("SIZE"),
      right("GROWTH"),
      right("BACKUPS"),
      right("RECOVERED"),
    ],
    rows: conversations.map((stats) => {
      const { journal, snapshot, backup } = stats.writtenBytes;
      return [
        stats.conversationId,
        formatCount(stats.tokenCount),
        duration(stats.timeToFirstTokenMs),
        decimal(stats.tokensPerSecond),
        formatBytes(journal + snapshot + backup),
        decimal(stats.writeAmplification, "×"),
        formatBytes(stats.sizeBytes),
        grown(stats.growth),
        formatCount(stats.backupCount),
        formatCount(stats.recoveries),
      ];
    }),
    width: context.output.width,
    style: context.output.style,
  });
}

async function renderStore(
  metrics: StoreMetrics,
  conversations: readonly ConversationStats[],
  context: CommandContext,
): Promise<string> {
  const { output } = context;
  const summary = storeSummaryOf(metrics.data);
  const chart = saveChart(metrics);
  const charts =
    output.isTerminal && chart !== ""
      ? [
          `${output.style.bold("SAVES")}\n${chart}`,
          `${output.style.bold("TOKENS A DAY")}\n${dayChart(metrics, context.now())}`,
        ]
      : [];
  const table = conversations.length === 0 ? [] : [conversationTable(conversations, context)];
  const properties = await storeProperties(metrics, summary, context);
  return [properties, latencyTable(summary, context), ...charts, ...table].join("\n\n");
}

function renderConversation(stats: ConversationStats, context: CommandContext): Promise<string> {
  const { output } = context;
  const sizes = stats.growth.map(({ sizeBytes }) => sizeBytes);
  const chart = output.isTerminal && sizes.length > 2 ? ` ${sparkline(sizes)}` : "";
  return renderProperties(
    [
      { name: "conversation", value: stats.conversationId },
      { name: "title", value: toSafeLine(stats.title) },
      {
        name: "tokens",
        value: `${formatCount(stats.tokenCount)} in ${pluralize(stats.answers, "answer")} that were measured`,
      },
      { name: "first token", value: `${duration(stats.timeToFirstTokenMs)} on average` },
      { name: "tokens a second", value: decimal(stats.tokensPerSecond) },
      { name: "written", value: `${written(stats)} in ${pluralize(stats.saves, "save")}` },
      { name: "write amplification", value: amplification(stats) },
      {
        name: "size",
        value: `${formatBytes(stats.sizeBytes)}, ${grown(stats.growth)} since the oldest restore point${chart}`,
      },
      { name: "backups", value: `${formatCount(stats.backupCount)} there, ${formatCount(stats.backups)} made` },
      { name: "recoveries", value: `${formatCount(stats.recoveries)}, ${pluralize(stats.saveErrors, "save error")}` },
    ],
    output.style,
  );
}

async function stats(wanted: string | undefined, context: CommandContext): Promise<void> {
  const manager = await context.reader();
  const { output } = context;
  const id = wanted === undefined ? undefined : await resolveId(manager, wanted);
  const { metrics, conversations } = await readStats(manager, context, id);
  const only = id === undefined ? undefined : conversations[0];
  if (only !== undefined) {
    if (context.json) output.json(only);
    else output.line(await renderConversation(only, context));
  } else if (context.json) {
    const { data, gauges } = metrics;
    const { counters, days } = data;
    output.json({ total: storeSummaryOf(data), conversations, days, counters, gauges });
  } else output.line(await renderStore(metrics, conversations, context));
}

export const registerStats: Register = (program, run) => {
  program
    .command("stats [id]")
    .summary("metrics: tokens, latency, bytes, backups, recoveries")
    .description(
      "Show what was counted, for one conversation or the whole store: tokens, time to first token, tokens a second, bytes written by kind, write amplification, growth, backups, recoveries, and how long saves took.",
    )
    .option("--prometheus", "the whole store in Prometheus' text format")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate stats\n  draftstate stats @last\n  draftstate stats --prometheus > draftstate.prom",
    )
    .action((wanted: string | undefined, options: StatsOptions) =>
      run(async (context) => {
        if (options.prometheus === true) context.output.data(toSafeText(await (await context.reader()).prometheus()));
        else await stats(wanted, context);
      }),
    );
};
