/**
 * Commands that messages name, as they work where the person is: the program by the name it has there, with the flags that
 * chose the store of this run. Every room writes `draftstate <verb> …`; this turns it into what can be copied. Pure.
 */
import { replaceActing } from "../formats/acting-characters.js";
import { wrapText } from "./terminal/text/wrap-text.js";

export interface Caller {
  /** What starts the program here, such as `npx draftstate`. */
  readonly program: string;
  /** Of the command line, such as `["--state-dir", "other"]`. */
  readonly flags: readonly string[];
}

export const VERBS = [
  "chat",
  "ls",
  "show",
  "search",
  "watch",
  "backups",
  "diff",
  "restore",
  "backup",
  "fork",
  "rename",
  "rm",
  "undo",
  "redo",
  "export",
  "import",
  "copy",
  "prune",
  "verify",
  "repair",
  "migrate",
  "stats",
  "health",
  "tools",
  "models",
  "init",
  "config",
  "completion",
  "trust",
  "untrust",
];
/** Not the holder of a lock, `draftstate chat (pid 12 on host)`; not a path or a part of a longer name. */
const NAMED = String.raw`(?<![\w/.@-])draftstate (?:(${VERBS.join("|")})\b(?! \(pid)|(?=(?:--help|help)\b))`;
/** These use no store. */
const WITHOUT_STORE = new Set(["completion", "trust", "untrust"]);
/** A space inside a command, while lines are broken at the others: no text holds a noncharacter. */
const HELD_SPACE = "\ufdd0";

/** The same if it is done again: what a command has already is not added twice. */
export function withCommandsOf(caller: Caller, text: string): string {
  if (!text.includes("draftstate ")) return text;
  const { program } = caller;
  const flags = caller.flags.map((flag) => ` ${quoted(flag)}`).join("");
  const runner = /^(.* )draftstate$/.exec(program)?.[1] ?? "";
  const named = new RegExp(`(?:(?<![\\w/.@-])${literal(runner)})?${NAMED}(?:${literal(flags)}(?![^\\s"';:,)]))?`, "g");
  return text.replaceAll(named, (_all, verb: string | undefined) => {
    if (verb === undefined) return `${program} `;
    return `${program} ${verb}${WITHOUT_STORE.has(verb) ? "" : flags}`;
  });
}

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** Lines broken between words, and inside a command only if no row has room for it: it is copied whole. Takes safe text. */
export function wrapMessage(text: string, columns: number | undefined, caller: Caller): string {
  if (columns === undefined || text.length <= columns) return text;
  const rows = wrapText(holdCommands(text, caller.program), columns).split("\n");
  return rows.map((row) => wrapText(row.replaceAll(HELD_SPACE, " "), columns)).join("\n");
}

/** A command ends with the quotes it stands in, else at the end of what is said. */
function holdCommands(text: string, program: string): string {
  const hold = (command: string): string => command.replaceAll(" ", HELD_SPACE);
  const name = literal(program);
  return text
    .replaceAll(new RegExp(`"${name} [^"\\n]*"`, "g"), hold)
    .replaceAll(new RegExp(`(?<=[ (])${name} [^;)\\u001b\\n]*`, "g"), hold);
}

/** For a shell; characters that act on a terminal are written by their code. */
export function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  const plain = word.replaceAll("'", String.raw`'\''`);
  if (!word.includes("\n") && replaceActing(word, codeOf) === word) return `'${plain}'`;
  const codes = replaceActing(word.replaceAll(/['\\]/g, String.raw`\$&`), codeOf).replaceAll("\n", String.raw`\n`);
  return `$'${codes}'`;
}

function codeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
