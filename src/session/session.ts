/**
 * A conversation that this process may change: what it is now (present.ts), its lock, its way to the disk, and what works on it
 * there. One at a time works on it: what touches the disk is called in the conversation's turn (slot.ts), and
 * programs hold a handle (conversation.ts) that sees to it.
 */
import { messageOf } from "../errors.js";
import type { InfoChange } from "../journal/record.js";
import type { BackupNote, Info, Version } from "../model/conversation.js";
import { StateContainer, type Recipe } from "../model/container.js";
import type { JsonObject } from "../model/json.js";
import type { Lock } from "../storage/storage.js";
import type { Backup } from "../store/backups.js";
import { warn } from "../store/store.js";
import { housekeep } from "./housekeeping.js";
import { LeftForUndo } from "./left-for-undo.js";
import { Present } from "./present.js";
import { replaceKept, type Keeping, type Replaced } from "./replace-kept.js";
import { SessionBackups } from "./session-backups.js";
import { TimedSaves } from "./timed-saves.js";
import { removeTraces } from "./traces.js";
import { TurnEnd } from "./turn-end.js";
import { isUnbegun, register, unbegunMark, unregister } from "./unbegun-calls.js";
import { WriteAhead } from "./write-ahead.js";
import type { UpdateOptions, WriteAheadOptions } from "./write-ahead-options.js";

export interface SessionOptions extends WriteAheadOptions {
  /** There was no such conversation: no backup of it either. */
  readonly isNew: boolean;
  /** New, and opened for a save: where nothing comes of that, there is nothing to keep. */
  readonly isUntouched: boolean;
  /** Those that are there, newest first; undefined if not looked up yet. */
  readonly backups?: readonly Backup[] | undefined;
  /** Releases the lock. Never rejects. */
  readonly release: () => Promise<void>;
  /** Runs what the session does by itself in the conversation's turn. */
  readonly inTurn: (act: () => Promise<void>) => Promise<void>;
}

export class Session {
  readonly id: string;
  readonly backups: SessionBackups;
  readonly #present: Present;
  readonly #writer: WriteAhead;
  readonly #timedSaves: TimedSaves | undefined;
  readonly #closing = new AbortController();
  #isClosed = false;
  readonly #left: LeftForUndo;
  readonly #turnEnd: TurnEnd;

  constructor(private readonly options: SessionOptions) {
    const { id, version, store, lock } = options;
    this.id = id;
    this.backups = new SessionBackups(store, id, lock, options.backups);
    const isClosed = (): boolean => this.#isClosed;
    const container = new StateContainer(version.state, store.settings.undefinedFields);
    const { info, revision } = version;
    this.#writer = new WriteAhead({ ...options, version: { state: container.state, info, revision } });
    this.#present = new Present({ ...options, container, info, revision, writer: this.#writer, isClosed });
    const flushUnacknowledged = (): Promise<void> => this.#writer.flushUnacknowledged();
    this.#left = new LeftForUndo({ ...options, flushUnacknowledged, isClosed });
    this.#turnEnd = new TurnEnd({
      id,
      store,
      writer: this.#writer,
      backups: this.backups,
      version: () => this.version,
      flush: () => this.flush(),
      isClosed,
    });
    if (store.settings.autoSave)
      this.#timedSaves = new TimedSaves(store.settings.autoSaveInterval, {
        save: () => {
          if (this.revision > this.durableRevision) this.#writer.kick();
        },
        isSnapshotWorthwhile: () => !this.#isClosed && this.#writer.journalBytes > 0 && this.#writer.maySnapshot(),
        snapshot: () => options.inTurn(() => this.#turnEnd.timedSnapshot()),
      });
  }

  get lock(): Lock {
    return this.options.lock;
  }

  /** No other session ever has it. */
  get name(): string {
    return this.options.session;
  }

  /** Deeply frozen; a new object after each change. */
  get state(): JsonObject {
    return this.#present.state;
  }

  get revision(): number {
    return this.#present.revision;
  }

  get durableRevision(): number {
    return this.#writer.durableRevision;
  }

  get info(): Info {
    return this.#present.info;
  }

  get version(): Version {
    return this.#present.version;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Aborts when nothing more can be changed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** It is going to be closed in its turn: what waits for something else than the disk ends now. */
  beginClosing(): void {
    this.#closing.abort();
  }

  /** There was none when it was opened. */
  get isNew(): boolean {
    return this.options.isNew;
  }

  /** New, opened for a save, and not changed yet: nothing of it is on disk. */
  get isUntouched(): boolean {
    return this.#present.isUntouched;
  }

  get queuedChanges(): number {
    return this.#writer.queuedChanges;
  }

  get isSaving(): boolean {
    return this.#writer.isSaving;
  }

  /** Whether each token starts a save when it comes. */
  get savesTokens(): boolean {
    return this.#present.savesTokens;
  }

  now(): Date {
    return this.options.store.now();
  }

  update(recipe: Recipe<JsonObject>, options: UpdateOptions = {}): void {
    this.#present.update(recipe, options);
  }

  appendToken(text: string): void {
    this.#present.appendToken(text);
  }

  appendReasoning(text: string): void {
    this.#present.appendReasoning(text);
  }

  beginAnswer(): () => void {
    return this.#present.beginAnswer();
  }

  replaceState(state: unknown): void {
    this.#present.replaceState(state);
  }

  /** Like `replaceState`, but starts no save: the caller, the next change or the timer does. */
  replaceStateQuietly(state: unknown): void {
    this.#present.replaceStateQuietly(state);
  }

  updateInfo(change: InfoChange): void {
    this.#present.updateInfo(change);
  }

  async setUnbegunCalls(messageId: string | null): Promise<void> {
    const mark = messageId === null ? null : unbegunMark(this.options, this.info, messageId);
    if (mark !== null) await register(this.options, mark);
    if (mark !== (this.info.unbegunCalls ?? null)) this.updateInfo({ unbegunCalls: mark });
    if (mark === null) await unregister(this.options);
  }

  hasUnbegunCalls(messageId: string): Promise<boolean> {
    return isUnbegun(this.options, this.info, messageId);
  }

  flush(): Promise<void> {
    return this.#left.afterFlush(this.#writer.flush());
  }

  /**
   * An operation that was left undecided is offered for undo once all changes are durable. In the conversation's turn. Throws
   * `STORAGE` where that cannot be now.
   */
  settle(): Promise<void> {
    return this.#left.settle();
  }

  whenDurable(revision: number): Promise<void> {
    return this.#writer.whenDurable(revision);
  }

  /** A turn is over: snapshot, backup, retention. What fails here after the flush is a warning, since nothing is lost. */
  endTurn(): Promise<void> {
    return this.#turnEnd.endTurn();
  }

  /** A backup of now; the existing one where the newest holds the same state. Returns its timestamp. */
  backup(note: BackupNote = { reason: "manual" }): Promise<string> {
    return this.#turnEnd.backup(note);
  }

  /** Folds the journal into a new snapshot. */
  compact(): Promise<void> {
    return this.#writer.compact();
  }

  /** Throws `LOCKED` in the middle of an answer: a whole state from outside does not hold the tokens that came since. */
  assertReplaceable(): void {
    this.#present.assertReplaceable();
  }

  /**
   * The present is kept, then replaced in one step, and durable when it resolves: a change is either in the version that was
   * saved last, or made on the new content, never in neither. It is saved again where the state was changed meanwhile; callers
   * that wait for their saves wait as long. Where it rejects, nothing was replaced; or the error says that it stands, because
   * later changes were made on it.
   */
  replaceKept<T>(content: JsonObject, keeping: Keeping<T>): Promise<Replaced<T>> {
    return replaceKept(
      {
        id: this.id,
        writer: this.#writer,
        revision: () => this.revision,
        durableVersion: () => this.#turnEnd.durableVersion(),
        assertReplaceable: () => {
          this.assertReplaceable();
        },
        become: (next) => {
          this.#present.become(next);
        },
        stands: () => {
          this.#left.stands();
        },
      },
      content,
      keeping,
    );
  }

  /**
   * Folds the journal into the snapshot and releases the lock. Rejects when changes could not be saved: they are then only in
   * `state`. Rejects too when another program changed the snapshot: all changes are then in a backup.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#end();
    try {
      if (!this.isUntouched) {
        await this.flush();
        await this.#left.settleAtEnd();
        await this.#turnEnd.foldAtEnd();
      }
    } finally {
      await this.#writer.close();
      await housekeep(this.options.store, this.id, "what an operation left for undo", () =>
        this.options.store.trash.pending.settle(this.id, this.lock),
      );
      await this.options.release();
    }
  }

  /**
   * What began it was refused: nothing more is saved, and what is on disk of it goes. Only for a conversation that was new.
   * Never rejects: what cannot be removed is reported.
   */
  async abandon(): Promise<void> {
    if (this.#isClosed || !this.options.isNew) return this.close();
    this.#end();
    const { store, lock, session } = this.options;
    try {
      await this.#writer.close();
      await removeTraces(store, { id: this.id, session, lock });
    } catch (error) {
      warn(store, this.id, `it was refused, but what is there of it could not be removed: ${messageOf(error)}`, error);
    } finally {
      await this.options.release();
    }
  }

  #end(): void {
    this.#isClosed = true;
    this.#timedSaves?.stop();
    this.beginClosing();
  }
}
