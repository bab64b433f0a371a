/** `stats`: what was counted, for a person, as JSON, or in Prometheus' text format. Reads only. */
import { storeSummaryOf } from "../../../monitoring/summary.js";
import { conversationStats } from "../../../operations/stats/conversation-stats.js";
import { resolveTarget } from "../../arguments/resolve-target.js";
import type { CommandContext } from "../../context.js";
import { toSafeText } from "../../terminal/text/safe-text.js";
import type { Register } from "../registration.js";
import { renderConversation } from "./conversation-view.js";
import { renderStore } from "./store-view.js";

interface StatsOptions {
  readonly prometheus?: boolean;
}

async function stats(wanted: string | undefined, context: CommandContext): Promise<void> {
  const manager = await context.reader();
  const { output } = context;
  const target = wanted === undefined ? undefined : await resolveTarget(manager, wanted);
  if (target?.kind === "thread") {
    const { printThreadStats } = await import("../../graph-threads/stats-thread.js");
    return printThreadStats(manager, target.id, context);
  }
  const id = target?.id;
  const metrics = await manager.metrics();
  const rows = (await manager.list()).filter((row) => id === undefined || row.conversationId === id);
  const conversations = await conversationStats(manager.storage, rows, metrics, context.now());
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
      "Show what was counted, for one conversation or LangGraph thread, or the whole store: tokens, time to first token, tokens per second, bytes written by kind, write amplification, growth, backups, recoveries, and how long saves took.",
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
