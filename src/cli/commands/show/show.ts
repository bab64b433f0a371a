/** `show`: a conversation, readable, with the partial answer in its place; `--json` is the file with its journal applied. */
import { DraftstateError } from "../../../errors.js";
import { metadataOf } from "../../../model/conversation.js";
import { resolveBackup } from "../../../store/backups.js";
import { decompress } from "../../../store/codec.js";
import { backupKey, fromTimestamp, snapshotKey } from "../../../store/names.js";
import type { DraftStatePersistenceManager } from "../../../manager.js";
import { parseCount } from "../../arguments/parse.js";
import { splitPoint } from "../../arguments/resolve-id.js";
import { resolveTarget, shownId, threadIds, type Target } from "../../arguments/resolve-target.js";
import type { CommandContext } from "../../context.js";
import { loadPresent } from "../../load-present.js";
import { toSafeText } from "../../terminal/text/safe-text.js";
import type { Register } from "../registration.js";
import { inspect } from "./inspect.js";
import { render, type Shown } from "./render.js";

interface ShowOptions {
  readonly backup?: string;
  readonly checkpoint?: string;
  readonly raw?: boolean;
  readonly last?: number;
  readonly inspect?: boolean;
  readonly reasoning?: boolean;
  readonly full?: boolean;
  readonly pager: boolean;
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
  const present = await loadPresent(manager, id, context.output, {
    onlyBackups: `"draftstate backups ${id}" lists them, "draftstate show ${id} --backup latest" shows the newest`,
    edited: `run "draftstate repair ${id}", or "draftstate repair ${id} --accept" to keep the edit`,
  });
  return { id, ...present };
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

/** A thread's id may hold an `@`. */
async function resolveShown(manager: DraftStatePersistenceManager, wanted: string, name: string): Promise<Target> {
  if (name !== wanted && (await threadIds(manager)).includes(wanted)) return { kind: "thread", id: wanted };
  return resolveTarget(manager, name);
}

function withPoint(options: ShowOptions, wanted: string, point: string | undefined): ShowOptions {
  if (point === undefined) return options;
  if (options.backup !== undefined || options.checkpoint !== undefined)
    throw new DraftstateError("USAGE", `${wanted} and an option both name a backup or checkpoint: give one of them`);
  return { ...options, backup: point };
}

export const registerShow: Register = (program, run) => {
  program
    .command("show <id[@backup]>")
    .summary("show a conversation")
    .description(
      "Show a conversation or a LangGraph thread. <id> is an id, a unique prefix or suffix of one, @last, or @2 for the third newest.",
    )
    .option("--backup <ts>", "show a backup: its timestamp, a prefix of it, a tag, latest, or @2 for the third newest")
    .option(
      "--checkpoint <checkpoint>",
      "of a LangGraph thread, show a checkpoint: its id, latest, or @2 for the third newest",
    )
    .option("--raw", "print the file as it is, a compressed backup decompressed")
    .option("-n, --last <count>", "show only the last <count> messages", parseCount("--last"))
    .option("--reasoning", "show what the model thought before each answer too")
    .option("--full", "on a terminal, show long results of tools in full")
    .option("--inspect", "show metadata and the health of the files")
    .option("--no-pager", "do not use a pager")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate show @last\n  draftstate show draft_chat_17 --backup @1\n  draftstate show @last --json | jq .messages",
    )
    .action((wanted: string, given: ShowOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const { wanted: name, point } = splitPoint(wanted);
        const { kind, id } = await resolveShown(manager, wanted, name);
        const options = withPoint(given, wanted, kind === "thread" && id === wanted ? undefined : point);
        if (kind === "thread") {
          const { showThread } = await import("../../graph-threads/show-thread.js");
          const checkpoint = options.checkpoint ?? options.backup;
          return showThread(manager, id, { ...options, checkpoint }, context, ({ threadId, state, metadata }) =>
            render({ id: shownId(threadId), state, metadata }, options, context.output),
          );
        }
        if (options.checkpoint !== undefined)
          throw new DraftstateError("USAGE", `${id} is a conversation, which has backups: use --backup`);
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
