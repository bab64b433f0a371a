/** `ls`: lists the conversations, newest first. A damaged file is a row that says so. */
import { STATUSES } from "../../model/conversation.js";
import { list, type CatalogueRow } from "../../operations/list/list.js";
import { selectRows, SORT_FIELDS } from "../../operations/list/select.js";
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
  readonly pager: boolean;
}

/** Of a file that cannot be read; the reason stands below the table. */
function titleOf({ title, error }: CatalogueRow): string {
  if (error === undefined || title !== "") return title;
  return error.code === "NEWER_VERSION" ? "made by a newer version" : "cannot be read";
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

async function print(rows: readonly CatalogueRow[], paged: boolean, context: CommandContext): Promise<void> {
  const { output } = context;
  const table = renderFittingTable({ style: output.style, width: output.width, columns: columnsFor(context), rows });
  await context.page(table, { paged });
  const bad = rows.flatMap(({ conversationId, error }) =>
    error === undefined ? [] : [`${conversationId}: ${error.message}`],
  );
  for (const text of bad.slice(0, MOST_WARNINGS)) output.warning(text);
  if (bad.length > MOST_WARNINGS)
    output.warning(
      `${pluralize(bad.length - MOST_WARNINGS, "more conversation")} cannot be read: "draftstate verify" reports what is wrong with each`,
    );
}

export const registerLs: Register = (program, run) => {
  program
    .command("ls")
    .alias("list")
    .summary("list conversations, newest first")
    .description("List conversations, newest first: id, title, status, messages, tokens, updated, size, backups.")
    .addOption(choiceOption("--sort <field>", "field to sort by", SORT_FIELDS).default("updated"))
    .option("--reverse", "reverse the order")
    .option("-n, --limit <count>", "show at most <count> conversations", parseCount("--limit"))
    .addOption(choiceOption("--status <status>", "only conversations with this status", [...STATUSES, "corrupt"]))
    .option("--grep <text>", "only conversations whose title or id contains <text>")
    .option("--since <when>", `only conversations changed since then: ${WHEN}`, parseWhen("--since"))
    .option("--model <name>", "only conversations with this model")
    .option("--check", "read every file in full: also finds files that were edited without a new modification time")
    .option("--no-pager", "do not use a pager")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate ls --status interrupted\n  draftstate ls --since 7d --sort tokens\n  draftstate ls --since 2026-11-01\n  draftstate ls --json | jq -r '.[0].conversationId'",
    )
    .action((options: LsOptions) =>
      run(async (context) => {
        const all = await list(await context.store(), { everything: options.check === true });
        const since = options.since === undefined ? undefined : dateOf(options.since, context.now()).toISOString();
        const rows = selectRows(all, { ...options, since });
        if (context.json) context.output.json(rows);
        else if (rows.length > 0) await print(rows, options.pager, context);
        else
          context.output.message(
            all.length === 0
              ? 'no conversations yet; start one with: draftstate chat "Tell me a story"'
              : "no matching conversations",
          );
      }),
    );
};
