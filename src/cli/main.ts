/** The command line: builds the program, runs one command, turns what went wrong into one line and an exit status. */
import { basename } from "node:path";
import process from "node:process";
import { Command, CommanderError, Option } from "commander";
import { isDraftstateError, messageOf } from "../errors.js";
import { createDraftStatePersistenceManager } from "../create-manager.js";
import type { Run } from "./commands/registration.js";
import { commandsFor } from "./command-list.js";
import { CommandContext, type GlobalOptions } from "./context.js";
import { candidatesFor } from "./commands/completion/candidates.js";
import { exitStatusOf, INTERRUPTED } from "./exit-status.js";
import { Output } from "./output.js";
import { ALL_SETTINGS, resolveCliSettings } from "./settings/settings.js";
import { standardInput, standardStream } from "./standard-stream.js";
import { isEnding } from "./terminal/input/interrupts.js";
import { toSafeLine } from "./terminal/text/safe-text.js";
import { QuestionInterrupted } from "./terminal/input/prompt.js";
import { usageMessage } from "./arguments/usage-errors.js";
import { readVersion } from "./version.js";

const USAGE = 2;
/** Milliseconds. */
const GRACE = 1000;
/** Hidden: asked by the scripts of `completion`. */
const COMPLETE = "__complete";

class Main {
  readonly #output = new Output({ stdout: standardStream(1), stderr: standardStream(2), env: process.env });
  readonly #json: boolean;
  readonly #verbose: boolean;
  #status = 0;
  #help = (): string => "";
  #commands: readonly string[] = [];

  constructor(private readonly argv: readonly string[]) {
    // Also right where the arguments cannot be parsed.
    this.#json = argv.includes("--json");
    this.#verbose = argv.includes("--verbose");
  }

  async run(): Promise<number> {
    if (this.argv[0] === COMPLETE) return this.#complete(this.argv.slice(this.argv[1] === "--" ? 2 : 1));
    try {
      await this.#parse(await this.#program(this.argv));
      return this.#status;
    } catch (error) {
      return this.#fail(error);
    }
  }

  async #parse(program: Command): Promise<void> {
    try {
      await program.parseAsync(this.argv, { from: "user" });
    } catch (error) {
      const [help, unknown] = program.args;
      if (help !== "help" || unknown === undefined || !isHelp(error)) throw error;
      // Help of what there is not: refused as the command itself is.
      await program.parseAsync([unknown], { from: "user" });
    }
  }

  /** Waits until all is written; the exit status, which a failure to write changes too. */
  async finish(status: number): Promise<number> {
    await this.#flushed(status);
    const { failure } = this.#output;
    return failure === undefined || status !== 0 ? status : this.#fail(failure);
  }

  /** Whoever was asked to end does not wait for a reader that has stopped reading: all there is to say is on disk. */
  async #flushed(status: number): Promise<void> {
    const flushed = this.#output.flushed();
    if (status !== INTERRUPTED && !isEnding(status)) return flushed;
    const patience = new Promise<void>((resolve) => {
      setTimeout(resolve, GRACE);
    });
    await Promise.race([flushed, patience]);
  }

  /** For shells, at each press of a key: what cannot be said is left unsaid. */
  async #complete(words: readonly string[]): Promise<number> {
    try {
      const candidates = await candidatesFor(await this.#program([]), words, ({ config, ...flags }) => {
        const { stateDir, backupDir } = resolveCliSettings({
          flags: { stateDir: flags.stateDir, backupDir: flags.backupDir },
          env: process.env,
          cwd: process.cwd(),
          configFile: config,
        }).values;
        return createDraftStatePersistenceManager({ stateDir, backupDir });
      });
      this.#output.data(
        candidates
          .map(({ text, description = "" }) => `${toSafeLine(text)}\t${toSafeLine(description)}\n`)
          .join("")
          .replaceAll(/\t\n/g, "\n"),
      );
    } catch {
      return 0;
    }
    return 0;
  }

  async #program(argv: readonly string[]): Promise<Command> {
    const program = new Command("draftstate")
      .description(
        "Keeps the state of a streaming chat agent token by token, in plain JSON files with backups to look at, compare and go back to.",
      )
      .option("-V, --version", "output the version number")
      .on("option:version", () => {
        this.#output.data(`${readVersion()}\n`);
        throw new CommanderError(0, "commander.version", "");
      })
      .option("--state-dir <directory>", "where conversations are kept (default: ./state)")
      .option("--backup-dir <directory>", "where backups are kept (default: ./backup)")
      .option("--config <file>", "settings file, instead of the nearest one found upwards")
      .addOption(new Option("--store <url>", "not in this release").hideHelp())
      .option("--json", "data as JSON on stdout, messages on stderr")
      .option("-q, --quiet", "no messages but warnings and errors")
      .option("--verbose", "more messages, and stacks of errors")
      .addHelpText(
        "after",
        '\nExamples:\n  draftstate chat "Tell me a story"\n  draftstate ls\n  draftstate restore @last --backup @1\n  draftstate prune --max 10',
      )
      .showSuggestionAfterError()
      .exitOverride()
      .configureOutput({
        writeOut: (text) => {
          this.#output.data(text);
        },
        // Said once, by #fail.
        writeErr: () => undefined,
      });
    for (const register of await commandsFor(argv)) register(program, this.#runner(program));
    this.#commands = program.commands.map((command) => command.name());
    this.#help = () => program.helpInformation().trimEnd();
    return program;
  }

  #runner(program: Command): Run {
    return async (act) => {
      const context = this.#context(program);
      try {
        this.#status = (await act(context)) ?? 0;
      } finally {
        await context.close();
      }
    };
  }

  #context(program: Command): CommandContext {
    const globals = program.opts<GlobalOptions>();
    this.#output.quiet = globals.quiet === true;
    const command = program.commands.find(
      (candidate) => candidate.name() === program.args[0] || candidate.aliases().includes(program.args[0] ?? ""),
    );
    const options = { ...command?.opts(), ...globals } as Record<string, unknown>;
    const flags = Object.fromEntries(
      Object.entries(options).filter(
        ([name]) => (name === "store" || name in ALL_SETTINGS) && this.#given(command, program, name),
      ),
    );
    const settings = resolveCliSettings({ flags, env: process.env, cwd: process.cwd(), configFile: globals.config });
    return new CommandContext({
      output: this.#output,
      // Asking for it makes it, which takes longer than many a command.
      get input() {
        return standardInput();
      },
      env: process.env,
      settings,
      json: globals.json === true,
      verbose: globals.verbose === true,
      now: () => new Date(),
      command: `draftstate ${basename(command?.name() ?? "")}`,
    });
  }

  /** A default of commander's is no flag that someone gave. */
  #given(command: Command | undefined, program: Command, name: string): boolean {
    return command?.getOptionValueSource(name) === "cli" || program.getOptionValueSource(name) === "cli";
  }

  #fail(error: unknown): number {
    if (error instanceof CommanderError) return this.#failUsage(error);
    if (error instanceof QuestionInterrupted) return INTERRUPTED;
    const status = exitStatusOf(error);
    this.#say(
      isDraftstateError(error) ? error.code : "UNEXPECTED",
      messageOf(error),
      isDraftstateError(error) ? error.path : undefined,
    );
    if (this.#verbose && error instanceof Error) this.#output.raw(`${error.stack ?? ""}\n`);
    else if (status === 1) this.#output.message("this was not expected: run it again with --verbose for the details");
    return status;
  }

  #failUsage(error: CommanderError): number {
    if (error.exitCode === 0) return 0;
    if (isHelp(error)) {
      // A person gets the whole help, a program one line.
      if (this.#output.errorIsTerminal && !this.#json) this.#output.raw(`${this.#help()}\n`);
      this.#say("USAGE", "no command given: draftstate --help lists them", undefined);
      return USAGE;
    }
    this.#say("USAGE", usageMessage(error, this.#whereToLook()), undefined);
    return USAGE;
  }

  /** The help of the command that was meant, where one is known. */
  #whereToLook(): string {
    const command = this.argv.find((word) => this.#commands.includes(word));
    return command === undefined
      ? "draftstate --help lists what there is"
      : `draftstate help ${command} says how it is used`;
  }

  #say(code: string, message: string, path: string | undefined): void {
    if (this.#json) this.#output.json({ error: { code, message, path: path ?? null } });
    this.#output.error(message);
  }
}

/** Help where something else was asked for; help that was asked for is no error. */
function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.code === "commander.help" && error.exitCode !== 0;
}

export async function main(argv: readonly string[]): Promise<number> {
  const program = new Main(argv);
  return program.finish(await program.run());
}
