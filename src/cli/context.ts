/** What a command is given: settings, streams, the manager when it asks for one. Commands never reach for `process`. */
import { DraftstateError } from "../errors.js";
import { createDraftStatePersistenceManager } from "../create-manager.js";
import type { DraftStatePersistenceManager } from "../manager.js";
import type { LogEntry, Logger, LogLevel } from "../metrics/event-log.js";
import { SETTINGS } from "../store/settings.js";
import type { Storage } from "../storage/storage.js";
import { logLine } from "./terminal/text/log-line.js";
import type { Output } from "./output.js";
import type { ResolvedSettings } from "./settings/settings.js";

export interface InputStream extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  readonly fd?: number;
}

export interface GlobalOptions {
  readonly stateDir?: string;
  readonly backupDir?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

export interface ContextOptions {
  readonly output: Output;
  readonly input: InputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly settings: ResolvedSettings;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly now: () => Date;
  /** For others who find our lock. */
  readonly command: string;
}

export class CommandContext {
  readonly output: Output;
  readonly json: boolean;
  #manager: DraftStatePersistenceManager | undefined;

  constructor(readonly options: ContextOptions) {
    this.output = options.output;
    this.json = options.json;
  }

  get settings(): ResolvedSettings["values"] {
    return this.options.settings.values;
  }

  now(): Date {
    return this.options.now();
  }

  /** One for the whole command, reporting on stderr what a person must know. */
  manager(storage?: Storage): DraftStatePersistenceManager {
    this.#manager ??= this.#createManager(storage);
    return this.#manager;
  }

  /** The manager of a store that is there. A state directory that was named and is missing is a mistake; the default one is just empty. */
  async reader(): Promise<DraftStatePersistenceManager> {
    const manager = this.manager();
    const { stateDir } = this.settings;
    if (this.options.settings.origins["stateDir"] !== "default" && !(await manager.storage.exists())) {
      throw new DraftstateError(
        "NOT_FOUND",
        `there is no state directory ${stateDir}: check --state-dir, or begin a conversation there with "draftstate chat"`,
        { path: stateDir },
      );
    }
    return manager;
  }

  async close(): Promise<void> {
    await this.#manager?.close();
  }

  #createManager(storage: Storage | undefined): DraftStatePersistenceManager {
    const values = this.settings as unknown as Record<string, unknown>;
    const core = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, values[name]]));
    const manager = createDraftStatePersistenceManager({
      ...core,
      command: this.options.command,
      telemetry: false,
      ...(storage === undefined ? {} : { storage }),
      ...(this.options.verbose ? { logger: this.#logger() } : {}),
    });
    const { output } = this;
    manager.on("recovered", ({ conversationId, source, problems, quarantined }) => {
      const what =
        problems.length === 0
          ? "its last answer was cut off and is kept as interrupted"
          : problems.map((problem) => problem.detail).join("; ");
      const kept = quarantined.length === 0 ? "" : ` (kept: ${quarantined.join(", ")})`;
      output.warning(`recovered ${conversationId} from ${source}: ${what}${kept}`);
    });
    manager.on("warning", ({ conversationId, message }) => {
      output.warning(`${conversationId}: ${message}`);
    });
    manager.on("fallback", ({ conversationId, active, directory }) => {
      if (active)
        output.warning(
          `the state directory cannot be written: ${conversationId} is saved in ${directory} until it can`,
        );
      else output.message(`${conversationId} is saved in the state directory again`);
    });
    manager.on("alert", ({ state, message }) => {
      if (state === "firing") output.warning(`alert: ${message}`);
      else output.message(`alert over: ${message}`);
    });
    manager.on("monitoringError", ({ source, message }) => {
      if (source === "webhook") output.warning(message);
    });
    return manager;
  }

  /** `--verbose`: a line for each event. */
  #logger(): Logger {
    const at =
      (level: LogLevel) =>
      (entry: LogEntry): void => {
        this.output.message(logLine(level, entry));
      };
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }
}
