/** `stats` of one conversation, as a person reads it. */
import type { ConversationStats } from "../../../operations/stats/conversation-stats.js";
import type { CommandContext } from "../../context.js";
import { sparkline } from "../../terminal/tables/chart.js";
import { renderProperties } from "../../terminal/tables/properties.js";
import { formatBytes, formatCount, pluralize } from "../../terminal/text/format.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";
import { amplification, decimal, duration, grown, written } from "./figures.js";

export function renderConversation(stats: ConversationStats, context: CommandContext): Promise<string> {
  const { output } = context;
  const sizes = stats.growth.map(({ sizeBytes }) => sizeBytes);
  const chart = output.isTerminal && sizes.length > 2 ? ` ${sparkline(sizes)}` : "";
  return renderProperties(
    [
      { name: "conversation", value: stats.conversationId },
      { name: "title", value: toSafeLine(stats.title) },
      {
        name: "tokens",
        value: `${formatCount(stats.tokenCount)} in ${pluralize(stats.answers, "measured answer")}`,
      },
      { name: "first token", value: `${duration(stats.timeToFirstTokenMs)} on average` },
      { name: "tokens per second", value: decimal(stats.tokensPerSecond) },
      { name: "written", value: `${written(stats)} in ${pluralize(stats.saves, "save")}` },
      { name: "write amplification", value: amplification(stats) },
      {
        name: "size",
        value: `${formatBytes(stats.sizeBytes)}, ${grown(stats.growth)} since the oldest backup${chart}`,
      },
      { name: "backups", value: `${formatCount(stats.backupCount)} kept, ${formatCount(stats.backups)} made` },
      { name: "recoveries", value: `${formatCount(stats.recoveries)}, ${pluralize(stats.saveErrors, "save error")}` },
    ],
    output.style,
  );
}
