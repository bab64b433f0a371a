/** `show`: a conversation, readable, with the partial answer in its place; `--json` is the file with its journal applied. */
import { DraftstateError } from "../../../errors.js";
import { isContinuation } from "../../../model/continued.js";
import { metadataOf, statusOf, streamingOf, textOf, messagesOf, type Metadata } from "../../../model/conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../../model/json.js";
import { resolveBackup } from "../../../store/backups.js";
import { decompress } from "../../../store/codec.js";
import { backupKey, fromTimestamp, snapshotKey } from "../../../store/names.js";
import type { DraftStatePersistenceManager } from "../../../manager.js";
import type { CommandContext } from "../../context.js";
import { parseCount } from "../../arguments/parse.js";
import { resolveId, splitPoint } from "../../arguments/resolve-id.js";
import { formatBytes, pluralize } from "../../terminal/text/format.js";
import { renderProperties } from "../../terminal/tables/properties.js";
import { toSafeLine, toSafeText } from "../../terminal/text/safe-text.js";
import { paintStatus } from "../../terminal/text/status.js";
import type { Style } from "../../terminal/text/style.js";
import { wrapText } from "../../terminal/text/wrap-text.js";
import type { Register } from "../registration.js";

interface ShowOptions {
  readonly backup?: string;
  readonly raw?: boolean;
  readonly last?: number;
  readonly inspect?: boolean;
  readonly pager: boolean;
}

interface Shown {
  readonly id: string;
  readonly state: JsonObject;
  readonly metadata: Metadata;
}

async function find(
  manager: DraftStatePersistenceManager,
  id: string,
  options: ShowOptions,
  context: CommandContext,
): Promise<Shown> {
  if (options.backup !== undefined) {
    const { backup, version } = await manager.readBackup(id, options.backup);
    return {
      id,
      state: version.state,
      metadata: metadataOf(version, id, fromTimestamp(backup.timestamp).toISOString()),
    };
  }
  const loaded = await manager.load(id, { allowEdited: true });
  if (loaded === undefined)
    throw new DraftstateError(
      "NOT_FOUND",
      `conversation ${id} has only backups left: "draftstate backups ${id}" lists them, "show ${id} --backup latest" shows one`,
    );
  if (loaded.edited)
    context.output.warning(
      `${id} was edited by hand or damaged (its checksum differs): "draftstate repair ${id}" or "draftstate repair ${id} --accept"`,
    );
  for (const problem of loaded.problems)
    if (!loaded.edited) context.output.warning(`${id}: ${problem.kind}: ${problem.detail}`);
  return { id, state: loaded.state, metadata: loaded.metadata };
}

function heading(style: Style, message: JsonObject, note: string): string {
  const role = textOf(ownValue(message, "role"));
  const [status, model, at] = [ownValue(message, "status"), ownValue(message, "model"), ownValue(message, "createdAt")];
  const marks = [
    typeof model === "string" ? style.dim(toSafeLine(model)) : "",
    typeof at === "string" ? style.dim(toSafeLine(at)) : "",
    typeof status === "string" && status !== "complete" ? paintStatus(style, status)(toSafeLine(status)) : "",
  ];
  const name =
    role === "user"
      ? style.cyan(style.bold("user"))
      : role === "assistant"
        ? style.green(style.bold("assistant"))
        : style.bold(toSafeLine(role));
  return [note === "" ? name : `${name} ${note}`, ...marks].filter((mark) => mark !== "").join("  ");
}

function renderMessage(style: Style, message: Json, width: number | undefined, note: string): string {
  if (!isJsonObject(message)) return toSafeText(JSON.stringify(message));
  const calls = ownValue(message, "toolCalls");
  const called = Array.isArray(calls)
    ? (calls as readonly Json[]).map((call) => style.dim(toSafeLine(`→ ${JSON.stringify(call)}`)))
    : [];
  const error = ownValue(message, "error");
  const failed = isJsonObject(error) ? [style.red(toSafeLine(`! ${textOf(error["message"])}`))] : [];
  const text = wrapText(toSafeText(textOf(ownValue(message, "content"))), width);
  return [heading(style, message, note), ...(text === "" ? [] : [text]), ...called, ...failed].join("\n");
}

function partialAnswer(state: JsonObject): Json[] {
  if (statusOf(state) !== "streaming") return [];
  const streaming = streamingOf(state);
  const [content, createdAt] = [
    ownValue(streaming, "partialResponse") ?? "",
    ownValue(streaming, "streamingStartTime") ?? "",
  ];
  return [{ role: "assistant", content, createdAt, status: "streaming" }];
}

function render(
  { id, state, metadata }: Shown,
  options: ShowOptions,
  { style, width }: CommandContext["output"],
): string {
  const messages = [...messagesOf(state), ...partialAnswer(state)];
  const first = options.last === undefined ? 0 : Math.max(0, messages.length - options.last);
  const shown = messages
    .map((message, index) => ({ message, note: isContinuation(messages, index) ? "(continued)" : "" }))
    .slice(first);
  const title = metadata.title === "" ? id : metadata.title;
  const head = `${style.bold(toSafeLine(title))}\n${style.dim(`${id} · revision ${metadata.revision} · `)}${paintStatus(style, metadata.status)(metadata.status)}`;
  return [head, ...shown.map(({ message, note }) => renderMessage(style, message, width, note))].join("\n\n");
}

async function inspect(manager: DraftStatePersistenceManager, shown: Shown, context: CommandContext): Promise<number> {
  const { id, metadata } = shown;
  const [verification, backups, stat] = [
    await manager.verify(id),
    await manager.listBackups(id),
    await manager.storage.stat(snapshotKey(id)),
  ];
  if (context.json) {
    context.output.json({
      _metadata: metadata,
      files: {
        snapshot: manager.storage.describe(snapshotKey(id)),
        sizeBytes: stat?.size ?? 0,
        backups: backups.length,
      },
      verification,
    });
  } else {
    const { style } = context.output;
    const { extra: _extra, ...known } = metadata;
    const properties = [
      ...Object.entries(known).map(([name, value]) => ({
        name,
        value: typeof value === "object" ? JSON.stringify(value) : String(value),
      })),
      { name: "snapshot", value: `${manager.storage.describe(snapshotKey(id))} (${formatBytes(stat?.size ?? 0)})` },
      { name: "backups", value: String(backups.length) },
      verification.ok
        ? { name: "health", value: "ok", paint: style.green }
        : { name: "health", value: pluralize(verification.problems.length, "problem"), paint: style.red },
    ];
    context.output.line(await renderProperties(properties, style));
    for (const problem of verification.problems)
      context.output.line(`  ${style.red(problem.kind)}  ${toSafeLine(`${problem.path}: ${problem.detail}`)}`);
  }
  return verification.ok ? 0 : 4;
}

async function rawBytes(
  manager: DraftStatePersistenceManager,
  id: string,
  wanted: string | undefined,
): Promise<Uint8Array> {
  const backup = wanted === undefined ? undefined : resolveBackup(await manager.listBackups(id), id, wanted);
  const bytes = await manager.storage.read(backup === undefined ? snapshotKey(id) : backupKey(backup));
  if (bytes === undefined)
    throw new DraftstateError(
      "NOT_FOUND",
      `conversation ${id} has no snapshot: "draftstate show ${id} --raw --backup latest" shows its newest backup`,
    );
  return backup === undefined ? bytes : decompress(bytes, backup.compression);
}

async function raw(bytes: Uint8Array, print: (text: string) => Promise<void>, context: CommandContext): Promise<void> {
  const text = Buffer.from(bytes).toString("utf8");
  if (context.output.isTerminal) await print(toSafeText(text).trimEnd());
  else context.output.data(text);
}

function asFile({ state, metadata }: Shown): object {
  const { extra, ...known } = metadata;
  return { ...state, _metadata: { ...extra, ...known } };
}

export const registerShow: Register = (program, run) => {
  program
    .command("show <id[@backup]>")
    .summary("show a conversation")
    .description("Show a conversation: id, unique prefix of one, or @last.")
    .option("--backup <ts>", "as it was: a timestamp, a prefix of one, latest, or @2 for the third newest")
    .option("--raw", "the file as it is, a compressed backup unpacked")
    .option("-n, --last <count>", "only the last messages", parseCount("--last"))
    .option("--inspect", "metadata, and the health of its files")
    .option("--no-pager", "print all at once")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate show @last\n  draftstate show draft_chat_17 --backup @1\n  draftstate show @last --json | jq .messages",
    )
    .action((wanted: string, given: ShowOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const { wanted: name, point } = splitPoint(wanted);
        if (point !== undefined && given.backup !== undefined)
          throw new DraftstateError("USAGE", `${wanted} and --backup both name a restore point: give one`);
        const options = point === undefined ? given : { ...given, backup: point };
        const id = await resolveId(manager, name);
        const print = (text: string): Promise<void> => context.page(text, { paged: options.pager });
        if (options.raw === true) {
          await raw(await rawBytes(manager, id, options.backup), print, context);
          return 0;
        }
        const shown = await find(manager, id, options, context);
        if (options.inspect === true) return inspect(manager, shown, context);
        if (context.json) context.output.json(asFile(shown));
        else await print(render(shown, options, context.output));
        return 0;
      }),
    );
};
