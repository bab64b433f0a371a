/** `stats` of the whole store, as a person reads it: totals, latencies, charts on a terminal, a row for each conversation. */
import { lastDays } from "../../../monitoring/days.js";
import { histogramOf } from "../../../monitoring/figures.js";
import { definitionOf } from "../../../monitoring/metric-table.js";
import { storeSummaryOf, type Latency, type StoreSummary } from "../../../monitoring/summary.js";
import type { ConversationStats } from "../../../operations/stats/conversation-stats.js";
import type { StoreMetrics } from "../../../operations/stats/store-metrics.js";
import type { CommandContext } from "../../context.js";
import { barChart, sparkline } from "../../terminal/tables/chart.js";
import { renderProperties } from "../../terminal/tables/properties.js";
import { renderTable, type TableColumn } from "../../terminal/tables/table.js";
import { formatBytes, formatCount, pluralize } from "../../terminal/text/format.js";
import { amplification, decimal, duration, grown, NONE, written } from "./figures.js";

const DAYS_SHOWN = 14;
const CHART_WIDTH = 30;

export async function renderStore(
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
          `${output.style.bold("TOKENS PER DAY")}\n${dayChart(metrics, context.now())}`,
        ]
      : [];
  const table = conversations.length === 0 ? [] : [conversationTable(conversations, context)];
  const properties = await storeProperties(metrics, summary, context);
  return [properties, latencyTable(summary, context), ...charts, ...table].join("\n\n");
}

function storeProperties(metrics: StoreMetrics, summary: StoreSummary, context: CommandContext): Promise<string> {
  const { gauges } = metrics;
  const { style } = context.output;
  const gauge = (name: string, label = ""): number => gauges[name]?.[label] ?? 0;
  const ofGraphs = gauge("draftstate_langgraph_bytes", "threads") + gauge("draftstate_langgraph_bytes", "namespaces");
  const ofConversations = gauge("draftstate_store_bytes", "state") - ofGraphs;
  const bad = (count: number): { paint?: typeof style.red } => (count > 0 ? { paint: style.yellow } : {});
  return renderProperties(
    [
      {
        name: "conversations",
        value: `${formatCount(gauge("draftstate_conversations"))}, ${formatBytes(ofConversations)}; backups ${formatBytes(gauge("draftstate_store_bytes", "backup"))}`,
      },
      ...(gauge("draftstate_threads") === 0
        ? []
        : [
            {
              name: "threads",
              value: `${formatCount(gauge("draftstate_threads"))} of LangGraph graphs, ${formatBytes(gauge("draftstate_langgraph_bytes", "threads"))}`,
            },
          ]),
      ...(gauge("draftstate_namespaces") === 0
        ? []
        : [
            {
              name: "long-term memory",
              value: `${pluralize(gauge("draftstate_namespaces"), "namespace")} of a LangGraph store, ${formatBytes(gauge("draftstate_langgraph_bytes", "namespaces"))}`,
            },
          ]),
      {
        name: "tokens",
        value: `${formatCount(summary.tokens)} in ${pluralize(summary.answers, "answer")}, ${decimal(summary.tokensPerSecond)} per second`,
      },
      { name: "written", value: written(summary) },
      { name: "write amplification", value: amplification(summary) },
      {
        name: "backups",
        value: `${formatCount(summary.backups)} made, ${formatCount(summary.backupsRemoved)} removed: interim ones and those beyond maxBackups`,
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

/** How long saves took; the numbers are in the table above it. */
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
  return `${days[0]?.slice(5) ?? ""} ▕${sparkline(tokens)}▏ ${days.at(-1)?.slice(5) ?? ""}  most: ${formatCount(Math.max(...tokens))} tokens per day`;
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
