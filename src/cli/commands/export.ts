/** `export`: a conversation as a file for others: Markdown, one HTML page, or JSON that `import` reads back without loss. */
import { extname } from "node:path";
import { Option } from "commander";
import { DraftstateError } from "../../errors.js";
import type { ConversationDocument, ExportedBackup } from "../../formats/document.js";
import { metadataOf } from "../../model/conversation.js";
import { problemOf, readBackupFile } from "../../store/backups.js";
import { fromTimestamp } from "../../store/names.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { uniqueName } from "../../storage/index.js";
import { writeUserFile } from "../../storage/user-file.js";
import { choiceOption } from "../arguments/choice.js";
import type { CommandContext } from "../context.js";
import { resolveTarget, shownId, type Target } from "../arguments/resolve-target.js";
import { loadPresent } from "../load-present.js";
import { formatBytes, pluralize } from "../terminal/text/format.js";
import { toSafeLine, toSafeText } from "../terminal/text/safe-text.js";
import type { Register } from "./registration.js";

const FORMATS = ["md", "html", "json", "jsonl"] as const;
type Format = (typeof FORMATS)[number];

interface ExportOptions {
  readonly format?: string;
  readonly output?: string;
  readonly force?: boolean;
  readonly redact?: boolean;
  readonly backup?: string;
  readonly checkpoint?: string;
  readonly reasoning?: boolean;
  readonly history?: boolean;
  /** Another name of `history`. */
  readonly withBackups?: boolean;
}

const BY_EXTENSION: Readonly<Record<string, Format>> = {
  "": "md",
  ".md": "md",
  ".markdown": "md",
  ".txt": "md",
  ".html": "html",
  ".htm": "html",
  ".json": "json",
  ".jsonl": "jsonl",
  ".ndjson": "jsonl",
};

/** The one given, else by the name of the file, else Markdown, or JSON with --json. Throws `USAGE`. */
function formatOf({ format, output = "-" }: ExportOptions, context: CommandContext): Format {
  const given = FORMATS.find((candidate) => candidate === format);
  if (given !== undefined) return given;
  if (output === "-") return context.json ? "json" : "md";
  const known = BY_EXTENSION[extname(output).toLowerCase()];
  if (known !== undefined) return known;
  throw new DraftstateError(
    "USAGE",
    `cannot export as ${extname(output).slice(1)}: end the name with .md, .html, .json or .jsonl, or give the --format`,
  );
}

/** Throws `USAGE` where backups have no place. */
function wantsHistory({ history, withBackups, backup }: ExportOptions, format: Format): boolean {
  if (history !== true && withBackups !== true) return false;
  const flag = history === true ? "--history" : "--with-backups";
  if (backup !== undefined)
    throw new DraftstateError(
      "USAGE",
      `--backup and ${flag} cannot be used together: one exports one state, the other all of them`,
    );
  if (format === "md")
    throw new DraftstateError("USAGE", `md has no place for backups: use ${flag} with html, json or jsonl`);
  return true;
}

async function backupsOf(
  manager: DraftStatePersistenceManager,
  id: string,
  context: CommandContext,
): Promise<ExportedBackup[]> {
  const backups = await manager.listBackups(id);
  const points: ExportedBackup[] = [];
  for (const backup of backups) {
    const decoded = await readBackupFile(manager.storage, backup);
    if (decoded?.kind === "valid")
      points.push({ timestamp: backup.timestamp, state: decoded.state, metadata: decoded.metadata });
    else if (decoded !== undefined)
      context.output.warning(`${backup.path} is not exported: ${problemOf(decoded) ?? "it is damaged"}`);
  }
  return points;
}

async function findThread(
  manager: DraftStatePersistenceManager,
  threadId: string,
  withHistory: boolean,
  { checkpoint, backup = checkpoint }: ExportOptions,
): Promise<ConversationDocument> {
  if (withHistory)
    throw new DraftstateError(
      "USAGE",
      "--history is for conversations: of a thread, --checkpoint exports one of its checkpoints",
    );
  const { readThreadDocument } = await import("../../operations/graph-threads/thread-document.js");
  const { state, metadata } = await readThreadDocument(manager.threads, threadId, backup);
  return { conversationId: threadId, state, metadata, asOf: undefined, backups: [] };
}

async function find(
  manager: DraftStatePersistenceManager,
  { kind, id }: Target,
  withHistory: boolean,
  options: ExportOptions,
  context: CommandContext,
): Promise<ConversationDocument> {
  if (kind === "thread") return findThread(manager, id, withHistory, options);
  if (options.checkpoint !== undefined)
    throw new DraftstateError("USAGE", `${id} is a conversation, which has backups: use --backup`);
  if (options.backup !== undefined) {
    const { backup, version } = await manager.readBackup(id, options.backup);
    return {
      conversationId: id,
      state: version.state,
      metadata: metadataOf(version, id, fromTimestamp(backup.timestamp).toISOString()),
      asOf: backup.timestamp,
      backups: [],
    };
  }
  return {
    conversationId: id,
    asOf: undefined,
    ...(await loadPresent(manager, id, context.output, {
      onlyBackups: `"draftstate backups ${id}" lists them, --backup latest exports the newest`,
      edited: "exporting it as it is",
    })),
    backups: withHistory ? await backupsOf(manager, id, context) : [],
  };
}

/** Each format is loaded only when it is exported. */
async function render(document: ConversationDocument, format: Format): Promise<string> {
  switch (format) {
    case "json":
      return (await import("../../formats/json-export.js")).toJson(document);
    case "jsonl":
      return (await import("../../formats/json-export.js")).toJsonLines(document);
    case "md":
      return (await import("../../formats/markdown-export.js")).toMarkdown(document, toSafeText);
    case "html":
      return (await import("../../formats/html/page.js")).toHtml(document, toSafeText);
  }
}

interface Redacted {
  readonly document: ConversationDocument;
  readonly counts: Readonly<Record<string, number>> | undefined;
}

async function redact(document: ConversationDocument, options: ExportOptions): Promise<Redacted> {
  if (options.redact !== true) return { document, counts: undefined };
  const { Redactor } = await import("../../formats/redaction.js");
  const redactor = new Redactor();
  return { document: redactor.document(document), counts: redactor.counts };
}

function sayRedacted(counts: Readonly<Record<string, number>>, context: CommandContext): void {
  const kinds = Object.entries(counts).map(([kind, count]) => `${count} × ${kind}`);
  context.output.message(
    kinds.length === 0
      ? "found nothing to redact"
      : `redacted ${kinds.join(", ")}; only known patterns are redacted: check the result before you share it`,
  );
}

async function write(path: string, text: string, options: ExportOptions): Promise<number> {
  const bytes = Buffer.from(text, "utf8");
  await writeUserFile({ path, bytes, overwrite: options.force === true, unique: uniqueName() });
  return bytes.length;
}

async function exportOne(wanted: string, options: ExportOptions, context: CommandContext): Promise<void> {
  const format = formatOf(options, context);
  const withHistory = wantsHistory(options, format);
  const manager = await context.reader();
  const target = await resolveTarget(manager, wanted);
  const { id } = target;
  const found = await find(manager, target, withHistory, options, context);
  const { document, counts } = await redact(
    options.reasoning === true ? { ...found, reasoning: "included" } : found,
    options,
  );
  const text = await render(document, format);
  const { output } = context;
  if (counts !== undefined) sayRedacted(counts, context);
  const result = {
    conversationId: id,
    format,
    messageCount: document.metadata.messageCount,
    backups: document.backups.length,
    redacted: counts ?? null,
  };
  if (options.output !== undefined && options.output !== "-") {
    const bytes = await write(context.pathOf(options.output), text, options);
    if (context.json) output.json({ ...result, path: options.output, sizeBytes: bytes });
    else
      output.message(
        `exported ${toSafeLine(shownId(id))} to ${toSafeLine(options.output)} (${format}, ${formatBytes(bytes)}${document.backups.length === 0 ? "" : `, ${pluralize(document.backups.length, "backup")}`})`,
      );
  } else if (context.json && format !== "json") output.json({ ...result, content: text });
  else output.data(text);
}

export const registerExport: Register = (program, run) => {
  program
    .command("export <id>")
    .summary("export a conversation: md, html, json, jsonl")
    .description(
      "Export a conversation or a LangGraph thread as Markdown, as one self-contained HTML page, or as JSON that import reads back without loss. --history adds the backups of a conversation.",
    )
    .addOption(choiceOption("-f, --format <format>", "default: by the extension of --output, else md", FORMATS))
    .option("-o, --output <file>", "write to <file> instead of stdout")
    .option("--force", "overwrite the file if it exists")
    .option("--reasoning", "include what the model thought before each answer (md, html; json has it always)")
    .option("--redact", "replace keys, tokens, passwords and e-mail addresses")
    .option(
      "--backup <ts>",
      "export a backup: its timestamp, a prefix of it, a tag, latest, or @2 for the third newest",
    )
    .option(
      "--checkpoint <checkpoint>",
      "of a LangGraph thread, export a checkpoint: its id, latest, or @2 for the third newest",
    )
    .option("--history", "include the backups, and in html what changed in each (html, json, jsonl)")
    .addOption(new Option("--with-backups", "the same as --history").hideHelp())
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate export @last -o story.html\n  draftstate export @last --format md --redact | less\n  draftstate export draft_chat_17 --history -o story.json && draftstate import story.json --store elsewhere",
    )
    .action((wanted: string, options: ExportOptions) => run((context) => exportOne(wanted, options, context)));
};
