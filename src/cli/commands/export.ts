/** `export`: a conversation as a file for others: Markdown, one HTML page, or JSON that `import` reads back without loss. */
import { extname } from "node:path";
import { DraftstateError } from "../../errors.js";
import type { ConversationDocument, RestorePoint } from "../../formats/document.js";
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
  readonly withBackups?: boolean;
}

/** The one given, else by the name of the file, else Markdown, or JSON with --json. */
function formatOf({ format, output }: ExportOptions, context: CommandContext): Format {
  const wanted =
    format ??
    (output === undefined
      ? undefined
      : ({ ".htm": "html", ".markdown": "md", ".ndjson": "jsonl" }[extname(output)] ?? extname(output).slice(1)));
  const known = FORMATS.find((candidate) => candidate === wanted);
  if (known !== undefined) return known;
  return context.json && output === undefined ? "json" : "md";
}

async function restorePoints(
  manager: DraftStatePersistenceManager,
  id: string,
  context: CommandContext,
): Promise<RestorePoint[]> {
  const backups = await manager.listBackups(id);
  const points: RestorePoint[] = [];
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
  { checkpoint, backup = checkpoint, withBackups }: ExportOptions,
): Promise<ConversationDocument> {
  if (withBackups === true)
    throw new DraftstateError(
      "USAGE",
      "--with-backups is for conversations: of a thread, --checkpoint exports one of its checkpoints",
    );
  const { readThreadDocument } = await import("../../operations/graph-threads/thread-document.js");
  const { state, metadata } = await readThreadDocument(manager.threads, threadId, backup);
  return { conversationId: threadId, state, metadata, asOf: undefined, restorePoints: [] };
}

async function find(
  manager: DraftStatePersistenceManager,
  { kind, id }: Target,
  format: Format,
  options: ExportOptions,
  context: CommandContext,
): Promise<ConversationDocument> {
  if (kind === "thread") return findThread(manager, id, options);
  if (options.checkpoint !== undefined)
    throw new DraftstateError("USAGE", `${id} is a conversation, which has backups: use --backup`);
  if (options.backup !== undefined) {
    const { backup, version } = await manager.readBackup(id, options.backup);
    return {
      conversationId: id,
      state: version.state,
      metadata: metadataOf(version, id, fromTimestamp(backup.timestamp).toISOString()),
      asOf: backup.timestamp,
      restorePoints: [],
    };
  }
  const wanted = options.withBackups ?? format === "html";
  return {
    conversationId: id,
    asOf: undefined,
    ...(await loadPresent(manager, id, context.output, {
      onlyBackups: `"draftstate backups ${id}" lists them, --backup latest exports the newest`,
      edited: "exporting it as it is",
    })),
    restorePoints: wanted ? await restorePoints(manager, id, context) : [],
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
  if (options.backup !== undefined && options.withBackups === true)
    throw new DraftstateError(
      "USAGE",
      "--backup and --with-backups cannot be used together: one exports one state, the other all of them",
    );
  const manager = await context.reader();
  const target = await resolveTarget(manager, wanted);
  const { id } = target;
  const format = formatOf(options, context);
  const { document, counts } = await redact(await find(manager, target, format, options, context), options);
  const text = await render(document, format);
  const { output } = context;
  if (counts !== undefined) sayRedacted(counts, context);
  const result = {
    conversationId: id,
    format,
    messageCount: document.metadata.messageCount,
    restorePoints: document.restorePoints.length,
    redacted: counts ?? null,
  };
  if (options.output !== undefined && options.output !== "-") {
    const bytes = await write(context.pathOf(options.output), text, options);
    if (context.json) output.json({ ...result, path: options.output, sizeBytes: bytes });
    else
      output.message(
        `exported ${toSafeLine(shownId(id))} to ${toSafeLine(options.output)} (${format}, ${formatBytes(bytes)}${document.restorePoints.length === 0 ? "" : `, ${pluralize(document.restorePoints.length, "backup")}`})`,
      );
  } else if (context.json && format !== "json") output.json({ ...result, content: text });
  else output.data(text);
}

export const registerExport: Register = (program, run) => {
  program
    .command("export <id>")
    .summary("export a conversation: md, html, json, jsonl")
    .description(
      "Export a conversation or a LangGraph thread as Markdown, as one self-contained HTML page with its backups, or as JSON that import reads back without loss.",
    )
    .addOption(choiceOption("-f, --format <format>", "default: by the extension of --output, else md", FORMATS))
    .option("-o, --output <file>", "write to <file> instead of stdout")
    .option("--force", "overwrite the file if it exists")
    .option("--redact", "replace keys, tokens, passwords and e-mail addresses")
    .option("--backup <ts>", "export a backup: its timestamp, a prefix of it, latest, or @2 for the third newest")
    .option(
      "--checkpoint <checkpoint>",
      "of a LangGraph thread, export a checkpoint: its id, latest, or @2 for the third newest",
    )
    .option("--with-backups", "include the backups (html does unless --no-with-backups)")
    .option("--no-with-backups", "leave the backups out")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate export @last -o story.html\n  draftstate export @last --format md --redact | less\n  draftstate export draft_chat_17 --with-backups -o story.json && draftstate import story.json --state-dir elsewhere",
    )
    .action((wanted: string, options: ExportOptions) => run((context) => exportOne(wanted, options, context)));
};
