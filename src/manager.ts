/**
 * The draft's persistence manager: the published face of one store in this process. It builds the store and its sessions;
 * each method is an operation over them. Clock, randomness and storage are handed in.
 */
import type { BackupNote } from "./model/conversation.js";
import type { AgentState } from "./model/conversation.js";
import type { StateSchema } from "./model/schema.js";
import { toJsonPatch, type JsonPatchOperation } from "./model/json-patch.js";
import type { Health } from "./monitoring/health.js";
import type { RetentionPolicy } from "./plan/retention.js";
import type { Monitor } from "./metrics/monitor.js";
import type { SaveStatistics } from "./metrics/statistics.js";
import { listBackups, readBackup, type BackupContent } from "./operations/backups.js";
import { copyConversations, type CopyOptions, type CopyResult } from "./operations/copy/copy.js";
import { compare, type Comparison } from "./operations/diff.js";
import { emptyTrash } from "./operations/empty-trash.js";
import { fork, openNew, type ForkOptions, type ForkResult } from "./operations/fork.js";
import type { HealthOptions } from "./operations/health.js";
import { importConversation, type ImportRequest } from "./operations/import.js";
import { list, type CatalogueRow, type ListOptions } from "./operations/list/list.js";
import { load, loadState, withSpilledIds, type LoadedConversation, type LoadOptions } from "./operations/load.js";
import { ManagerLife, type ClosedPart } from "./operations/manager-life.js";
import { migrate, type MigrateOptions, type MigrateResult } from "./operations/migrate.js";
import {
  openConversation,
  type AnyOpenOptions,
  type CheckedState,
  type InitialState,
  type OpenOptions,
} from "./operations/open.js";
import { prune, type PruneOptions, type PruneResult } from "./operations/prune.js";
import { removeAll, type RemoveOptions, type RemoveResult } from "./operations/remove.js";
import { Monitoring, type MonitoringEnvironment } from "./operations/monitoring.js";
import { rename } from "./operations/rename.js";
import { repair, type RepairOptions, type RepairResult } from "./operations/repair.js";
import { restore, type RestoreOptions, type RestoreResult } from "./operations/restore.js";
import { saveQuietly, saveState } from "./operations/save.js";
import { scanConversations, type ScanQuery, type ScanResult } from "./operations/search.js";
import type { StoreMetrics } from "./operations/stats/store-metrics.js";
import { previewUndos } from "./operations/undo/preview.js";
import { loggedUndos, redo, type LoggedUndo, type RedoResult } from "./operations/undo/redo.js";
import { undo } from "./operations/undo/undo.js";
import { undoable } from "./operations/undo/undoable.js";
import type {
  PreviewOptions,
  UndoneOperation,
  UndoOptions,
  UndoPreview,
  UndoResult,
} from "./operations/undo/undone.js";
import type { Verification } from "./operations/verify/verification.js";
import { verify } from "./operations/verify/verify.js";
import { watchConversation, type WatchOptions } from "./operations/watch/stream.js";
import type { WatchEvent } from "./operations/watch/follow.js";
import type { Conversation } from "./session/conversation.js";
import type { Beginning } from "./session/open.js";
import { Sessions } from "./session/sessions.js";
import type { Storage } from "./storage/storage.js";
import type { Backup } from "./store/backups.js";
import { assertCanCompress } from "./store/codec.js";
import { ManagerEmitter, type ManagerEvents, type ManagerListener, type OnProgress } from "./store/events.js";
import { assertConversationId } from "./store/names.js";
import { listIds } from "./store/read.js";
import { resolveSettings, type Settings } from "./store/settings.js";
import { createStore, type Store } from "./store/store.js";
import { Threads } from "./threads/threads.js";

export type ManagerOptions = { -readonly [Name in keyof Settings]?: Settings[Name] };
export type { OpenOptions } from "./operations/open.js";
export type { LoadedConversation } from "./operations/load.js";

/** What the manager needs of the world. */
export type ManagerEnvironment = MonitoringEnvironment;

export class DraftStatePersistenceManager {
  readonly settings: Settings;
  readonly #store: Store;
  readonly #sessions: Sessions;
  readonly #events = new ManagerEmitter();
  readonly #monitoring: Monitoring;
  readonly #life: ManagerLife;
  #threads: Threads | undefined;

  constructor(
    private readonly environment: ManagerEnvironment,
    options: Readonly<Record<string, unknown>> = {},
  ) {
    this.settings = resolveSettings(options);
    assertCanCompress(this.settings.compression);
    this.#store = createStore(environment, this.settings, this.#events);
    this.#sessions = new Sessions(this.#store);
    this.#monitoring = new Monitoring(environment, this.#store, this.#events, () => this.#sessions.live);
    this.#life = new ManagerLife({
      store: this.#store,
      monitoring: this.#monitoring,
      sessions: this.#sessions,
      threads: () => this.threads,
    });
  }

  get storage(): Storage {
    return this.environment.storage;
  }

  /** Everything of the store on disk, for operations that are not methods here. */
  get store(): Store {
    return this.#store;
  }

  /** The LangGraph threads of the store. */
  get threads(): Threads {
    return (this.#threads ??= new Threads(this.#store, () => {
      this.#monitoring.monitor.start();
    }));
  }

  /** What another entry has built on the store: closed with the manager. */
  closesWith(part: ClosedPart): void {
    this.#life.closesWith(part);
  }

  get monitor(): Monitor {
    return this.#monitoring.monitor;
  }

  /** Milliseconds on a clock that never goes back, for durations. */
  elapsed(): number {
    return this.environment.elapsed();
  }

  on<Name extends keyof ManagerEvents>(name: Name, listener: ManagerListener<Name>): this {
    this.#events.on(name, listener);
    return this;
  }

  off<Name extends keyof ManagerEvents>(name: Name, listener: ManagerListener<Name>): this {
    this.#events.off(name, listener);
    return this;
  }

  /**
   * Takes the writer's lock, recovers what a dead writer left, and creates the conversation if new: with the agent's state,
   * or with `initial`. Throws `LOCKED`, `CORRUPT`, `NEWER_VERSION`, `STORAGE`, and `INVALID_STATE` for what `schema` refuses.
   */
  open<S extends object>(id: string, options: CheckedState<S> | InitialState<S>): Promise<Conversation<S>>;
  open(id: string, options?: OpenOptions): Promise<Conversation>;
  open(id: string, options: AnyOpenOptions = {}): Promise<unknown> {
    return this.#life.change(id, () => openConversation(this.#sessions, id, options, this.settings.undefinedFields));
  }

  /** The handle that this process has open; undefined where it has none. Its state is of the type with which it was opened. */
  get<S extends object = AgentState>(id: string): Conversation<S> | undefined {
    return this.#sessions.handle(id) as unknown as Conversation<S> | undefined;
  }

  /** Changes by any process, for a reader that may leave and come back: see `WatchOptions.from`. Ends with `signal` or `close`. */
  watch(id: string, { from, signal }: WatchOptions = {}): AsyncGenerator<WatchEvent, void> {
    assertConversationId(id);
    const { ending } = this.#life;
    return watchConversation(this.storage, id, (act) => this.#life.read(id, act), {
      from,
      signal: signal === undefined ? ending : AbortSignal.any([signal, ending]),
    });
  }

  /** A new conversation under a name of its own: `draft_chat_` and the time in milliseconds, as the draft names them. */
  openNew(beginning?: Beginning): Promise<Conversation> {
    return this.#life.run(() => openNew(this.#store, this.#sessions, beginning));
  }

  /** Saves the whole state; durable when it resolves. The end of a turn also makes the snapshot and a backup. */
  saveState(id: string, state: object): Promise<void> {
    return this.#life.change(id, () => saveState(this.#sessions, id, state));
  }

  /** Saves when `saveOnToken` (and `realTimeSave`) say so; otherwise with the next change, timed save or `close`. */
  saveStateOnToken(id: string, state: object): Promise<void> {
    return this.#life.change(id, () =>
      saveQuietly(this.#sessions, id, state, this.settings.realTimeSave && this.settings.saveOnToken),
    );
  }

  /** Saves when `saveOnStateChange` (and `realTimeSave`) say so; otherwise with the next timed save or `close`. */
  saveStateOnChange(id: string, state: object): Promise<void> {
    return this.#life.change(id, () =>
      saveQuietly(this.#sessions, id, state, this.settings.realTimeSave && this.settings.saveOnStateChange),
    );
  }

  /** The state without `_metadata`, as `schema` has it; null when there is none. Throws `CORRUPT`, `STORAGE`, `INVALID_STATE`, never returns half. */
  loadState<S extends object>(id: string, options: { readonly schema: StateSchema<S> }): Promise<S | null>;
  loadState(id: string): Promise<AgentState | null>;
  loadState(id: string, { schema }: { readonly schema?: StateSchema } = {}): Promise<unknown> {
    return this.#life.read(id, () => loadState(this.#store, id, schema));
  }

  /** State, metadata and health, journal applied. Throws `CORRUPT` unless `allowEdited`, which shows an edited one as it is. */
  load(id: string, options: Pick<LoadOptions, "allowEdited"> = {}): Promise<LoadedConversation | undefined> {
    return this.#life.read(id, () => load(this.#store, id, options));
  }

  /** Newest first; damaged and edited conversations are rows that say so. */
  list(options: ListOptions = {}): Promise<CatalogueRow[]> {
    return this.#life.read(undefined, () => list(this.#store, options));
  }

  /** Of every conversation that has a file, be it only a backup or a spill; sorted. */
  ids(): Promise<string[]> {
    return this.#life.read(undefined, async () => withSpilledIds(this.#store, await listIds(this.storage)));
  }

  /** Newest revision first, from the ends of the files: content is verified when it is read. Throws `NOT_FOUND` where there is neither a conversation nor a backup. */
  listBackups(id: string): Promise<Backup[]> {
    return this.#life.look(id, () => listBackups(this.#store, id));
  }

  /** The content of a backup: by timestamp, unique prefix, tag, `latest` or `@n`. Throws `NOT_FOUND`, `CORRUPT`. */
  readBackup(id: string, backup: string): Promise<BackupContent> {
    return this.#life.look(id, () => readBackup(this.#store, id, backup));
  }

  /** A backup of now; the existing one where the newest holds the same. Returns its timestamp. */
  backup(id: string, note?: BackupNote): Promise<string> {
    return this.#life.change(id, () => this.#sessions.use(id, (session) => session.backup(note), "existing"));
  }

  /** JSON Patch (RFC 6902) from one backup to another, `_metadata` left out; by default newest different backup → now. */
  async diff(id: string, from?: string, to?: string): Promise<JsonPatchOperation[]> {
    const { before, after } = await this.compare(id, from, to);
    return toJsonPatch(before.state, after.state);
  }

  compare(id: string, from?: string, to?: string): Promise<Comparison> {
    return this.#life.read(id, () => compare(this.#store, id, from, to));
  }

  /** Goes back, forwards: a new revision with the old content, after a backup of the present. */
  restore(id: string, backup: string, options: RestoreOptions = {}): Promise<RestoreResult> {
    return this.#life.change(id, () => restore(this.#store, this.#sessions, id, backup, options));
  }

  /** Retention for one conversation or all. Pinned backups and conversations themselves are never touched. */
  prune(policy: RetentionPolicy & PruneOptions = {}, onProgress?: OnProgress): Promise<PruneResult> {
    return this.#life.change(policy.id, () => prune(this.#store, this.#sessions, policy, onProgress));
  }

  /**
   * Repairs what can be repaired of one conversation; with `accept`, signs a snapshot that was edited by hand as it is.
   * Throws `CORRUPT` where nothing valid is left, `LOCKED` while it is open anywhere.
   */
  repair(id: string, options: RepairOptions = {}): Promise<RepairResult> {
    return this.#life.change(id, () => repair(this.#sessions, id, options));
  }

  /** Into the trash, with its backups; with `purge` for good. Throws `NOT_FOUND`, `LOCKED` while it is open anywhere. */
  async remove(id: string, options: RemoveOptions = {}): Promise<RemoveResult> {
    const [result] = await this.removeAll([id], options);
    return result as RemoveResult;
  }

  /** Several as one operation: all are locked before the first goes, and one `undo` brings all of them back. */
  removeAll(ids: readonly string[], options: RemoveOptions = {}): Promise<RemoveResult[]> {
    return this.#life.run(() => {
      for (const id of ids) assertConversationId(id);
      return removeAll(this.#store, this.#sessions, ids, options);
    });
  }

  /**
   * Takes back the last restore, prune, rm, repair or rename: of one conversation (or, with `kind: "thread"`, of one LangGraph
   * thread), whatever was last, or the one of a time.
   */
  undo(id?: string, options: Omit<UndoOptions, "id"> = {}): Promise<UndoResult> {
    const wanted: UndoOptions = { ...options, ...(id === undefined ? {} : { id }) };
    const conversation = options.kind === "thread" ? undefined : id;
    return this.#life.change(conversation, () => undo(this.#store, this.#sessions, this.threads, wanted));
  }

  /**
   * Reverts the last undo, of one conversation or whatever was undone last: the operation is done again. Throws `NOT_FOUND` where
   * another operation came since, `USAGE` where the conversation was changed since.
   */
  redo(id?: string): Promise<RedoResult> {
    return this.#life.change(id, () => redo(this.#store, this.#sessions, id));
  }

  /** What was undone and is kept in the log, newest first, and whether `redo` can do it again. */
  undone(): Promise<LoggedUndo[]> {
    return this.#life.read(undefined, () => loggedUndos(this.#store));
  }

  /** What can be undone, to conversations and threads, newest first. */
  operations(): Promise<UndoneOperation[]> {
    return this.#life.read(undefined, () => undoable(this.#store, this.threads));
  }

  /** The same with what undoing each would change: of all, of one conversation, or of the one that `undo` would take. */
  previewUndos(options: PreviewOptions = {}): Promise<UndoPreview[]> {
    return this.#life.read(undefined, () => previewUndos(this.#store, this.threads, options));
  }

  /** Everything in the trash, for good; the number of bytes freed. What is kept of a conversation or thread that another process has open stays. */
  emptyTrash(): Promise<number> {
    return this.#life.run(() => emptyTrash(this.#store, this.#sessions, this.threads));
  }

  /** A copy under a new id, as it is or as a backup holds it. */
  fork(id: string, options: ForkOptions = {}): Promise<ForkResult> {
    return this.#life.change(id, () => fork(this.#store, this.#sessions, id, options));
  }

  /** Conversations and threads with their backups and trash, and namespaces, to another store; what is there and not the same is not changed. */
  copyTo(target: DraftStatePersistenceManager, options: CopyOptions = {}): Promise<CopyResult> {
    return this.#life.read(undefined, () =>
      target.#life.run(() => copyConversations(this.#store, target.#store, options)),
    );
  }

  /** A new title; returns the revision. */
  rename(id: string, title: string): Promise<number> {
    return this.#life.change(id, () => rename(this.#store, this.#sessions, id, title));
  }

  /** A conversation that was had elsewhere, with its backups. Throws `INVALID_ID` where the id is taken. */
  import(request: ImportRequest): Promise<void> {
    return this.#life.change(request.id, () => importConversation(this.#sessions, request));
  }

  /** Snapshots of older schemas, rewritten in the current one; each original becomes a backup first. */
  migrate(options: MigrateOptions = {}): Promise<MigrateResult> {
    return this.#life.change(options.id, () => migrate(this.#store, this.#sessions, options));
  }

  verify(id?: string, onProgress?: OnProgress): Promise<Verification> {
    return this.#life.read(id, () =>
      verify(this.#store, { id, onProgress, findWholeFiles: this.environment.findWholeFiles }),
    );
  }

  /** What the query finds in every conversation; a damaged file hides no other. */
  search<Match>(query: ScanQuery<Match>): Promise<ScanResult<Match>> {
    return this.#life.read(undefined, () => scanConversations(this.#store, query));
  }

  getSaveStatistics(): SaveStatistics {
    return this.#monitoring.statistics(this.threads);
  }

  /** What all processes have counted in this store, and what can be seen of it now. */
  metrics(): Promise<StoreMetrics> {
    return this.#life.look(undefined, () => this.#monitoring.metrics());
  }

  /** The same in Prometheus' text format, version 0.0.4. */
  prometheus(): Promise<string> {
    return this.#life.look(undefined, () => this.#monitoring.prometheus());
  }

  /** Checks for monitors: what is wrong with the store, or will be soon. Never rejects for what it finds. */
  health(options: HealthOptions = {}): Promise<Health> {
    return this.#life.look(undefined, () => this.#monitoring.health(options));
  }

  /**
   * Waits for all that is under way, saves what is unsaved and closes every conversation, even where one fails; then rejects
   * with all that failed. Once it is settled nothing of this manager touches the store, and none of its locks remains.
   */
  close(): Promise<void> {
    return this.#life.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
