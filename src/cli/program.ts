/** The program as commander knows it: global options, the help text, and the commands that the arguments may mean. */
import { Command, CommanderError, Option } from "commander";
import { commandsFor } from "./command-list.js";
import type { Run } from "./commands/registration.js";
import { readVersion } from "./version.js";

const EXAMPLES = `
Examples:
  draftstate chat "Tell me a story"
  draftstate ls
  draftstate restore @last --backup @1
  draftstate prune --max 10`;

const GLOBAL_OPTIONS = "\nGlobal options (--json, --state-dir, --store, --quiet …): draftstate --help";

export interface ProgramOptions {
  readonly write: (text: string) => void;
  /** How the action of a command of this program is run. */
  readonly runner: (program: Command) => Run;
}

export async function createProgram(argv: readonly string[], { write, runner }: ProgramOptions): Promise<Command> {
  const printVersion = (): never => {
    write(`${readVersion()}\n`);
    throw new CommanderError(0, "commander.version", "");
  };
  const program = new Command("draftstate")
    .description(
      "Keeps the state of a streaming chat agent token by token, in plain JSON files with backups to inspect, compare and restore.",
    )
    .option("-v, --version", "print the version")
    // As commander's own programs have it.
    .addOption(new Option("-V").hideHelp())
    .on("option:version", printVersion)
    .on("option:V", printVersion)
    .option("--state-dir <directory>", "directory of the conversations (default: ./state)")
    .option("--backup-dir <directory>", "directory of the backups (default: ./backup)")
    .option("--config <file>", "settings file to use instead of the nearest one in this or a parent directory")
    .option("--store <store>", "a directory that holds state/ and backup/, or postgresql://user@host/database")
    .option("--json", "data as JSON on stdout, messages on stderr")
    .option("-q, --quiet", "only warnings and errors on stderr")
    .option("--verbose", "more messages, and stack traces of errors")
    .addHelpText("after", EXAMPLES)
    .showSuggestionAfterError()
    .exitOverride()
    // Errors are printed once, by main.
    .configureOutput({ writeOut: write, writeErr: () => undefined });
  for (const register of await commandsFor(argv, program.options)) register(program, runner(program));
  for (const command of program.commands) command.addHelpText("after", GLOBAL_OPTIONS);
  return program;
}

/** Also "help <unknown>" is refused in the way the unknown command itself is. */
export async function parseArguments(program: Command, argv: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    const [help, unknown] = program.args;
    if (help !== "help" || unknown === undefined || !isUnaskedHelp(error)) throw error;
    await program.parseAsync([unknown], { from: "user" });
  }
}

/** Help in place of something else; help that was asked for is no error. */
export function isUnaskedHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.code === "commander.help" && error.exitCode !== 0;
}

/** The command that the arguments name, by name or alias. */
export function commandOf(program: Command): Command | undefined {
  const [word = ""] = program.args;
  return program.commands.find((command) => command.name() === word || command.aliases().includes(word));
}

/** A default of commander is not a flag that the user gave. */
export function givenFlags(program: Command): Readonly<Record<string, unknown>> {
  const command = commandOf(program);
  const isGiven = (name: string): boolean =>
    command?.getOptionValueSource(name) === "cli" || program.getOptionValueSource(name) === "cli";
  const values = { ...command?.opts(), ...program.opts() };
  return Object.fromEntries(Object.entries(values).filter(([name]) => isGiven(name)));
}
