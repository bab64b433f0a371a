/** The words of an unfinished command line, read leniently: which command, which options and arguments, and what the last word is to be. Pure. */
import type { Argument, Command, Option } from "commander";

export type Wanted =
  | { readonly kind: "command" }
  | { readonly kind: "option"; readonly commands: readonly Command[] }
  /** The value of an option or an argument, known by its placeholder; `before` precedes it in the same word. */
  | { readonly kind: "value"; readonly name: string; readonly choices: readonly string[]; readonly before: string }
  | { readonly kind: "nothing" };

export interface TypedLine {
  readonly command: Command | undefined;
  readonly positionals: readonly string[];
  /** Values given to options, by their attribute name. */
  readonly values: Readonly<Record<string, string>>;
  readonly wanted: Wanted;
  /** The word being typed, without what precedes the value in it. */
  readonly prefix: string;
}

export function visibleCommands(program: Command): readonly Command[] {
  return program.createHelp().visibleCommands(program);
}

function named(program: Command, name: string): Command | undefined {
  return visibleCommands(program).find((command) => command.name() === name || command.aliases().includes(name));
}

function placeholderOf(option: Option): string {
  return /[<[](.+?)\.{0,3}[>\]]$/.exec(option.flags)?.[1] ?? "";
}

function valueOf(option: Option, before: string): Wanted {
  return { kind: "value", name: placeholderOf(option), choices: option.argChoices ?? [], before };
}

function argumentAt(command: Command, index: number): Argument | undefined {
  const known = command.registeredArguments;
  const last = known.at(-1);
  return known[index] ?? (last?.variadic === true ? last : undefined);
}

class Reader {
  command: Command | undefined;
  readonly positionals: string[] = [];
  readonly values: Record<string, string> = {};
  /** The option whose value comes next. */
  #pending: Option | undefined;
  #onlyArguments = false;

  constructor(private readonly program: Command) {}

  read(word: string): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined && !(pending.optional && word.startsWith("-")))
      this.values[pending.attributeName()] = word;
    else if (word === "--" && !this.#onlyArguments) this.#onlyArguments = true;
    else if (word.startsWith("-") && word !== "-" && !this.#onlyArguments) this.#readOption(word);
    else if (this.command === undefined) this.command = named(this.program, word);
    else this.positionals.push(word);
  }

  wanted(word: string): { readonly wanted: Wanted; readonly prefix: string } {
    const pending = this.#pending;
    if (pending !== undefined && !(pending.optional && word.startsWith("-")))
      return { wanted: valueOf(pending, ""), prefix: word };
    if (word.startsWith("-") && !this.#onlyArguments) return this.#wantedOption(word);
    if (this.command === undefined)
      return { wanted: this.positionals.length === 0 ? { kind: "command" } : { kind: "nothing" }, prefix: word };
    const argument = argumentAt(this.command, this.positionals.length);
    if (argument === undefined) return { wanted: { kind: "nothing" }, prefix: word };
    if (this.command.name() === "help") return { wanted: { kind: "command" }, prefix: word };
    return {
      wanted: { kind: "value", name: argument.name(), choices: argument.argChoices ?? [], before: "" },
      prefix: word,
    };
  }

  #wantedOption(word: string): { readonly wanted: Wanted; readonly prefix: string } {
    const [flag = "", value] = word.split(/=(.*)/s, 2);
    const option = value === undefined ? undefined : this.#option(flag);
    if (option !== undefined) return { wanted: valueOf(option, `${flag}=`), prefix: value ?? "" };
    return {
      wanted: { kind: "option", commands: this.command === undefined ? [this.program] : [this.command, this.program] },
      prefix: word,
    };
  }

  #readOption(word: string): void {
    const [flag = "", value] = word.split(/=(.*)/s, 2);
    const option = this.#option(flag);
    if (option === undefined) return;
    if (value !== undefined) this.values[option.attributeName()] = value;
    else if (option.required || option.optional) this.#pending = option;
  }

  #option(flag: string): Option | undefined {
    const known = [...(this.command?.options ?? []), ...this.program.options];
    return known.find((option) => option.long === flag || option.short === flag);
  }
}

/** The last of the words is the one being typed, perhaps empty. */
export function readTypedLine(program: Command, words: readonly string[]): TypedLine {
  const reader = new Reader(program);
  for (const word of words.slice(0, -1)) reader.read(word);
  const { wanted, prefix } = reader.wanted(words.at(-1) ?? "");
  return { command: reader.command, positionals: reader.positionals, values: reader.values, wanted, prefix };
}
