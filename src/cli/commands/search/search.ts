/** `search`: searches conversations and prints matching lines. Finding nothing is no error. */
import { DraftstateError } from "../../../errors.js";
import type { LineMatch, Searched } from "../../../formats/search/find-lines.js";
import { ROLES, STATUSES } from "../../../model/conversation.js";
import { snapshotKey, threadNames } from "../../../store/names.js";
import type { DraftStatePersistenceManager } from "../../../manager.js";
import type { JsonObject } from "../../../model/json.js";
import type { Scanned, ScanQuery, ScanResult, SnapshotsScanned } from "../../../operations/search.js";
import type { Kind } from "../../../operations/undo/undone.js";
import { choiceOption } from "../../arguments/choice.js";
import type { CommandContext } from "../../context.js";
import { wantsMetadata } from "./conditions.js";
import { searchInThreads } from "./search-threads.js";
import { dateOf, parseCount, parseWhen, WHEN, type When } from "../../arguments/parse.js";
import { pluralize } from "../../terminal/text/format.js";
import { excerptAround } from "../../terminal/text/excerpt.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";
import { startSpinner } from "../../terminal/screen/spinner.js";
import type { Register } from "../registration.js";

interface SearchOptions {
  readonly regex?: boolean;
  readonly ignoreCase?: boolean;
  readonly caseSensitive?: boolean;
  readonly role?: string;
  readonly status?: string;
  readonly since?: When;
  readonly limit?: number;
  readonly list?: boolean;
  readonly backups?: boolean;
  readonly reasoning?: boolean;
}

interface FoundLine extends LineMatch {
  /** Timestamp of the backup that has it, if the current state has not. */
  readonly backup?: string;
}

/** Characters of a line that are printed without a terminal to set a limit. */
const PIPE_WIDTH = 200;
const JSON_WIDTH = 2000;
/** From here on a search takes long enough for a spinner. */
const MANY = 500;

async function scan(text: string, options: SearchOptions, context: CommandContext): Promise<FoundIn> {
  const [{ compileQuery }, { prefilterFor }, { findLines }] = await Promise.all([
    import("../../../formats/search/query.js"),
    import("../../../formats/search/prefilter.js"),
    import("../../../formats/search/find-lines.js"),
  ]);
  const matchCase = options.caseSensitive === true ? true : options.ignoreCase === true ? false : undefined;
  const query = { text, regex: options.regex === true, matchCase };
  const matcher = await compileQuery(query);
  const manager = await context.reader();
  const many = context.output.mayMoveCursor && (await manager.ids()).length >= MANY;
  const spinner = many ? await startSpinner(context.output, "searching") : undefined;
  const since = options.since === undefined ? undefined : dateOf(options.since, context.now()).toISOString();
  const pathOf = manager.storage.pathOf?.bind(manager.storage);
  const wants = wantsMetadata(options.status, since);
  const searched: Searched = { role: options.role, ...(options.reasoning === true ? { reasoning: "too" } : {}) };
  const look = (state: JsonObject): LineMatch[] => findLines(state, matcher, searched);
  const snapshots = async (ids: readonly string[]): Promise<SnapshotsScanned<LineMatch> | undefined> =>
    pathOf === undefined
      ? undefined
      : searchInThreads({
          files: ids.map((id) => ({ id, path: pathOf(snapshotKey(id)) })),
          query,
          searched,
          status: options.status,
          since,
        });
  try {
    const conversations = await manager.search({
      mayHold: prefilterFor(query, matcher),
      wants,
      look,
      backups: options.backups === true,
      snapshots,
    });
    return withThreads(conversations, await inThreadsOf(manager, { wants, look }));
  } finally {
    spinner?.stop();
  }
}

interface FoundIn {
  readonly found: readonly FoundConversation[];
  readonly problems: ScanResult<LineMatch>["problems"];
  readonly scanned: number;
}

type FoundConversation = Scanned<LineMatch> & { readonly kind: Kind };

/** Undefined where there are none: then nothing that reads them is loaded. */
async function inThreadsOf(
  manager: DraftStatePersistenceManager,
  query: Pick<ScanQuery<LineMatch>, "wants" | "look">,
): Promise<ScanResult<LineMatch> | undefined> {
  if (threadNames(await manager.storage.list("state")).length === 0) return undefined;
  const { scanThreads } = await import("../../../operations/graph-threads/search-threads.js");
  return scanThreads(manager.threads, query);
}

/** Conversations first, then threads. */
function withThreads(conversations: ScanResult<LineMatch>, threads: ScanResult<LineMatch> | undefined): FoundIn {
  const of =
    (kind: Kind) =>
    (found: Scanned<LineMatch>): FoundConversation => ({ kind, ...found });
  return {
    found: [...conversations.found.map(of("conversation")), ...(threads?.found ?? []).map(of("thread"))],
    problems: [...conversations.problems, ...(threads?.problems ?? [])],
    scanned: conversations.scanned + (threads?.scanned ?? 0),
  };
}

/** Lines of the current state, then those that only backups have, each once. */
function linesOf({ matches, backups }: Scanned<LineMatch>): FoundLine[] {
  const key = (match: LineMatch): string => JSON.stringify([match.messageId ?? match.messageIndex, match.text]);
  const seen = new Set(matches.map(key));
  const past = backups.flatMap(({ timestamp, matches: lines }) =>
    lines.flatMap((match) => {
      if (seen.has(key(match))) return [];
      seen.add(key(match));
      return [{ ...match, backup: timestamp }];
    }),
  );
  return [...matches, ...past];
}

function toJson(found: FoundConversation): object {
  const matches = linesOf(found).map(({ hits, text, ...match }) => {
    const { before, hit, after } = excerptAround(text, hits[0] ?? { start: 0, end: 0 }, JSON_WIDTH);
    return { ...match, text: text.length <= JSON_WIDTH ? text : before + hit + after };
  });
  return { kind: found.kind, conversationId: found.conversationId, title: found.metadata.title, matches };
}

/** Every visible hit is coloured; an ellipsis replaces what is cut away. */
function renderLine({ text, hits }: FoundLine, width: number, context: CommandContext): string {
  const [first = { start: 0, end: 0 }, ...others] = hits;
  const { before, hit, after } = excerptAround(text, first, width);
  const paint = (part: string): string => context.output.style.red(context.output.style.bold(toSafeLine(part)));
  const parts = [toSafeLine(before), paint(hit)];
  let end = 0;
  for (const other of others) {
    const [from, to] = [other.start - first.end, other.end - first.end];
    // Only within text that is shown whole: a cut leaves an ellipsis.
    if (first.start + hit.length < first.end || to >= after.length) break;
    parts.push(toSafeLine(after.slice(end, from)), paint(after.slice(from, to)));
    end = to;
  }
  return [...parts, toSafeLine(after.slice(end))].join("");
}

/** Grouped on a terminal, a line for each hit elsewhere, as rg does. */
function render(found: Scanned<LineMatch>, context: CommandContext): string {
  const { style, width } = context.output;
  const place = (match: FoundLine): string => (match.backup === undefined ? "" : `@${match.backup}`);
  if (width === undefined)
    return linesOf(found)
      .map(
        (match) =>
          `${toSafeLine(found.conversationId)}${place(match)}:${match.messageIndex + 1}:${toSafeLine(match.role)}: ${renderLine(match, PIPE_WIDTH, context)}`,
      )
      .join("\n");
  const lines = linesOf(found).map((match) => {
    const label = `  ${match.messageIndex + 1} ${toSafeLine(match.role)}${place(match)}: `;
    return `${style.dim(label)}${renderLine(match, Math.max(20, width - label.length - 1), context)}`;
  });
  return `${style.cyan(style.bold(toSafeLine(found.conversationId)))}  ${toSafeLine(found.metadata.title)}\n${lines.join("\n")}`;
}

function print(found: readonly FoundConversation[], options: SearchOptions, context: CommandContext): void {
  const { output } = context;
  if (context.json) output.json(found.map(toJson));
  else if (options.list === true) for (const { conversationId } of found) output.line(toSafeLine(conversationId));
  else if (found.length > 0)
    output.line(found.map((each) => render(each, context)).join(output.width === undefined ? "\n" : "\n\n"));
}

/** Smart case may surprise. */
function caseAdvice(text: string, { regex, ignoreCase, caseSensitive }: SearchOptions): string {
  if (ignoreCase === true || caseSensitive === true) return "";
  const letters = regex === true ? text.replaceAll(/\\./g, "") : text;
  return /\p{Lu}/u.test(letters) ? "; upper-case letters make the search case-sensitive: -i ignores case" : "";
}

async function search(text: string, options: SearchOptions, context: CommandContext): Promise<void> {
  if (options.ignoreCase === true && options.caseSensitive === true)
    throw new DraftstateError("USAGE", "--ignore-case and --case-sensitive cannot be used together");
  const { found, problems, scanned } = await scan(text, options, context);
  const { output } = context;
  for (const { conversationId, detail } of problems)
    output.warning(`${conversationId} could not be searched: ${detail}`);
  const shown = found.slice(0, options.limit ?? found.length);
  print(shown, options, context);
  if (found.length === 0)
    output.message(
      `${JSON.stringify(text)} was not found in ${pluralize(scanned, "conversation")}${caseAdvice(text, options)}`,
    );
  else if (shown.length < found.length)
    output.message(`${shown.length} of ${pluralize(found.length, "conversation")}; --limit shows more`);
}

export const registerSearch: Register = (program, run) => {
  program
    .command("search <text>")
    .summary("search conversations and print matching lines")
    .description(
      "Search conversations and LangGraph threads, newest first, and print matching lines. Smart case: an upper-case letter in <text> makes the search case-sensitive.",
    )
    .option("-e, --regex", "<text> is a regular expression (RE2: no look-around, no back-references)")
    .option("-i, --ignore-case", "ignore case")
    .option("-s, --case-sensitive", "match case")
    .addOption(choiceOption("--role <role>", "search only messages of this role", ROLES))
    .addOption(choiceOption("--status <status>", "search only conversations with this status", STATUSES))
    .option("--since <when>", `search only conversations changed since then: ${WHEN}`, parseWhen("--since"))
    .option("-n, --limit <count>", "show at most <count> conversations", parseCount("--limit"))
    .option("-l, --list", "print ids only")
    .option("--backups", "also search backups")
    .option("--reasoning", "also search what the models thought before their answers")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate search beekeeper\n  draftstate search --regex 'colou?r' --role user --since 30d\n  draftstate search -l TODO | xargs -n 1 draftstate show\n  draftstate search lighthouse --json | jq -r '.[].conversationId'",
    )
    .action((text: string, options: SearchOptions) => run((context) => search(text, options, context)));
};
