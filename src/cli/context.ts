/** What a command is given: settings, streams, the manager when it asks for one, and the person at the terminal. */
import { DraftstateError } from "../errors.js";
import { openStore } from "../create-store.js";
import type { DraftStatePersistenceManager } from "../manager.js";
import { foreignFiles, namedFiles } from "../store/foreign.js";
import { SETTINGS } from "../store/settings.js";
import type { Storage } from "../storage/storage.js";
import type { Store } from "../store/store.js";
import { pathIn, type Environment, type InputStream, type Io } from "./io.js";
import { printEvents, verboseLogger } from "./notices.js";
import type { Output } from "./output.js";
import type { ResolvedSettings } from "./settings/settings.js";
import { chosenStore, parseStore, whatChose, type ChosenStore } from "./settings/store-setting.js";

export interface GlobalOptions {
  readonly stateDir?: string;
  readonly backupDir?: string;
  readonly config?: string;
  readonly store?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

interface Directories {
  readonly stateDir: string;
  readonly backupDir: string;
}

export interface ContextOptions {
  readonly io: Io;
  readonly output: Output;
  readonly settings: ResolvedSettings;
  readonly json: boolean;
  readonly verbose: boolean;
  /** Shown to others who find our lock. */
  readonly command: string;
}

export class CommandContext {
  readonly io: Io;
  readonly output: Output;
  readonly json: boolean;
  readonly command: string;
  #manager: DraftStatePersistenceManager | undefined;
  /** The server's, where one is the store. */
  #storage: Storage | undefined;
  /** What ends with the command, the last first. */
  readonly #closers: (() => Promise<void>)[] = [];

  constructor(private readonly options: ContextOptions) {
    this.io = options.io;
    this.output = options.output;
    this.json = options.json;
    this.command = options.command;
  }

  get input(): InputStream {
    return this.io.stdin;
  }

  get verbose(): boolean {
    return this.options.verbose;
  }

  get env(): Environment {
    return this.io.env;
  }

  get settings(): ResolvedSettings["values"] {
    return this.options.settings.values;
  }

  get origins(): ResolvedSettings["origins"] {
    return this.options.settings.origins;
  }

  /** With what was ignored, and why. */
  get resolved(): ResolvedSettings {
    return this.options.settings;
  }

  now(): Date {
    return this.io.now();
  }

  /** Of a file that a person named. */
  pathOf(path: string): string {
    return pathIn(this.io, path);
  }

  /** Whether a person can be asked, and wants to be. */
  mayAsk({ yes }: { readonly yes?: boolean }): boolean {
    return yes !== true && !this.json && this.output.errorIsTerminal && this.input.isTTY === true;
  }

  /** False for anything but a clear yes. Throws `QuestionInterrupted` at Ctrl-C. */
  async confirm(question: string): Promise<boolean> {
    const { isYes, ask } = await import("./terminal/input/prompt.js");
    return isYes(await ask(this.input, this.output, question));
  }

  /** Pages long text on a terminal, unless `paged` is false. */
  async page(text: string, { paged }: { readonly paged: boolean }): Promise<void> {
    if (!paged || !this.output.isTerminal) this.output.line(text);
    else await (await import("./terminal/screen/pager.js")).printPaged(text, this);
  }

  /** Before the command runs: a server's client is loaded only where a server is the store. */
  async connect(): Promise<void> {
    const store = chosenStore(this.options.settings);
    if (store.kind === "postgres") this.#storage = await this.#openPostgres(store);
  }

  /** One for the whole command; events that a person must know are printed to stderr. */
  async manager(storage?: Storage): Promise<DraftStatePersistenceManager> {
    this.#manager ??= await this.#createManager({ storage: storage ?? this.#storage });
    if (storage === undefined) await this.assertOwn(this.#manager.storage);
    return this.#manager;
  }

  /** An existing store, to be read only: no manager is loaded for it. */
  async store(): Promise<Store> {
    if (this.options.verbose || this.#storage !== undefined) return (await this.reader()).store;
    const store = openStore(this.#storeSettings(), { command: this.command });
    printEvents(store.events, this.output);
    await this.assertOwn(store.storage);
    await this.#assertExists(store.storage);
    return store;
  }

  /** The default directory may be another program's; one that was named is used as it is. */
  async assertOwn(storage: Storage = openStore(this.#storeSettings()).storage): Promise<void> {
    if (this.#isNamed()) return;
    const { stateDir } = this.settings;
    const files = await foreignFiles(storage);
    if (files.length > 0) throw foreign(stateDir, files);
  }

  #isNamed(): boolean {
    return ["store", "stateDir"].some((name) => this.origins[name] !== "default");
  }

  /** The manager of an existing store. One that was named but is missing is an error; the default one is just empty. */
  async reader(): Promise<DraftStatePersistenceManager> {
    const manager = await this.manager();
    await this.#assertExists(manager.storage);
    return manager;
  }

  /** Of a store that was named beside the one of the settings; closed with the command. */
  async managerOf(store: string, origin: string): Promise<DraftStatePersistenceManager> {
    const chosen = parseStore(store, origin);
    const manager =
      chosen.kind === "postgres"
        ? await this.#createManager({ storage: await this.#openPostgres(chosen) })
        : await this.#createManager({ directories: chosen });
    this.#closers.push(() => manager.close());
    return manager;
  }

  async #assertExists(storage: Storage): Promise<void> {
    if (this.#isNamed() && !(await storage.exists())) throw missing(this.options.settings, storage.identity);
  }

  async close(): Promise<void> {
    try {
      await this.#manager?.close();
    } finally {
      for (const close of this.#closers.splice(0).reverse()) await close();
    }
  }

  async #openPostgres({ url, schema }: Extract<ChosenStore, { kind: "postgres" }>): Promise<Storage> {
    const { createPostgresStorage } = await import("../storage/postgres/index.js");
    const { retryAttempts, retryDelay } = this.settings;
    const storage = createPostgresStorage({
      connectionString: url,
      ...(schema === undefined ? {} : { schema }),
      command: this.command,
      retry: { attempts: retryAttempts, delay: retryDelay, random: Math.random, onRetry: () => undefined },
    });
    this.#closers.push(() => storage.close());
    return storage;
  }

  #directories(): Directories {
    const store = chosenStore(this.options.settings);
    return store.kind === "files" ? store : this.settings;
  }

  #storeSettings({ stateDir, backupDir } = this.#directories()): Readonly<Record<string, unknown>> {
    const values = this.settings as unknown as Record<string, unknown>;
    const core = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, values[name]]));
    const { fallbackDir } = this.settings;
    return {
      ...core,
      stateDir: this.pathOf(stateDir),
      backupDir: this.pathOf(backupDir),
      fallbackDir: fallbackDir === undefined ? undefined : this.pathOf(fallbackDir),
    };
  }

  /** Of that storage, or of those directories: never of the store of the settings unless it is given. */
  async #createManager({
    storage,
    directories = this.#directories(),
  }: {
    readonly storage?: Storage | undefined;
    readonly directories?: Directories;
  }): Promise<DraftStatePersistenceManager> {
    const { createDraftStatePersistenceManager } = await import("../create-manager.js");
    const manager = createDraftStatePersistenceManager({
      ...this.#storeSettings(directories),
      command: this.command,
      telemetry: false,
      ...(storage === undefined ? {} : { storage }),
      ...(this.options.verbose ? { logger: verboseLogger(this.output) } : {}),
    });
    printEvents(manager, this.output);
    return manager;
  }
}

function foreign(stateDir: string, files: readonly string[]): DraftstateError {
  return new DraftstateError(
    "INVALID_CONFIG",
    `${stateDir} is another program's (${namedFiles(files)}): name a directory for conversations, such as --state-dir chats; --state-dir ${stateDir} uses this one all the same`,
    { path: stateDir },
  );
}

function missing(resolved: ResolvedSettings, identity: string): DraftstateError {
  const store = chosenStore(resolved);
  const path = store.kind === "postgres" ? identity : store.stateDir;
  return new DraftstateError(
    "NOT_FOUND",
    `there is no store at ${path}: check ${whatChose(resolved)}, or start a conversation there with "draftstate chat"`,
    { path },
  );
}
