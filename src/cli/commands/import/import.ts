/** `import`: conversations from files, ours or other programs'. All are read and checked before one is written; then each is written whole. */
import { DraftstateError } from "../../../errors.js";
import type { ImportOptions } from "../../../formats/import/imported.js";
import type { DraftStatePersistenceManager } from "../../../manager.js";
import type { CommandContext } from "../../context.js";
import { userDirectory } from "../../settings/user-directory.js";
import { forgetAllowed } from "../../tools/allowed-record.js";
import { planImport, type Plan, type PlannedImport } from "./plan.js";
import { readItems } from "./read.js";
import { placeOf, report } from "./report.js";
import { findSources, type Source } from "./sources.js";
import { startProgress } from "../../terminal/screen/progress.js";
import type { Register } from "../registration.js";

interface ImportCommandOptions {
  readonly id?: string;
  readonly dryRun?: boolean;
  readonly skipExisting?: boolean;
  readonly accept?: boolean;
  readonly strict?: boolean;
}

const DAMAGED = 4;
const MIB = 2 ** 20;

function assertFree(planned: readonly PlannedImport[], options: ImportCommandOptions): void {
  const existing = planned.filter((entry) => entry.exists).map((entry) => entry.id);
  if (existing.length === 0 || options.skipExisting === true) return;
  const shown = existing.slice(0, 3).join(", ");
  const advice =
    planned.length === 1 ? "import it under another with --id <id>" : "leave out what is there with --skip-existing";
  throw new DraftstateError(
    "INVALID_ID",
    `${existing.length === 1 ? `conversation ${shown} exists` : `${existing.length} of these conversations exist (${shown}${existing.length > 3 ? ", …" : ""})`} already: ${advice}; nothing was imported`,
  );
}

function assertWhole({ faults }: Plan): void {
  const [first, ...more] = faults;
  if (first === undefined) return;
  const others = more.length === 0 ? "" : `, and ${more.length} more places`;
  throw new DraftstateError("CORRUPT", `${placeOf(first)} ${first.found}${others}; nothing was imported (--strict)`, {
    path: placeOf(first),
  });
}

/** Reads the sources again: what was planned was not kept. */
async function writeAll(
  manager: DraftStatePersistenceManager,
  planned: readonly PlannedImport[],
  options: ImportOptions,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const bySource = new Map<Source, PlannedImport[]>();
  for (const entry of planned) bySource.set(entry.source, [...(bySource.get(entry.source) ?? []), entry]);
  let written = 0;
  for (const [source, entries] of bySource) {
    const wanted = new Map(entries.map((entry) => [entry.position, entry]));
    let position = -1;
    for await (const item of readItems(source, options)) {
      if (item.kind === "fault") continue;
      position += 1;
      const entry = wanted.get(position);
      if (entry === undefined) continue;
      const { version, points, updatedAt } = item.conversation;
      const request = { id: entry.id, version, points, updatedAt, at: options.at, inBatch: written > 0 };
      await manager.import(request).catch((error: unknown) => {
        throw new ImportCutShort(written, error);
      });
      written += 1;
      onProgress(written, planned.length);
    }
  }
}

/** What was imported before it failed stays. */
class ImportCutShort extends Error {
  constructor(
    readonly written: number,
    readonly reason: unknown,
  ) {
    super("the import was cut short");
  }
}

async function write(
  planned: readonly PlannedImport[],
  options: ImportOptions,
  context: CommandContext,
): Promise<void> {
  const progress = startProgress(context.output, "importing", () => context.now().getTime());
  await forgetAllowed(userDirectory(context.env, context.io.home), new Set(planned.map(({ id }) => id)));
  try {
    await writeAll(await context.manager(), planned, options, progress.update);
  } catch (error) {
    progress.end();
    if (!(error instanceof ImportCutShort)) throw error;
    if (error.written > 0)
      context.output.warning(
        `${error.written} of ${planned.length} were imported before this: run it again with --skip-existing`,
      );
    throw error.reason;
  } finally {
    progress.end();
  }
}

async function importFiles(
  files: readonly string[],
  command: ImportCommandOptions,
  context: CommandContext,
): Promise<number> {
  const manager = await context.manager();
  const options = { at: context.now().toISOString(), acceptEdited: command.accept === true };
  const { sources, others, sideChains } = await findSources(files, context.io);
  const progress = startProgress(context.output, "reading MiB", () => context.now().getTime());
  const plan = await planImport({
    sources,
    options,
    id: command.id,
    ids: await manager.ids(),
    onProgress: (done, total) => {
      progress.update(Math.floor(done / MIB), Math.ceil(total / MIB));
    },
  }).finally(progress.end);
  if (command.strict === true) assertWhole(plan);
  assertFree(plan.conversations, command);
  const fresh = plan.conversations.filter((entry) => !entry.exists);
  const dryRun = command.dryRun === true;
  if (!dryRun) await write(fresh, options, context);
  report({ plan: { ...plan, others: plan.others + others }, fresh, dryRun, sideChains }, context);
  return plan.faults.length > 0 ? DAMAGED : 0;
}

export const registerImport: Register = (program, run) => {
  program
    .command("import <files...>")
    .summary("bring conversations in from files, without loss")
    .description(
      "Bring conversations in: exports and files of draftstate, files of its draft, lists of messages, llm logs --json, exports of ChatGPT and claude.ai (conversations.json or the ZIP archive), sessions of Claude Code and Gemini CLI. A directory stands for all sessions in it, - for stdin. What can be read is imported; what cannot is named, and the exit status is 4.",
    )
    .option("--id <id>", "under this id, where there is one conversation")
    .option("--dry-run", "say what would be imported, and write nothing")
    .option("--skip-existing", "leave out conversations whose id is taken")
    .option("--strict", "import nothing unless everything can be read")
    .option("--accept", "take one of our own files although its checksum differs")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate import story.json --id story-2\n  llm logs --json -n 0 | draftstate import - --skip-existing\n  draftstate import chatgpt-export.zip --dry-run\n  draftstate import ~/.claude/projects --skip-existing",
    )
    .action((files: string[], options: ImportCommandOptions) => run((context) => importFiles(files, options, context)));
};
