/** `ls`: the conversations, newest first. One bad file is a row that says so. */
import { STATUSES } from "../../model/conversation.js";
import type { CatalogueRow } from "../../operations/list/list.js";
import { choiceOption } from "../arguments/choice.js";
import type { CommandContext } from "../context.js";
import { dateOf, parseCount, parseWhen, WHEN, type When } from "../arguments/parse.js";
import { paintStatus } from "../terminal/text/status.js";
import { renderFittingTable, type FittingColumn } from "../terminal/tables/fitting-table.js";
import { formatAge, formatBytes, formatCount, pluralize } from "../terminal/text/format.js";
import type { Register } from "./registration.js";

interface LsOptions {
  readonly sort: string;
  readonly reverse?: boolean;
  readonly limit?: number;
  readonly status?: string;
  readonly grep?: string;
  readonly since?: When;
  readonly model?: string;
  readonly check?: boolean;
}

type Compare = (left: CatalogueRow, right: CatalogueRow) => number;

function byText(field: (row: CatalogueRow) => string): Compare {
  return (left, right) => (field(left) < field(right) ? -1 : field(left) > field(right) ? 1 : 0);
}

/** Each in the order a person expects: newest, most and largest first, names from A. */
const ORDERS: Readonly<Record<string, Compare>> = {
  updated: (left, right) => byText((row) => row.updatedAt ?? "")(right, left),
  created: (left, right) => byText((row) => row.createdAt ?? "")(right, left),
  id: byText((row) => row.conversationId),
  title: byText((row) => row.title.toLowerCase()),
  messages: (left, right) => right.messageCount - left.messageCount,
  tokens: (left, right) => right.tokenCount - left.tokenCount,
  size: (left, right) => right.sizeBytes - left.sizeBytes,
};

function select(rows: readonly CatalogueRow[], options: LsOptions, now: Date): CatalogueRow[] {
  const { status, grep, since, model, limit } = options;
  const text = grep?.toLowerCase();
  const from = since === undefined ? undefined : dateOf(since, now).toISOString();
  const chosen = rows.filter(
    (row) =>
      (status === undefined || row.status === status) &&
      (text === undefined ||
        row.title.toLowerCase().includes(text) ||
        row.conversationId.toLowerCase().includes(text)) &&
      (from === undefined || (row.updatedAt ?? "") >= from) &&
      (model === undefined || row.model === model || row.model === `openai:${model}`),
  );
  const order = ORDERS[options.sort];
  if (order !== undefined) chosen.sort(order);
  if (options.reverse === true) chosen.reverse();
  return limit === undefined ? chosen : chosen.slice(0, limit);
}

/** Of a file that cannot be read; what is wrong with it stands below the table. */
function titleOf({ title, error }: CatalogueRow): string {
  if (error === undefined || title !== "") return title;
  return error.code === "NEWER_VERSION" ? "of a newer version" : "cannot be read";
}

function columnsFor(context: CommandContext): FittingColumn<CatalogueRow>[] {
  const { style } = context.output;
  const now = context.now();
  return [
    { title: "ID", dispensable: 0, cell: (row) => row.conversationId },
    { title: "TITLE", shrink: true, minimum: 10, dispensable: 0, cell: titleOf },
    {
      title: "STATUS",
      dispensable: 1,
      paint: (shown, cell) => paintStatus(style, cell)(shown),
      cell: (row) => row.status,
    },
    { title: "MSGS", align: "right", dispensable: 2, cell: (row) => formatCount(row.messageCount) },
    { title: "TOKENS", align: "right", dispensable: 4, cell: (row) => formatCount(row.tokenCount) },
    {
      title: "UPDATED",
      dispensable: 3,
      cell: (row) => (row.updatedAt === null ? "?" : formatAge(new Date(row.updatedAt), now)),
    },
    { title: "SIZE", align: "right", dispensable: 6, cell: (row) => formatBytes(row.sizeBytes) },
    { title: "BACKUPS", align: "right", dispensable: 5, cell: (row) => formatCount(row.backupCount) },
  ];
}

const MOST_WARNINGS = 5;

function print(rows: readonly CatalogueRow[], context: CommandContext): void {
  const { output } = context;
  output.line(renderFittingTable({ style: output.style, width: output.width, columns: columnsFor(context), rows }));
  const bad = rows.flatMap(({ conversationId, error }) =>
    error === undefined ? [] : [`${conversationId}: ${error.message}`],
  );
  for (const text of bad.slice(0, MOST_WARNINGS)) output.warning(text);
  if (bad.length > MOST_WARNINGS)
    output.warning(
      `${pluralize(bad.length - MOST_WARNINGS, "more conversation")} cannot be read: "draftstate verify" says of each what is wrong`,
    );
}

export const registerLs: Register = (program, run) => {
  program
    .command("ls")
    .alias("list")
    .summary("list conversations, newest first")
    .description("List conversations, newest first: id, title, status, messages, tokens, updated, size, backups.")
    .addOption(choiceOption("--sort <field>", "by what", Object.keys(ORDERS)).default("updated"))
    .option("--reverse", "the other way round")
    .option("-n, --limit <count>", "at most so many", parseCount("--limit"))
    .addOption(choiceOption("--status <status>", "only those that are so", [...STATUSES, "corrupt"]))
    .option("--grep <text>", "only those with this in title or id")
    .option("--since <when>", `only those changed since: ${WHEN}`, parseWhen("--since"))
    .option("--model <name>", "only those of this model")
    .option("--check", "read every file whole: also one that was edited and kept its time is found")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate ls --status interrupted\n  draftstate ls --since 7d --sort tokens\n  draftstate ls --since 2026-11-01\n  draftstate ls --json | jq -r '.[0].conversationId'",
    )
    .action((options: LsOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const all = await manager.list({ everything: options.check === true });
        const rows = select(all, options, context.now());
        if (context.json) context.output.json(rows);
        else if (rows.length > 0) print(rows, context);
        else
          context.output.message(
            all.length === 0
              ? 'no conversations yet: begin one with: draftstate chat "Tell me a story"'
              : "no conversation fits",
          );
      }),
    );
};
