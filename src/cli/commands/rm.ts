/** `rm`: moves conversations to the trash with their backups; `undo` brings them back. */
import { DraftstateError } from "../../errors.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import type { RemoveResult } from "../../operations/remove.js";
import { copiesOf } from "../../operations/verify/conflict-copies.js";
import { messagesOf } from "../../model/conversation.js";
import { isJsonObject } from "../../model/json.js";
import { PromptHistory } from "../chat/prompt-history.js";
import type { CommandContext } from "../context.js";
import { resolveTarget, shownId, type Target } from "../arguments/resolve-target.js";
import { formatBytes, pluralize } from "../terminal/text/format.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { forgetAllowed } from "../tools/allowed-record.js";
import { userDirectory } from "../settings/user-directory.js";
import type { Register } from "./registration.js";

interface RmOptions {
  readonly yes?: boolean;
  readonly purge?: boolean;
  readonly dryRun?: boolean;
}

/** Finds everything named before anything is removed; one that is named twice counts once. */
async function resolveAll(
  manager: DraftStatePersistenceManager,
  wanted: readonly string[],
): Promise<{ readonly kind: Target["kind"]; readonly ids: readonly string[] }> {
  const targets: Target[] = [];
  for (const each of wanted) targets.push(await resolveTarget(manager, each));
  const kind = targets[0]?.kind ?? "conversation";
  if (targets.some((target) => target.kind !== kind))
    throw new DraftstateError(
      "USAGE",
      "conversations and threads cannot be removed by one command: run it for each kind, so that each can be undone",
    );
  return { kind, ids: [...new Set(targets.map(({ id }) => id))] };
}

async function removeAll(
  manager: DraftStatePersistenceManager,
  { kind, ids }: Awaited<ReturnType<typeof resolveAll>>,
  options: { readonly purge: boolean; readonly dryRun: boolean },
): Promise<RemoveResult[]> {
  if (kind === "conversation") return manager.removeAll(ids, options);
  const { removeThreads } = await import("../../operations/graph-threads/change-threads.js");
  return removeThreads(manager.threads, ids, options);
}

async function agreed(ids: readonly string[], options: RmOptions, context: CommandContext): Promise<boolean> {
  if (!context.mayAsk(options)) return true;
  const forGood = options.purge === true || context.settings.trashDays === 0;
  return context.confirm(
    `${forGood ? "Delete" : "Move"} ${toSafeLine(ids.map(shownId).join(", "))} and all backups ${forGood ? "permanently? This cannot be undone." : "to the trash?"} [y/N] `,
  );
}

/** What a person typed in these conversations, kept for the prompt of the next ones. */
async function promptsIn(manager: DraftStatePersistenceManager, ids: readonly string[]): Promise<Set<string>> {
  const prompts = new Set<string>();
  for (const id of ids) {
    // What cannot be read has nothing to find by.
    const loaded = await manager.load(id).catch(() => undefined);
    if (loaded === undefined) continue;
    for (const message of messagesOf(loaded.state)) {
      if (!isJsonObject(message) || message["role"] !== "user") continue;
      if (typeof message["content"] === "string") prompts.add(message["content"]);
    }
  }
  return prompts;
}

function say(results: readonly RemoveResult[], { output }: CommandContext): void {
  for (const { conversationId, removed, bytes, purged } of results) {
    output.message(
      `removed ${toSafeLine(shownId(conversationId))}${purged ? " permanently" : ""}: ${pluralize(removed.length, "file")}, ${formatBytes(bytes)}`,
    );
  }
  const [only, ...others] = results;
  if (only === undefined || only.purged) return;
  output.message(
    `undo it with: draftstate undo${others.length === 0 ? ` ${toSafeLine(shownId(only.conversationId))}` : ""}`,
  );
}

/**
 * An earlier one of the same id, that was moved to the trash, is another, and a second copy that a sync tool made may hold something else; but
 * the person who purges must know of their text.
 */
async function sayWhatStays(
  manager: DraftStatePersistenceManager,
  results: readonly RemoveResult[],
  { output }: CommandContext,
): Promise<void> {
  const purged = new Set(results.filter((result) => result.purged).map(({ conversationId }) => conversationId));
  if (purged.size === 0) return;
  const kept = (await manager.operations()).filter(({ conversationId }) => purged.has(conversationId));
  for (const id of new Set(kept.map(({ conversationId }) => conversationId)))
    output.message(
      `an earlier ${toSafeLine(shownId(id))} stays in the trash: "draftstate undo --empty-trash" removes all that is there`,
    );
  const { storage } = manager;
  const [state, backup] = await Promise.all([storage.list("state"), storage.list("backup")]);
  for (const path of copiesOf(storage, { state, backup }, purged))
    output.message(
      `${toSafeLine(path)} stays: a second copy that a sync tool or a person made; remove the file if it is to go too`,
    );
}

function sayPreview(results: readonly RemoveResult[], kind: Target["kind"], { output }: CommandContext): void {
  for (const { removed } of results) for (const path of removed) output.line(`would remove ${toSafeLine(path)}`);
  const files = results.reduce((sum, { removed }) => sum + removed.length, 0);
  output.message(
    `${pluralize(results.length, kind)} with ${pluralize(files, "file")} (${formatBytes(results.reduce((sum, { bytes }) => sum + bytes, 0))}) would be removed`,
  );
}

export const registerRm: Register = (program, run) => {
  program
    .command("rm <id...>")
    .summary("move conversations or threads to the trash")
    .description('Move conversations and their backups, or LangGraph threads, to the trash; "undo" brings them back.')
    .option("-y, --yes", "do not ask")
    .option(
      "--purge",
      "delete permanently, also what trash, quarantine and prompt history hold of them; cannot be undone",
    )
    .option("--dry-run", "show what would be removed, without removing")
    .addHelpText("after", "\nExamples:\n  draftstate rm draft_chat_17\n  draftstate undo draft_chat_17")
    .action((wanted: string[], options: RmOptions) =>
      run(async (context) => {
        const manager = await context.reader();
        const { output } = context;
        const found = await resolveAll(manager, wanted);
        const dryRun = options.dryRun === true;
        if (!dryRun && !(await agreed(found.ids, options, context))) {
          output.message("nothing was removed");
          return 1;
        }
        const forGood = options.purge === true && !dryRun && found.kind === "conversation";
        const prompts = forGood ? await promptsIn(manager, found.ids) : new Set<string>();
        if (!dryRun) await forgetAllowed(userDirectory(context.env, context.io.home), new Set(found.ids));
        const results = await removeAll(manager, found, { purge: options.purge === true, dryRun });
        if (prompts.size > 0) await PromptHistory.forget(manager.storage, prompts);
        if (context.json) output.json(results);
        else if (dryRun) sayPreview(results, found.kind, context);
        else say(results, context);
        if (!dryRun) await sayWhatStays(manager, results, context);
        return 0;
      }),
    );
};
