/** What an import did, or would do: a table, JSON, and on stderr all that was left out and why. */
import type { Aside } from "../../../formats/import/imported.js";
import type { CommandContext } from "../../context.js";
import { formatCount, pluralize } from "../../terminal/text/format.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";
import { renderTable } from "../../terminal/tables/table.js";
import type { FileFault, Plan, PlannedImport } from "./plan.js";

export interface Outcome {
  readonly plan: Plan;
  /** What was imported, or would be. */
  readonly fresh: readonly PlannedImport[];
  readonly dryRun: boolean;
  /** Files of side chains that a directory holds. */
  readonly sideChains: number;
}

const FORMAT_NAMES: Readonly<Record<string, string>> = {
  draftstate: "draftstate",
  draft: "a list of messages",
  llm: "llm logs",
  chatgpt: "ChatGPT",
  "claude-code": "Claude Code",
  "claude-ai": "claude.ai",
  "gemini-cli": "Gemini CLI",
};
const MOST_WARNINGS = 20;

export function countOf(aside: readonly Aside[]): number {
  return aside.reduce((sum, { count }) => sum + count, 0);
}

function describe(planned: PlannedImport): object {
  const { id, aside, source, position: _position, messageCount, ...rest } = planned;
  return {
    conversationId: id,
    ...rest,
    file: source.label,
    messageCount,
    turnCount: messageCount + countOf(aside),
    leftAside: aside,
  };
}

function formatOf(planned: readonly PlannedImport[]): string | null {
  const formats = new Set(planned.map(({ format }) => format));
  const [only] = formats;
  return formats.size > 1 ? "several" : (only ?? null);
}

export function toJson(
  { plan, fresh, dryRun, sideChains }: Outcome,
  { output }: Pick<CommandContext, "output">,
): object {
  return {
    format: formatOf(plan.conversations),
    dryRun,
    imported: fresh.map(describe),
    skipped: plan.conversations.filter(({ exists }) => exists).map(({ id }) => id),
    leftAside: fresh.reduce((sum, { aside }) => sum + countOf(aside), 0),
    problems: plan.faults.map(({ file, place, found }) => ({ file, place, message: output.worded(found) })),
    otherFiles: plan.others,
    sideChainFiles: sideChains,
  };
}

function render(planned: readonly PlannedImport[], { output: { style, width } }: CommandContext): string {
  return renderTable({
    style,
    width,
    columns: [
      { title: "ID" },
      { title: "TITLE", shrink: true, minimum: 10 },
      { title: "MSGS", align: "right" },
      { title: "BACKUPS", align: "right" },
    ],
    rows: planned.map(({ id, title, messageCount, backupCount }) => [
      id,
      title,
      formatCount(messageCount),
      formatCount(backupCount),
    ]),
  });
}

/** `[3].mapping` of `a.json`: `a.json[3].mapping`; `line 7`: `a.json: line 7`. */
export function placeOf({ file, place }: Pick<FileFault, "file" | "place">): string {
  if (place === "") return file;
  return place.startsWith("[") ? `${file}${place}` : `${file}: ${place}`;
}

export function report(outcome: Outcome, context: CommandContext): void {
  const { output } = context;
  if (context.json) output.json(toJson(outcome, context));
  else if (outcome.fresh.length > 0) output.line(render(outcome.fresh, context));
  sayFaults(outcome.plan.faults, context);
  sayAside(outcome, context);
  saySummary(outcome, context);
}

export function sayFaults(faults: readonly FileFault[], { output }: CommandContext): void {
  for (const fault of faults.slice(0, MOST_WARNINGS)) output.warning(`${placeOf(fault)} ${fault.found}`);
  if (faults.length > MOST_WARNINGS)
    output.warning(
      `${formatCount(faults.length - MOST_WARNINGS)} more places could not be read: --json lists them all`,
    );
}

/** `3 turns of 20 were left aside (2 abandoned branch, 1 side chain)`. */
function sayAside({ fresh }: Outcome, { output }: CommandContext): void {
  const affected = fresh.filter(({ aside }) => aside.length > 0);
  if (affected.length === 0) return;
  const byReason = new Map<string, number>();
  for (const { reason, count } of affected.flatMap(({ aside }) => aside))
    byReason.set(reason, (byReason.get(reason) ?? 0) + count);
  const left = affected.reduce((sum, { aside }) => sum + countOf(aside), 0);
  const total = affected.reduce((sum, { messageCount }) => sum + messageCount, left);
  const [only, ...more] = [...byReason];
  const why =
    only !== undefined && more.length === 0
      ? only[0]
      : [...byReason].map(([reason, count]) => `${formatCount(count)} ${reason}`).join(", ");
  const where = fresh.length > 1 ? ` in ${pluralize(affected.length, "conversation")}` : "";
  output.message(
    `${pluralize(left, "turn")} of ${formatCount(total)}${where} ${left === 1 ? "was" : "were"} left aside (${why})`,
  );
}

function saySummary({ plan, fresh, dryRun, sideChains }: Outcome, { output }: CommandContext): void {
  const [only, ...more] = fresh;
  const format = formatOf(plan.conversations);
  const skipped = plan.conversations.length - fresh.length;
  const from = format === null || format === "several" ? "" : ` from ${FORMAT_NAMES[format] ?? format}`;
  const notes = [
    ...(skipped === 0 ? [] : [pluralize(skipped, "exists", "exist") + " already"]),
    ...(plan.faults.length === 0 ? [] : [`${pluralize(plan.faults.length, "place")} could not be read`]),
    ...(sideChains === 0 ? [] : [`${pluralize(sideChains, "file")} of side chains left out`]),
    ...(plan.others === 0 ? [] : [`${pluralize(plan.others, "file")} without conversations`]),
  ];
  output.message(
    `${dryRun ? "would import" : "imported"} ${pluralize(fresh.length, "conversation")}${from}${notes.map((note) => `; ${note}`).join("")}`,
  );
  if (!dryRun && only !== undefined && more.length === 0)
    output.message(`look at it with: draftstate show ${toSafeLine(only.id)}`);
}
