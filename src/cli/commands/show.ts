/** `show`: a conversation, readable, with the partial answer in its place; `--json` is the file with its journal applied. */
import { DraftstateError } from "../../errors.js";
import { metadataOf, statusOf, streamingOf, textOf, messagesOf, type Metadata } from "../../model/conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../model/json.js";
import { contentOf, resolveBackup } from "../../persistence/backups.js";
import { fromTimestamp, snapshotKey } from "../../persistence/layout.js";
import type { DraftStatePersistenceManager } from "../../persistence/manager.js";
import type { CommandContext } from "../context.js";
import { parseCount } from "../parse.js";
import { resolveId } from "../resolve-id.js";
import { formatBytes, pluralize } from "../terminal/format.js";
import { renderProperties } from "../terminal/properties.js";
import { toSafeLine, toSafeText } from "../terminal/safe-text.js";
import { paintStatus } from "../terminal/status.js";
import type { Style } from "../terminal/style.js";
import type { Register } from "./registration.js";

interface ShowOptions {
  readonly backup?: string;
  readonly raw?: boolean;
  readonly last?: number;
  readonly inspect?: boolean;
}

interface Shown {
  readonly id: string;
  readonly state: JsonObject;
  readonly metadata: Metadata;
}

async function find(manager: DraftStatePersistenceManager, id: string, options: ShowOptions, context: CommandContext): Promise<Shown> {
  if (options.backup !== undefined) {
    const backup = resolveBackup(await manager.listBackups(id), id, options.backup);
    const version = contentOf(backup);
    return { id, state: version.state, metadata: metadataOf(version, id, fromTimestamp(backup.timestamp).toISOString()) };
  }
  const loaded = await manager.load(id, { allowEdited: true });
  if (loaded === undefined) throw new DraftstateError("NOT_FOUND", `conversation ${id} has only backups left: "draftstate backups ${id}" lists them, "show ${id} --backup latest" shows one`);
  if (loaded.edited) context.output.warning(`${id} was edited by hand or damaged (its checksum differs): "draftstate repair ${id}" or "draftstate repair ${id} --accept"`);
  for (const problem of loaded.problems) if (!loaded.edited) context.output.warning(`${id}: ${problem.kind}: ${problem.detail}`);
  return { id, state: loaded.state, metadata: loaded.metadata };
}

function heading(style: Style, message: JsonObject): string {
  const role = textOf(ownValue(message, "role"));
  const [status, model, at] = [ownValue(message, "status"), ownValue(message, "model"), ownValue(message, "createdAt")];
  const marks = [
    typeof model === "string" ? style.dim(toSafeLine(model)) : "",
    typeof at === "string" ? style.dim(toSafeLine(at)) : "",
    typeof status === "string" && status !== "complete" ? paintStatus(style, status)(toSafeLine(status)) : "",
  ];
  const name = role === "user" ? style.cyan(style.bold("user")) : role === "assistant" ? style.green(style.bold("assistant")) : style.bold(toSafeLine(role));
  return [name, ...marks].filter((mark) => mark !== "").join("  ");
}

function renderMessage(style: Style, message: Json): string {
  if (!isJsonObject(message)) return toSafeText(JSON.stringify(message));
  const calls = ownValue(message, "toolCalls");
  const called = Array.isArray(calls) ? (calls as readonly Json[]).map((call) => style.dim(toSafeLine(`→ ${JSON.stringify(call)}`))) : [];
  const error = ownValue(message, "error");
  const failed = isJsonObject(error) ? [style.red(toSafeLine(`! ${textOf(error["message"])}`))] : [];
  const text = toSafeText(textOf(ownValue(message, "content")));
  return [heading(style, message), ...(text === "" ? [] : [text]), ...called, ...failed].join("\n");
}

function partialAnswer(state: JsonObject): Json[] {
  if (statusOf(state) !== "streaming") return [];
  const streaming = streamingOf(state);
  const [content, createdAt] = [ownValue(streaming, "partialResponse") ?? "", ownValue(streaming, "streamingStartTime") ?? ""];
  return [{ role: "assistant", content, createdAt, status: "streaming" }];
}

function render({ id, state, metadata }: Shown, options: ShowOptions, style: Style): string {
  const messages = [...messagesOf(state), ...partialAnswer(state)];
  const shown = options.last === undefined ? messages : messages.slice(Math.max(0, messages.length - options.last));
  const title = metadata.title === "" ? id : metadata.title;
  const head = `${style.bold(toSafeLine(title))}\n${style.dim(`${id} · revision ${metadata.revision} · `)}${paintStatus(style, metadata.status)(metadata.status)}`;
  return [head, ...shown.map((message) => renderMessage(style, message))].join("\n\n");
}

async function inspect(manager: DraftStatePersistenceManager, shown: Shown, context: CommandContext): Promise<number> {
  const { id, metadata } = shown;
  const [verification, backups, stat] = [await manager.verify(id), await manager.listBackups(id), await manager.storage.stat(snapshotKey(id))];
  if (context.json) {
    context.output.json({ _metadata: metadata, files: { snapshot: manager.storage.describe(snapshotKey(id)), sizeBytes: stat?.size ?? 0, backups: backups.length }, verification });
  } else {
    const { style } = context.output;
    const { extra: _extra, ...known } = metadata;
    const properties = [
      ...Object.entries(known).map(([name, value]) => ({ name, value: typeof value === "object" ? JSON.stringify(value) : String(value) })),
      { name: "snapshot", value: `${manager.storage.describe(snapshotKey(id))} (${formatBytes(stat?.size ?? 0)})` },
      { name: "backups", value: String(backups.length) },
      verification.ok ? { name: "health", value: "ok", paint: style.green } : { name: "health", value: pluralize(verification.problems.length, "problem"), paint: style.red },
    ];
    context.output.line(renderProperties(properties, style));
    for (const problem of verification.problems) context.output.line(`  ${style.red(problem.kind)}  ${problem.path}: ${toSafeLine(problem.detail)}`);
  }
  return verification.ok ? 0 : 4;
}

async function raw(manager: DraftStatePersistenceManager, id: string, context: CommandContext): Promise<void> {
  const bytes = await manager.storage.read(snapshotKey(id));
  if (bytes === undefined) throw new DraftstateError("NOT_FOUND", `conversation ${id} has no snapshot`);
  const text = Buffer.from(bytes).toString("utf8");
  context.output.data(context.output.isTerminal ? toSafeText(text) : text);
}

function asFile({ state, metadata }: Shown): object {
  const { extra, ...known } = metadata;
  return { ...state, _metadata: { ...extra, ...known } };
}

export const registerShow: Register = (program, run) => {
  program
    .command("show <id>")
    .summary("show a conversation")
    .description("Show a conversation: id, unique prefix of one, or @last.")
    .option("--backup <ts>", "as it was: a timestamp, a prefix of one, latest, or ~2 for the third newest")
    .option("--raw", "the snapshot file as it is")
    .option("-n, --last <count>", "only the last messages", parseCount("--last"))
    .option("--inspect", "metadata, and the health of its files")
    .addHelpText("after", "\nExamples:\n  draftstate show @last\n  draftstate show draft_chat_17 --backup ~1\n  draftstate show @last --json | jq .messages")
    .action((wanted: string, options: ShowOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const id = await resolveId(manager, wanted);
        if (options.raw === true) {
          await raw(manager, id, context);
          return 0;
        }
        const shown = await find(manager, id, options, context);
        if (options.inspect === true) return inspect(manager, shown, context);
        if (context.json) context.output.json(asFile(shown));
        else context.output.line(render(shown, options, context.output.style));
        return 0;
      }),
    );
};
