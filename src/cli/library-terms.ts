/**
 * Messages of the library in the command's terms: a call of the library becomes the command that does the same, an option
 * the flag or variable. The library never names a command, and no message on a terminal names a call. Pure.
 */
import { quoted } from "./command-hints.js";

const TEXT = String.raw`"((?:[^"\\]|\\.)*)"`;
/** A call with at most a name, and options. */
const CALL = new RegExp(String.raw`\b((?:manager|saver|threads)\.\w+)\((?:${TEXT})?([^()]*)\)`, "g");

interface Given {
  /** As a shell takes it. */
  readonly id: string;
  readonly has: (option: string) => boolean;
}

const COMMANDS: Readonly<Record<string, (given: Given) => string>> = {
  "manager.list": () => "ls",
  "manager.open": ({ id }) => `chat --resume ${id}`,
  "manager.listBackups": ({ id }) => `backups ${id}`,
  "manager.backup": ({ id }) => `backup ${id}`,
  "manager.restore": ({ id }) => `restore ${id} --backup latest`,
  "manager.fork": ({ id, has }) => (has("newId") ? `fork ${id} <new id>` : `fork ${id}`),
  "manager.remove": ({ id, has }) => (has("purge") ? `rm --purge ${id}` : `rm ${id}`),
  "manager.repair": ({ id, has }) => (has("accept") ? `repair ${id} --accept` : `repair ${id}`),
  "manager.verify": () => "verify",
  "manager.operations": () => "undo --list",
  "manager.undone": () => "undo --list",
  "manager.undo": ({ has }) => (has("at") ? "undo --at <time>" : "undo"),
  "manager.emptyTrash": () => "undo --empty-trash",
  "manager.copyTo": () => "copy --to <store>",
  "saver.list": ({ id }) => `backups ${id}`,
  "threads.search": () => "ls --kind thread",
};

const PHRASES: readonly (readonly [RegExp, (all: string, ...groups: string[]) => string])[] = [
  [
    new RegExp(
      String.raw`keep it as a conversation of its own \(readImport\(${TEXT}\), manager\.import\(\) as ${TEXT}\)`,
      "g",
    ),
    (_all, path, id) =>
      `look at it with draftstate import --dry-run --id ${inShell(id)} ${inShell(path)}, keep it as a conversation of its own with draftstate import --id ${inShell(id)} ${inShell(path)}`,
  ],
  [
    new RegExp(String.raw`copy made with manager\.fork\(${TEXT}\)`, "g"),
    (_all, id) => `copy with "draftstate chat --fork ${id}"`,
  ],
  [/\blockTimeout \(milliseconds\)/g, () => "DRAFTSTATE_LOCK_TIMEOUT (milliseconds)"],
  [/\b(another|a shorter|the right) stateDir\b/g, (_all, which) => `${which} --state-dir`],
  [
    /\ba new store needs a backupDir of its own/g,
    () => "a new store needs a --backup-dir of its own, or --store <directory> for both",
  ],
  [/\ba backupDir of its own; if/g, () => "a --backup-dir of its own, or use --store <directory> for both; if"],
  [/\bgive the right storage\b/g, () => "name the right --store"],
  [/\bthe right backupDir\b/g, () => "the right --backup-dir"],
  [/give another store to copy from$/g, () => "check --from"],
  [/\bacceptEdited: true/g, () => "--accept"],
  [/\bcheck the model's name and address/g, () => "check --model and --base-url"],
  [/\bcheck the model's address/g, () => "check --base-url"],
];

export function inCommandTerms(text: string): string {
  let phrased = text;
  for (const [pattern, inCommands] of PHRASES) phrased = phrased.replaceAll(pattern, inCommands);
  return phrased.replaceAll(CALL, commandOf).replaceAll("{ purge: true }", "--purge");
}

function commandOf(call: string, name: string, id: string | undefined, options: string): string {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) return call;
  const words: readonly string[] = options.match(/\w+/g) ?? [];
  return `"draftstate ${command({ id: id === undefined ? "<id>" : inShell(id), has: (option) => words.includes(option) })}"`;
}

/** Of a text in quotes. */
function inShell(written = ""): string {
  try {
    return quoted(JSON.parse(`"${written}"`) as string);
  } catch {
    return quoted(written);
  }
}
