/** `import`: conversations from a file, ours or another program's, without loss. All are read and checked before one is written. */
import { basename } from "node:path";
import { DraftstateError, isDraftstateError } from "../../errors.js";
import type { Imported } from "../../formats/import/read-import.js";
import type { ImportedConversation } from "../../formats/import/imported.js";
import { messagesOf, titleOf } from "../../model/conversation.js";
import { decompress, MAX_FILE_BYTES } from "../../store/codec.js";
import { assertConversationId, type Compression } from "../../store/names.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { readUserFile } from "../../storage/user-file.js";
import type { CommandContext } from "../context.js";
import type { InputStream } from "../io.js";
import { formatCount, pluralize } from "../terminal/text/format.js";
import { startSpinner } from "../terminal/screen/spinner.js";
import { renderTable } from "../terminal/tables/table.js";
import type { Register } from "./registration.js";

interface ImportCommandOptions {
  readonly id?: string;
  readonly dryRun?: boolean;
  readonly skipExisting?: boolean;
  readonly accept?: boolean;
}

interface PlannedImport {
  readonly id: string;
  readonly conversation: ImportedConversation;
  readonly exists: boolean;
}

const FORMAT_NAMES: Readonly<Record<string, string>> = {
  draftstate: "draftstate",
  draft: "a list of messages",
  llm: "llm logs",
  chatgpt: "ChatGPT",
  "claude-code": "Claude Code",
};
/** From here on it takes long enough to be told of. */
const MANY = 50;

async function readInput(input: InputStream): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk as string | Uint8Array);
    size += bytes.length;
    if (size > MAX_FILE_BYTES)
      throw new DraftstateError("CORRUPT", `stdin holds more than the limit of ${MAX_FILE_BYTES} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** By what the bytes say; brotli has no mark of its own. */
function compressionOf(bytes: Uint8Array, name: string): Compression {
  const begins = (...mark: number[]): boolean => mark.every((byte, index) => bytes[index] === byte);
  if (begins(0x1f, 0x8b)) return "gzip";
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return "zstd";
  return name.endsWith(".br") ? "brotli" : "none";
}

async function read(file: string, options: ImportCommandOptions, context: CommandContext): Promise<Imported> {
  const bytes =
    file === "-" ? await readInput(context.input) : await readUserFile(context.pathOf(file), MAX_FILE_BYTES);
  const { readImport } = await import("../../formats/import/read-import.js");
  try {
    return readImport(await decompress(bytes, compressionOf(bytes, file)), {
      at: context.now().toISOString(),
      acceptEdited: options.accept === true,
    });
  } catch (error) {
    if (!isDraftstateError(error)) throw error;
    throw new DraftstateError(error.code, `${file === "-" ? "stdin" : file}: ${error.message}; nothing was imported`, {
      path: error.path === undefined || error.path === "" ? file : `${file}: ${error.path}`,
      cause: error,
    });
  }
}

function fallbackName(file: string): string {
  return file === "-"
    ? "imported"
    : basename(file)
        .replace(/\.(gz|br|zst)$/, "")
        .replace(/\.(jsonl?|ndjson)$/, "");
}

async function plan(
  manager: DraftStatePersistenceManager,
  imported: Imported,
  file: string,
  options: ImportCommandOptions,
): Promise<PlannedImport[]> {
  const { conversations } = imported;
  if (options.id !== undefined) {
    assertConversationId(options.id);
    if (conversations.length > 1)
      throw new DraftstateError(
        "USAGE",
        `${file} holds ${conversations.length} conversations: --id is for one; without it each gets an id of its own`,
      );
  }
  const { chooseIds } = await import("../../formats/import/ids.js");
  const taken = new Map((await manager.ids()).map((id) => [id.toLowerCase(), id]));
  const ids = options.id === undefined ? chooseIds(conversations, fallbackName(file)) : [options.id];
  return conversations.map((conversation, index) => ({
    conversation,
    id: ids[index] ?? "",
    exists: taken.has((ids[index] ?? "").toLowerCase()),
  }));
}

function assertFree(planned: readonly PlannedImport[], options: ImportCommandOptions): void {
  const existing = planned.filter((entry) => entry.exists).map((entry) => entry.id);
  if (existing.length === 0 || options.skipExisting === true) return;
  const shown = existing.slice(0, 3).join(", ");
  const advice =
    planned.length === 1 ? "import it under another with --id <id>" : "leave out what is there with --skip-existing";
  throw new DraftstateError(
    "INVALID_ID",
    `${existing.length === 1 ? `conversation ${shown} exists` : `${existing.length} of these conversations exist (${shown}, …)`} already: ${advice}; nothing was imported`,
  );
}

async function writeAll(
  manager: DraftStatePersistenceManager,
  planned: readonly PlannedImport[],
  context: CommandContext,
): Promise<void> {
  const spinner =
    planned.length >= MANY
      ? await startSpinner(context.output, `importing ${planned.length} conversations`)
      : undefined;
  let written = 0;
  try {
    for (const { id, conversation } of planned) {
      await manager.import({
        id,
        version: conversation.version,
        points: conversation.points,
        at: context.now().toISOString(),
      });
      written += 1;
    }
  } catch (error) {
    if (written > 0)
      context.output.warning(`${written} of ${planned.length} were imported before this: go on with --skip-existing`);
    throw error;
  } finally {
    spinner?.stop();
  }
}

/** `restorePoints` is what the file had, `backupCount` what there is then: the present is a restore point too. */
function describe({ id, conversation, exists }: PlannedImport, backups: ReadonlyMap<string, number>): object {
  const { version, points, place } = conversation;
  return {
    conversationId: id,
    title: titleOf(version),
    messageCount: messagesOf(version.state).length,
    createdAt: version.info.createdAt,
    restorePoints: points.length,
    backupCount: backups.get(id) ?? 0,
    place,
    exists,
  };
}

/** As `ls` counts them afterwards; of a dry run with the restore point that is made of the present where none holds it. */
async function backupCounts(
  manager: DraftStatePersistenceManager,
  planned: readonly PlannedImport[],
  dryRun: boolean,
): Promise<ReadonlyMap<string, number>> {
  if (!dryRun)
    return new Map((await manager.list()).map(({ conversationId, backupCount }) => [conversationId, backupCount]));
  return new Map(
    planned.map(({ id, conversation: { points, version } }) => [
      id,
      points.length + (points.at(-1)?.version.revision === version.revision ? 0 : 1),
    ]),
  );
}

function render(
  planned: readonly PlannedImport[],
  backups: ReadonlyMap<string, number>,
  context: CommandContext,
): string {
  const { style, width } = context.output;
  return renderTable({
    style,
    width,
    columns: [
      { title: "ID" },
      { title: "TITLE", shrink: true, minimum: 10 },
      { title: "MSGS", align: "right" },
      { title: "BACKUPS", align: "right" },
    ],
    rows: planned.map(({ id, conversation: { version } }) => [
      id,
      titleOf(version),
      formatCount(messagesOf(version.state).length),
      formatCount(backups.get(id) ?? 0),
    ]),
  });
}

async function importFile(file: string, options: ImportCommandOptions, context: CommandContext): Promise<void> {
  const manager = context.manager();
  const { output } = context;
  const imported = await read(file, options, context);
  const planned = await plan(manager, imported, file, options);
  assertFree(planned, options);
  const fresh = planned.filter((entry) => !entry.exists);
  const dryRun = options.dryRun === true;
  if (!dryRun) await writeAll(manager, fresh, context);
  const backups = await backupCounts(manager, fresh, dryRun);
  if (context.json)
    output.json({
      format: imported.format,
      dryRun,
      imported: fresh.map((entry) => describe(entry, backups)),
      skipped: planned.filter((entry) => entry.exists).map((entry) => entry.id),
    });
  else if (fresh.length > 0) output.line(render(fresh, backups, context));
  say(imported, planned, fresh, dryRun, context);
}

function say(
  imported: Imported,
  planned: readonly PlannedImport[],
  fresh: readonly PlannedImport[],
  dryRun: boolean,
  context: CommandContext,
): void {
  const { output } = context;
  const [only, ...more] = fresh;
  const skipped = planned.length - fresh.length;
  output.message(
    `${dryRun ? "would import" : "imported"} ${pluralize(fresh.length, "conversation")} from ${FORMAT_NAMES[imported.format] ?? imported.format}${skipped === 0 ? "" : `; ${pluralize(skipped, "exists", "exist")} already`}`,
  );
  if (!dryRun && only !== undefined && more.length === 0) output.message(`look at it with: draftstate show ${only.id}`);
}

export const registerImport: Register = (program, run) => {
  program
    .command("import <file>")
    .summary("bring conversations in from a file, without loss")
    .description(
      "Bring conversations in: exports and files of draftstate, files of its draft, lists of messages, llm logs --json, ChatGPT's conversations.json, Claude Code's sessions. - reads stdin. All are checked before one is written.",
    )
    .option("--id <id>", "under this id, where the file holds one conversation")
    .option("--dry-run", "say what would be imported, and write nothing")
    .option("--skip-existing", "leave out conversations whose id is taken")
    .option("--accept", "take one of our own files although its checksum differs")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate import story.json --id story-2\n  llm logs --json -n 0 | draftstate import - --skip-existing\n  draftstate import conversations.json --dry-run\n  draftstate import ~/.claude/projects/my-project/0b1c….jsonl",
    )
    .action((file: string, options: ImportCommandOptions) => run((context) => importFile(file, options, context)));
};
