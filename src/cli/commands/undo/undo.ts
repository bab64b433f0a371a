/** `undo`: undoes the last restore, prune, rm, repair or rename. */
import { DraftstateError, isDraftstateError } from "../../../errors.js";
import type { DraftStatePersistenceManager } from "../../../manager.js";
import type { UndoResult } from "../../../operations/undo/undone.js";
import type { UndoPreview } from "../../../operations/undo/undone.js";
import type { CommandContext } from "../../context.js";
import { resolveTarget, shownId, type Target } from "../../arguments/resolve-target.js";
import { formatAge, formatBytes, pluralize } from "../../terminal/text/format.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";
import { describeUndone } from "./descriptions.js";
import { listOperations } from "./list.js";
import type { Register } from "../registration.js";

interface UndoOptions {
  readonly at?: string;
  readonly list?: boolean;
  readonly emptyTrash?: boolean;
  readonly yes?: boolean;
}

/** Among the conversations of past operations: one that was removed is known only from its operation. */
async function resolveUndone(manager: DraftStatePersistenceManager, wanted: string): Promise<Target> {
  const operations = await manager.operations();
  const targets = new Map<string, Target>(
    operations.map(({ kind, conversationId: id }) => [`${kind}:${id}`, { kind, id } satisfies Target] as const),
  );
  const all = [...targets.values()];
  const exact = [...all.filter(({ id }) => id === wanted), targets.get(wanted)].filter((one) => one !== undefined);
  const fits = exact.length > 0 ? exact : all.filter(({ id }) => wanted !== "" && id.startsWith(wanted));
  const [only, ...others] = fits;
  if (only === undefined) return resolveTarget(manager, wanted);
  if (others.length === 0) return only;
  if (exact.length > 0)
    throw new DraftstateError(
      "USAGE",
      `${JSON.stringify(wanted)} is a conversation and a thread: type "conversation:${wanted}" or "thread:${wanted}"`,
    );
  throw new DraftstateError(
    "USAGE",
    `${JSON.stringify(wanted)} matches ${fits.length} conversations with operations to undo: give more characters of the id ("draftstate undo --list" shows them)`,
  );
}

async function emptyTrash(
  manager: DraftStatePersistenceManager,
  options: UndoOptions,
  context: CommandContext,
): Promise<number> {
  const { output } = context;
  const count = (await manager.operations()).length;
  if (
    count > 0 &&
    context.mayAsk(options) &&
    !(await context.confirm(
      `Empty the trash permanently? ${pluralize(count, "operation")} can then no longer be undone. [y/N] `,
    ))
  ) {
    output.message("nothing was removed");
    return 1;
  }
  const bytesFreed = await manager.emptyTrash();
  if (context.json) output.json({ bytesFreed });
  else
    output.message(
      count === 0 && bytesFreed === 0
        ? "the trash is empty"
        : `freed ${formatBytes(bytesFreed)}; nothing can be undone now`,
    );
  return 0;
}

/** False if the person declines. Asks because of changes made since, although a backup keeps them. */
async function agreed(preview: UndoPreview, options: UndoOptions, context: CommandContext): Promise<boolean> {
  const { operation, conversationId, at } = preview;
  const name = toSafeLine(shownId(conversationId));
  const kept = preview.kind === "thread" ? "copied to quarantine" : "kept as a backup";
  const warning = `${name} was changed since the ${operation} of ${formatAge(new Date(at), context.now())}; undoing replaces the current state, which is ${kept}`;
  if (context.mayAsk(options)) return context.confirm(`${warning}. Undo the ${operation} anyway? [y/N] `);
  context.output.message(warning);
  return true;
}

/** Undoing a repair brings damaged files back: another repair may be needed. */
async function needsRepair(manager: DraftStatePersistenceManager, id: string): Promise<boolean> {
  return manager.load(id).then(
    () => false,
    (error: unknown) => isDraftstateError(error, "CORRUPT"),
  );
}

async function say(
  manager: DraftStatePersistenceManager,
  result: UndoResult,
  preview: UndoPreview | undefined,
  context: CommandContext,
): Promise<void> {
  const { output } = context;
  const { operation, conversationId, conversationIds, safetyBackup, at } = result;
  const what = preview === undefined ? "" : describeUndone(preview, result);
  output.message(
    `undid the ${operation} of ${toSafeLine(conversationIds.map(shownId).join(", "))}, ${formatAge(new Date(at), context.now())}${what === "" ? "" : `: ${what}`}`,
  );
  if (safetyBackup !== null)
    output.message(`the state before is kept: draftstate restore ${conversationId} --backup ${safetyBackup}`);
  if (operation === "repair" && result.kind === "thread")
    output.message(`it needs repair again: draftstate repair ${toSafeLine(shownId(conversationId))}`);
  else if (operation === "repair" && (await needsRepair(manager, conversationId)))
    output.message(`it needs repair again: draftstate repair ${conversationId}`);
}

async function takeBack(
  manager: DraftStatePersistenceManager,
  target: Target | undefined,
  options: UndoOptions,
  context: CommandContext,
): Promise<number> {
  const wanted = { ...target, ...(options.at === undefined ? {} : { at: options.at }) };
  const [preview] = await manager.previewUndos({ ...wanted, last: true });
  if (preview?.changedSince === true && !(await agreed(preview, options, context))) {
    context.output.message("nothing was undone");
    return 1;
  }
  const { id, ...rest } = wanted as Partial<Target> & { readonly at?: string };
  const result = await manager.undo(id, rest);
  if (context.json) context.output.json(result);
  else await say(manager, result, preview, context);
  return 0;
}

function assertOneThing(wanted: string | undefined, { at, list: lists, emptyTrash: empties }: UndoOptions): void {
  if (empties === true && (wanted !== undefined || lists === true || at !== undefined)) {
    throw new DraftstateError(
      "USAGE",
      "--empty-trash cannot be used with an id or another option: it empties the whole trash",
    );
  }
  if (lists === true && at !== undefined) throw new DraftstateError("USAGE", "--list and --at cannot be used together");
}

export const registerUndo: Register = (program, run) => {
  program
    .command("undo [id]")
    .summary("undo the last restore, prune, rm, repair or rename")
    .description(
      "Undo the last restore, prune, rm, repair or rename, of one conversation or LangGraph thread, or of all. Run it again to undo the one before; draftstate redo reverts an undo.",
    )
    .option("--at <time>", "undo the operation of this time, or a prefix of it, as --list shows it")
    .option("--list", "list what can be undone, newest first, and what was undone")
    .option("--empty-trash", "permanently delete everything that is kept for undo")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate undo --list\n  draftstate undo\n  draftstate undo draft_chat_17\n  draftstate undo --at 2026-01-14T21:30",
    )
    .action((wanted: string | undefined, options: UndoOptions) =>
      run(async (context) => {
        assertOneThing(wanted, options);
        const manager = await context.reader();
        if (options.emptyTrash === true) return emptyTrash(manager, options, context);
        const target = wanted === undefined ? undefined : await resolveUndone(manager, wanted);
        if (options.list !== true) return takeBack(manager, target, options, context);
        await listOperations(manager, target, context);
        return 0;
      }),
    );
};
