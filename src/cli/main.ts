/** One run of the program in a given world: arguments to a command, what went wrong to one line and an exit status. */
import { CommanderError, type Command } from "commander";
import { isDraftstateError, messageOf } from "../errors.js";
import { usageMessage } from "./arguments/usage-errors.js";
import type { Run } from "./commands/registration.js";
import type { Caller } from "./command-hints.js";
import { CommandContext, type GlobalOptions } from "./context.js";
import { exitStatusOf, INTERRUPTED } from "./exit-status.js";
import type { Io } from "./io.js";
import { Output } from "./output.js";
import { commandOf, createProgram, givenFlags, isUnaskedHelp, parseArguments } from "./program.js";
import { storeFlags } from "./store-flags.js";
import { ALL_SETTINGS } from "./settings/definitions.js";
import { settingsNotices } from "./settings/notices.js";
import { resolveCliSettings, type ResolvedSettings, type SettingsSources } from "./settings/settings.js";
import { isEnding } from "./terminal/input/interrupts.js";
import { QuestionInterrupted } from "./terminal/input/question-interrupted.js";

const USAGE = 2;
/** Milliseconds that a reader who has stopped reading is waited for. */
const GRACE = 1000;
/** These show what was ignored themselves. */
const ABOUT_SETTINGS = ["config", "trust", "untrust", "completion"];
/** These work where a settings file is broken; `help` reads none. */
const DESPITE_SETTINGS = ["init", "untrust", "completion"];
/** Hidden: called by the scripts of `completion`. */
const COMPLETE = "__complete";

/** Runs one command to its end, all output written; the exit status. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const run = new ProgramRun(argv, io);
  return run.finish(await run.start());
}

class ProgramRun {
  readonly #output: Output;
  readonly #json: boolean;
  readonly #verbose: boolean;
  #status = 0;
  #program: Command | undefined;

  constructor(
    private readonly argv: readonly string[],
    private readonly io: Io,
  ) {
    this.#output = new Output(io);
    this.#output.caller = callerOf(io, []);
    // Needed even if the arguments cannot be parsed.
    this.#json = argv.includes("--json");
    this.#verbose = argv.includes("--verbose");
  }

  async start(): Promise<number> {
    try {
      if (this.argv[0] === COMPLETE) return await this.#complete(this.argv.slice(this.argv[1] === "--" ? 2 : 1));
      await parseArguments(await this.#create(this.argv), this.argv);
      return this.#status;
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** Waits until everything is written; a failure to write changes the exit status. */
  async finish(status: number): Promise<number> {
    await this.#flushed(status);
    const { failure } = this.#output;
    return failure === undefined || status !== 0 ? status : this.#fail(failure);
  }

  /** After Ctrl-C or a signal a reader who has stopped reading is not waited for: everything to be kept is on disk. */
  async #flushed(status: number): Promise<void> {
    const flushed = this.#output.flushed();
    if (status !== INTERRUPTED && !isEnding(status)) return flushed;
    const patience = new Promise<void>((resolve) => {
      setTimeout(resolve, GRACE);
    });
    await Promise.race([flushed, patience]);
  }

  async #complete(words: readonly string[]): Promise<number> {
    const { complete } = await import("./commands/completion/complete.js");
    await complete(await this.#create([]), words, { io: this.io, output: this.#output });
    return 0;
  }

  async #create(argv: readonly string[]): Promise<Command> {
    this.#program = await createProgram(argv, {
      write: (text) => {
        this.#output.data(text);
      },
      runner: (program) => this.#runner(program),
    });
    return this.#program;
  }

  #runner(program: Command): Run {
    return async (act) => {
      const context = this.#context(program);
      try {
        if (!ABOUT_SETTINGS.includes(commandOf(program)?.name() ?? ""))
          for (const notice of settingsNotices(context.resolved)) this.#output.warning(notice);
        await context.connect();
        this.#status = (await act(context)) ?? 0;
      } finally {
        await context.close();
      }
    };
  }

  #context(program: Command): CommandContext {
    const { io } = this;
    const globals = program.opts<GlobalOptions>();
    this.#output.quiet = globals.quiet === true;
    this.#output.caller = callerOf(io, storeFlags(globals));
    const flags = Object.fromEntries(Object.entries(givenFlags(program)).filter(([name]) => name in ALL_SETTINGS));
    return new CommandContext({
      io,
      output: this.#output,
      settings: this.#settings(commandOf(program)?.name() ?? "", {
        flags,
        env: io.env,
        cwd: io.directory,
        home: io.home,
        configFile: globals.config,
      }),
      json: globals.json === true,
      verbose: globals.verbose === true,
      command: `draftstate ${commandOf(program)?.name() ?? ""}`,
    });
  }

  #settings(command: string, sources: SettingsSources): ResolvedSettings {
    try {
      return resolveCliSettings(sources);
    } catch (error) {
      if (!DESPITE_SETTINGS.includes(command) || !isDraftstateError(error, "INVALID_CONFIG")) throw error;
      const settings = resolveCliSettings({ ...sources, readsFiles: false });
      if (command === "init") this.#output.warning(error.message);
      return settings;
    }
  }

  #fail(error: unknown): number {
    if (error instanceof CommanderError) return this.#failUsage(error);
    if (error instanceof QuestionInterrupted) return error.status;
    const status = exitStatusOf(error);
    const known = isDraftstateError(error) ? error : undefined;
    this.#report(known?.code ?? "UNEXPECTED", messageOf(error), known?.path);
    if (this.#verbose && error instanceof Error) this.#output.raw(`${error.stack ?? ""}\n`);
    else if (status === 1) this.#output.message("unexpected error; rerun with --verbose for a stack trace");
    return status;
  }

  #failUsage(error: CommanderError): number {
    if (error.exitCode === 0) return 0;
    if (isUnaskedHelp(error)) {
      // A person gets the whole help, a program one line.
      if (this.#output.errorIsTerminal && !this.#json)
        this.#output.raw(`${this.#program?.helpInformation().trimEnd() ?? ""}\n`);
      this.#report("USAGE", "no command given: draftstate --help lists the commands");
    } else this.#report("USAGE", usageMessage(error, this.#whereToLook()));
    return USAGE;
  }

  /** The help of the command that was meant, if one is known. */
  #whereToLook(): string {
    const names = this.#program?.commands.map((command) => command.name()) ?? [];
    const command = this.argv.find((word) => names.includes(word));
    return command === undefined ? "see draftstate --help" : `see draftstate help ${command}`;
  }

  #report(code: string, text: string, path?: string): void {
    if (this.#json) this.#output.json({ error: { code, message: this.#output.worded(text), path: path ?? null } });
    this.#output.error(text);
  }
}

/** The name of the program is looked up when a message needs it. */
function callerOf(io: Io, flags: readonly string[]): Caller {
  return {
    get program() {
      return io.program;
    },
    flags,
  };
}
