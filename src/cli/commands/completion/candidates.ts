/** Completions at the cursor: commands, options, choices, ids, backup timestamps. Reads names instead of files where possible. */
import type { Command } from "commander";
import { listBackupNames } from "../../../store/backups.js";
import type { DraftStatePersistenceManager } from "../../../manager.js";
import { resolveTarget, shownId, threadIds } from "../../arguments/resolve-target.js";
import { readTypedLine, visibleCommands, type TypedLine } from "./typed-line.js";

export interface Candidate {
  readonly text: string;
  readonly description?: string;
}

export const FILES = ":files";
export const DIRECTORIES = ":directories";

/** A manager for these flags, made only where names are wanted. */
export type OpenManager = (flags: {
  readonly store?: string;
  readonly stateDir?: string;
  readonly backupDir?: string;
  readonly config?: string;
}) => DraftStatePersistenceManager;

function commandCandidates(program: Command): Candidate[] {
  return visibleCommands(program).map((command) => ({
    text: command.name(),
    description: command.summary() === "" ? command.description() : command.summary(),
  }));
}

function optionCandidates(commands: readonly Command[]): Candidate[] {
  const options = commands.flatMap((command) => command.createHelp().visibleOptions(command));
  const long = options.flatMap(({ long: text, description }) => (text === undefined ? [] : [{ text, description }]));
  return [...new Map(long.map((one) => [one.text, one])).values()];
}

/** Commands that take a LangGraph thread, too. */
const FOR_THREADS: ReadonlySet<string> = new Set(
  "show backups diff restore rm undo redo export prune verify repair stats".split(" "),
);

/** Of threads those that no shell takes for more than one word. */
async function idCandidates(manager: DraftStatePersistenceManager, command: string): Promise<Candidate[]> {
  const threads = FOR_THREADS.has(command) ? (await threadIds(manager)).filter((id) => shownId(id) === id) : [];
  const ids = [...(await manager.ids()), ...threads];
  return ids.length === 0
    ? []
    : [{ text: "@last", description: "the last conversation" }, ...ids.map((text) => ({ text }))];
}

/** Newest first, as `backups` numbers them. */
async function checkpointCandidates(manager: DraftStatePersistenceManager, threadId: string): Promise<Candidate[]> {
  const { ownCheckpoints } = await import("../../../operations/graph-threads/list-checkpoints.js");
  return manager.threads
    .get(threadId)
    .read((view) => Promise.resolve(ownCheckpoints(view.index)))
    .then((entries) => entries.map(({ id }, index) => ({ text: id, description: `@${index}` })));
}

async function backupCandidates(manager: DraftStatePersistenceManager, line: TypedLine): Promise<Candidate[]> {
  const [wanted = line.values["resume"] ?? line.values["fork"]] = line.positionals;
  if (wanted === undefined) return [];
  const { kind, id } = await resolveTarget(manager, wanted);
  if (kind === "thread") return checkpointCandidates(manager, id);
  const names = await listBackupNames(manager.storage, id);
  const now: Candidate[] = line.command?.name() === "diff" ? [{ text: "now", description: "as it is now" }] : [];
  const latest: Candidate[] = names.length === 0 ? [] : [{ text: "latest", description: "the newest" }];
  return [...now, ...latest, ...names.map(({ timestamp }, index) => ({ text: timestamp, description: `@${index}` }))];
}

/** What candidates are made of; each is asked only where it is wanted. */
export interface Sources {
  readonly open: OpenManager;
  /** Names that `--model` understands with these flags. */
  readonly models: (flags: { readonly config?: string }) => readonly string[];
}

async function valueCandidates(name: string, line: TypedLine, { open, models }: Sources): Promise<Candidate[]> {
  switch (name) {
    case "model":
      return models(line.values).map((text) => ({ text }));
    case "id":
    case "id[@backup]":
      return idCandidates(open(line.values), line.command?.name() ?? "");
    case "ts":
    case "checkpoint":
    case "from":
    case "to":
      return backupCandidates(open(line.values), line);
    case "file":
      return [{ text: FILES }];
    case "directory":
      return [{ text: DIRECTORIES }];
    default:
      return [];
  }
}

/** Only those that start with what is typed. */
export async function candidatesFor(
  program: Command,
  words: readonly string[],
  sources: Sources,
): Promise<Candidate[]> {
  const line = readTypedLine(program, words);
  const { wanted, prefix } = line;
  switch (wanted.kind) {
    case "nothing":
      return [];
    case "command":
      return startingWith(prefix, "", commandCandidates(program));
    case "option":
      return startingWith(prefix, "", optionCandidates(wanted.commands));
    case "value": {
      const found =
        wanted.choices.length > 0
          ? wanted.choices.map((text) => ({ text }))
          : await valueCandidates(wanted.name, line, sources);
      return startingWith(prefix, wanted.before, found);
    }
  }
}

function startingWith(prefix: string, before: string, candidates: readonly Candidate[]): Candidate[] {
  return candidates
    .filter(({ text }) => text === FILES || text === DIRECTORIES || text.startsWith(prefix))
    .map((one) => (one.text === FILES || one.text === DIRECTORIES ? one : { ...one, text: before + one.text }));
}
