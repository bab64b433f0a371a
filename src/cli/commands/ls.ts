/** `ls`: the conversations, newest first. One bad file is a row that says so. */
import { Option } from "commander";
import { STATUSES } from "../../model/conversation.js";
import type { CatalogueRow } from "../../persistence/catalogue.js";
import { withEdits } from "../../persistence/edited.js";
import type { CommandContext } from "../context.js";
import { parseCount, parseDuration } from "../parse.js";
import { paintStatus } from "../terminal/status.js";
import { formatAge, formatBytes, formatCount, pluralize } from "../terminal/format.js";
import { renderTable, type TableColumn } from "../terminal/table.js";
import type { Register } from "./registration.js";

interface LsOptions {
  readonly sort: string;
  readonly reverse?: boolean;
  readonly limit?: number;
  readonly status?: string;
  readonly grep?: string;
  readonly since?: number;
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
  const from = since === undefined ? undefined : new Date(now.getTime() - since).toISOString();
  const chosen = rows.filter(
    (row) =>
      (status === undefined || row.status === status) &&
      (text === undefined || row.title.toLowerCase().includes(text) || row.conversationId.toLowerCase().includes(text)) &&
      (from === undefined || (row.updatedAt ?? "") >= from) &&
      (model === undefined || row.model === model || row.model === `openai:${model}`),
  );
  const order = ORDERS[options.sort];
  if (order !== undefined) chosen.sort(order);
  if (options.reverse === true) chosen.reverse();
  return limit === undefined ? chosen : chosen.slice(0, limit);
}

interface Column extends TableColumn {
  readonly cell: (row: CatalogueRow) => string;
}

/** Below so many columns every word counts. */
const NARROW = 50;

/** In its title's place: the whole error would be wider than all else. `verify` and --json give it. */
function titleOf({ error, title }: CatalogueRow): string {
  if (error === undefined) return title;
  if (error.code === "NEWER_VERSION") return "of a newer version";
  return error.message.includes("edited by hand") ? "edited by hand" : "damaged";
}

/** Titles give way first, down to what still tells one from another; then counts go; an id, which one goes on with, is cut last. */
function columnsFor(context: CommandContext): Column[] {
  const { style, width } = context.output;
  const narrow = width !== undefined && width < NARROW;
  const age = (date: Date): string => (narrow ? formatAge(date, context.now()).replace(/ ago$/, "") : formatAge(date, context.now()));
  return [
    { title: "ID", minimum: 10, cut: "middle", cell: (row) => row.conversationId },
    { title: "TITLE", shrink: true, minimum: 10, room: 24, paint: (shown, cell) => (cell === "damaged" || cell === "edited by hand" ? style.red(shown) : shown), cell: titleOf },
    { title: "STATUS", minimum: 8, paint: (shown, cell) => paintStatus(style, cell)(shown), cell: (row) => row.status },
    { title: "MSGS", align: "right", dispensable: 1, cell: (row) => formatCount(row.messageCount) },
    { title: "TOKENS", align: "right", dispensable: 2, cell: (row) => formatCount(row.tokenCount) },
    { title: narrow ? "AGE" : "UPDATED", minimum: 6, cell: ({ updatedAt }) => (updatedAt === null ? "?" : age(new Date(updatedAt))) },
    { title: "SIZE", align: "right", dispensable: 4, cell: (row) => formatBytes(row.sizeBytes) },
    { title: "BACKUPS", align: "right", dispensable: 3, cell: (row) => formatCount(row.backupCount) },
  ];
}

function render(rows: readonly CatalogueRow[], context: CommandContext): string {
  const { style, width } = context.output;
  const columns = columnsFor(context);
  return renderTable({ style, width, columns, rows: rows.map((row) => columns.map((column) => column.cell(row))) });
}

function print(rows: readonly CatalogueRow[], context: CommandContext): void {
  const { output } = context;
  output.line(render(rows, context));
  const damaged = rows.filter(({ error }) => error !== undefined).length;
  if (damaged > 0) output.message(`${pluralize(damaged, "conversation is", "conversations are")} damaged: draftstate verify says more`);
}

export const registerLs: Register = (program, run) => {
  program
    .command("ls")
    .alias("list")
    .summary("list conversations, newest first")
    .description("List conversations, newest first: id, title, status, messages, tokens, updated, size, backups.")
    .addOption(new Option("--sort <field>", "by what").choices(Object.keys(ORDERS)).default("updated"))
    .option("--reverse", "the other way round")
    .option("-n, --limit <count>", "at most so many", parseCount("--limit"))
    .addOption(new Option("--status <status>", "only those that are so").choices([...STATUSES, "corrupt"]))
    .option("--grep <text>", "only those with this in title or id")
    .option("--since <age>", "only those changed within, such as 2h or 7d", parseDuration("--since"))
    .option("--model <name>", "only those of this model")
    .option("--check", "read every file whole: also one that was edited and kept its time is found")
    .addHelpText("after", "\nExamples:\n  draftstate ls --status interrupted\n  draftstate ls --since 7d --sort tokens\n  draftstate ls --json | jq -r '.[0].conversationId'")
    .action((options: LsOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const all = await withEdits(manager.storage, await manager.list(), { everything: options.check === true });
        const rows = select(all, options, context.now());
        if (context.json) context.output.json(rows);
        else if (rows.length > 0) print(rows, context);
        else context.output.message(all.length === 0 ? 'no conversations yet: begin one with: draftstate chat "Tell me a story"' : "no conversation fits");
      }),
    );
};
