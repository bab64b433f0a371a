/** `ls`: lists the conversations, newest first. A damaged file is a row that says so. */
import { STATUSES } from "../../model/conversation.js";
import { compareNewest, list, type CatalogueRow } from "../../operations/list/list.js";
import { selectRows, SORT_FIELDS } from "../../operations/list/select.js";
import { listNames, type StoreNames } from "../../store/read.js";
import type { Store } from "../../store/store.js";
import { threadNames } from "../../store/names.js";
import { choiceOption } from "../arguments/choice.js";
import type { CommandContext } from "../context.js";
import { dateOf, parseCount, parseWhen, WHEN, type When } from "../arguments/parse.js";
import { paintStatus } from "../terminal/text/status.js";
import { renderFittingTable, type FittingColumn } from "../terminal/tables/fitting-table.js";
import { formatAge, formatBytes, formatCount, pluralize } from "../terminal/text/format.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
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
  readonly kind: string;
}

const MOST_WARNINGS = 5;

/** As sync tools and file managers name a second copy. */
const MAY_BE_COPY = / |conflict/i;

/** A conversation whose file went to another name is no row. */
async function warnOfCopies(context: CommandContext, { storage }: Store, names: StoreNames): Promise<void> {
  if (!names.state.some((name) => MAY_BE_COPY.test(name))) return;
  const { onlyCopiesLeft } = await import("../../operations/verify/conflict-copies.js");
  for (const { conversationId: id, path, detail } of (await onlyCopiesLeft(storage, names)).slice(0, MOST_WARNINGS))
    context.output.warning(`${id} is gone, and ${path} is left: ${detail}`);
}

/** Newest first. What reads threads is loaded where there are any. */
async function rowsOf(context: CommandContext, { check, kind }: LsOptions): Promise<CatalogueRow[]> {
  const store = await context.store();
  const names = await listNames(store.storage);
  await warnOfCopies(context, store, names);
  const rows = kind === "thread" ? [] : await list(store, { everything: check === true, names });
  if (kind === "conversation" || threadNames(names.state).length === 0) return rows;
  const { listThreads } = await import("../../operations/graph-threads/list-threads.js");
  return [...rows, ...(await listThreads(store, names.state, { everything: check === true }))].sort(compareNewest);
}

/** Of a file that cannot be read; the reason stands below the table. */
function titleOf({ title, error }: CatalogueRow): string {
  if (error === undefined || title !== "") return title;
  return error.code === "NEWER_VERSION" ? "made by a newer version" : "cannot be read";
}

/** The kind is told where there is more than one, or only threads. */
function columnsFor(context: CommandContext, rows: readonly CatalogueRow[]): FittingColumn<CatalogueRow>[] {
  const { style } = context.output;
  const now = context.now();
  const kind: FittingColumn<CatalogueRow>[] = rows.some((row) => row.kind === "thread")
    ? [{ title: "KIND", dispensable: 1, cell: (row) => row.kind }]
    : [];
  return [
    { title: "ID", dispensable: 0, cell: (row) => toSafeLine(row.conversationId) },
    ...kind,
    { title: "TITLE", shrink: true, minimum: 10, dispensable: 0, cell: titleOf },
    {
      title: "STATUS",
      dispensable: 1,
      paint: (shown, cell) => paintStatus(style, cell)(shown),
      cell: (row) => row.status,
    },
    { title: "MSGS", align: "right", dispensable: 2, cell: (row) => formatCount(row.messageCount) },
    {
      title: "TOKENS",
      align: "right",
      dispensable: 4,
      cell: (row) => (row.kind === "thread" ? "" : formatCount(row.tokenCount)),
    },
    {
      title: "UPDATED",
      dispensable: 3,
      cell: (row) => (row.updatedAt === null ? "?" : formatAge(new Date(row.updatedAt), now)),
    },
    { title: "SIZE", align: "right", dispensable: 6, cell: (row) => formatBytes(row.sizeBytes) },
    { title: "BACKUPS", align: "right", dispensable: 5, cell: (row) => formatCount(row.backupCount) },
  ];
}

const KINDS = ["conversation", "thread", "all"];

async function print(rows: readonly CatalogueRow[], paged: boolean, context: CommandContext): Promise<void> {
  const { output } = context;
  const table = renderFittingTable({
    style: output.style,
    width: output.width,
    columns: columnsFor(context, rows),
    rows,
  });
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

function asJson(row: CatalogueRow, { output }: CommandContext): CatalogueRow {
  const { error } = row;
  return error === undefined ? row : { ...row, error: { ...error, message: output.worded(error.message) } };
}

export const registerLs: Register = (program, run) => {
  program
    .command("ls")
    .alias("list")
    .summary("list conversations, newest first")
    .description(
      "List conversations and LangGraph threads, newest first: id, title, status, messages, tokens, updated, size, backups (of a thread: checkpoints).",
    )
    .addOption(choiceOption("--sort <field>", "field to sort by", SORT_FIELDS).default("updated"))
    .option("--reverse", "reverse the order")
    .option("-n, --limit <count>", "show at most <count> conversations", parseCount("--limit"))
    .addOption(choiceOption("--status <status>", "only conversations with this status", [...STATUSES, "corrupt"]))
    .option("--grep <text>", "only conversations whose title or id contains <text>")
    .option("--since <when>", `only conversations changed since then: ${WHEN}`, parseWhen("--since"))
    .option("--model <name>", "only conversations with this model")
    .addOption(choiceOption("--kind <kind>", "only conversations, or only threads", KINDS).default("all"))
    .option("--check", "read every file in full: also finds files that were edited without a new modification time")
    .option("--no-pager", "do not use a pager")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate ls --status interrupted\n  draftstate ls --since 7d --sort tokens\n  draftstate ls --since 2026-11-01\n  draftstate ls --kind thread\n  draftstate ls --json | jq -r '.[0].conversationId'",
    )
    .action((options: LsOptions) =>
      run(async (context) => {
        const all = await rowsOf(context, options);
        const since = options.since === undefined ? undefined : dateOf(options.since, context.now()).toISOString();
        const rows = selectRows(all, { ...options, since });
        if (context.json) context.output.json(rows.map((row) => asJson(row, context)));
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
