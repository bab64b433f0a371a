/** The storage contract over PostgreSQL. Each call is a statement or few; what they are is told by the files beside this one. */
import { isDraftstateError } from "../../errors.js";
import { Appends } from "./appends.js";
import { Changes, type Put, type PutOptions } from "./changes.js";
import { Contents } from "./contents.js";
import { isAway } from "./errors.js";
import type { Holding } from "./guards.js";
import { PostgresLocks } from "./locks.js";
import { logStatements, PostgresLog, type LogStatements } from "./log.js";
import { Notifier, watchArea } from "./notifications.js";
import { Outcomes } from "./outcomes.js";
import { Schema } from "./schema.js";
import type { Server } from "./server.js";
import { Staging } from "./staging.js";
import { statement } from "./statement.js";
import { tablesOf, type Tables } from "./tables.js";
import type { RetryEvent } from "../retry.js";
import type {
  Area,
  Change,
  Content,
  End,
  FoundLock,
  Key,
  ListOptions,
  Lock,
  LockAttempt,
  LockHolder,
  Log,
  ReadOptions,
  ServerReport,
  Space,
  Standing,
  WrittenLog,
  Stat,
  Storage,
  Watcher,
} from "../storage.js";

export interface PostgresStorageParts {
  readonly server: Server;
  readonly schema: string;
  readonly randomName: () => string;
  readonly random: () => number;
  readonly now: () => Date;
  readonly holder: () => string;
}

export class PostgresStorage implements Storage {
  readonly mayGoBack = true;
  readonly #parts: PostgresStorageParts;
  readonly #server: Server;
  readonly #tables: Tables;
  readonly #schema: Schema;
  readonly #contents: Contents;
  readonly #outcomes: Outcomes;
  readonly #staging: Staging;
  readonly #changes: Changes;
  readonly #locks: PostgresLocks;
  readonly #notifier: Notifier;
  readonly #appends: Appends;
  readonly #logs: LogStatements;
  readonly #version = statement("select 'PostgreSQL ' || current_setting('server_version') as server");
  readonly #sizes = statement(
    `select c.relname as name, pg_total_relation_size(c.oid) as bytes from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind = 'r' order by bytes desc, name`,
  );
  #closing: Promise<void> | undefined;

  constructor(parts: PostgresStorageParts) {
    this.#parts = parts;
    const { server, randomName, now } = parts;
    const tables = tablesOf(parts.schema);
    this.#server = server;
    this.#tables = tables;
    this.#schema = new Schema(server, tables);
    this.#contents = new Contents(server, this.#schema, tables, (key) => this.describe(key));
    this.#outcomes = new Outcomes(server, tables, randomName);
    this.#staging = new Staging(server, tables, randomName, now);
    this.#changes = new Changes({ server, tables, outcomes: this.#outcomes, staging: this.#staging, now });
    this.#locks = new PostgresLocks({ ...parts, schema: this.#schema, tables });
    this.#notifier = new Notifier(server, tables);
    this.#appends = new Appends(server, tables, now);
    this.#logs = logStatements(tables);
  }

  get identity(): string {
    return this.#server.place;
  }

  prepare(): Promise<void> {
    return this.#schema.prepare();
  }

  exists(): Promise<boolean> {
    return this.#schema.exists();
  }

  read(key: Key, options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    return this.#contents.read(key, options);
  }

  async readEnd(key: Key, length: number): Promise<End | undefined> {
    return (await this.#contents.ends([key], length))[0];
  }

  readEnds(keys: readonly Key[], length: number): Promise<(End | undefined)[]> {
    return this.#contents.ends(keys, length);
  }

  stat(key: Key): Promise<Stat | undefined> {
    return this.#contents.stat(key);
  }

  list(area: Area, options: ListOptions = {}): Promise<string[]> {
    return this.#contents.list(area, options);
  }

  async replace(key: Key, content: Content, guard?: Lock): Promise<void> {
    await this.#put("replace", key, content, { holding: this.#holding(key, guard) });
  }

  async replaceAs(writer: string, key: Key, content: Content): Promise<void> {
    await this.#put("replace", key, content, { writer });
  }

  async create(key: Key, content: Content, guard?: Lock): Promise<boolean> {
    return (await this.#put("create", key, content, { holding: this.#holding(key, guard) })) !== undefined;
  }

  async move(from: Key, to: Key, guard?: Lock): Promise<boolean> {
    const holding = this.#holding(to, guard);
    await this.#schema.isReady();
    const moved = await this.#changes.move(from, to, (key) => this.describe(key), holding);
    if (moved) for (const key of [from, to]) this.#notifier.changed(key);
    return moved;
  }

  async remove(key: Key, guard?: Lock): Promise<boolean> {
    const holding = this.#holding(key, guard);
    if (!(await this.#schema.isReady())) return false;
    const removed = await this.#changes.remove(key, holding);
    if (removed) this.#notifier.changed(key);
    return removed;
  }

  async settle(): Promise<void> {
    if (await this.#schema.isReady()) await this.#outcomes.settle();
  }

  async createLog(
    key: Key,
    first: Uint8Array = new Uint8Array(),
    guard?: Lock,
    continues?: Standing | WrittenLog,
  ): Promise<Log> {
    const holding = this.#holding(key, guard);
    const put = await this.#put("log", key, first, { holding, continues });
    return new PostgresLog({
      server: this.#server,
      appends: this.#appends,
      statements: this.#logs,
      blob: put?.blob ?? 0,
      version: put?.version ?? "",
      size: first.length,
      holding,
      changed: () => {
        this.#notifier.changed(key);
      },
      assertHeld: async () => {
        if (holding !== undefined) await this.#locks.assertHeld(holding);
      },
      settle: () => this.#outcomes.settle(),
    });
  }

  tryLock(name: string, since: Date): Promise<LockAttempt> {
    return this.#locks.tryLock(name, since);
  }

  lockHolder(name: string): Promise<LockHolder | undefined> {
    return this.#locks.holder(name);
  }

  locks(): Promise<FoundLock[]> {
    return this.#locks.all();
  }

  async probe(): Promise<boolean> {
    if (!(await this.#schema.isReady())) return false;
    await this.#outcomes.settle();
    return true;
  }

  /** A server tells no limit. */
  async space(): Promise<Space | undefined> {
    return undefined;
  }

  async server(): Promise<ServerReport> {
    const [named] = await this.#server.read<{ server: string }>(this.#version);
    const tables = (await this.#schema.isReady())
      ? await this.#server.read<{ name: string; bytes: number }>(this.#sizes, [this.#parts.schema])
      : [];
    return { server: named?.server ?? "", tables };
  }

  mayPass(error: unknown): boolean {
    return isDraftstateError(error, "STORAGE") && isAway(error.cause);
  }

  onRetry(listener: (event: RetryEvent) => void): void {
    this.#server.onRetry(listener);
  }

  async sweep(name: string): Promise<string[]> {
    return (await this.#schema.isReady()) ? this.#staging.sweep(name) : [];
  }

  describe({ area, name }: Key): string {
    return `${this.#server.place}/${area}/${name}`;
  }

  watch(area: Area, listener: (change: Change) => void): Promise<Watcher> {
    const { server, random } = this.#parts;
    return watchArea({ server, random, area, listener, channel: this.#tables.channel, list: () => this.list(area) });
  }

  /** Ends the connections. Locks that are still held end with them. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#notifier.close();
    await this.#outcomes.clear().catch(() => undefined);
    await this.#locks.close();
    await this.#server.close();
  }

  #holding(key: Key, guard: Lock | undefined): Holding | undefined {
    return this.#locks.holdingOf(guard, this.describe(key));
  }

  async #put(put: Put, key: Key, content: Content, options: PutOptions) {
    await this.#schema.isReady();
    const done = await this.#changes.put(put, key, content, options);
    if (done !== undefined) this.#notifier.changed(key);
    return done;
  }
}
