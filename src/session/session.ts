/**
 * A conversation that this process may change: its state in memory, its lock, its way to the disk, and the policy of when a
 * change goes there. One at a time works on it: what touches the disk is called in the conversation's turn (slot.ts), and
 * programs hold a handle (conversation.ts) that sees to it.
 */
import { DraftstateError, isDraftstateError, messageOf } from "../errors.js";
import type { InfoChange } from "../journal/record.js";
import { changeInfo } from "../journal/replay.js";
import {
  isStreaming,
  MAX_REVISION,
  streamingOf,
  type BackupNote,
  type Info,
  type Version,
} from "../model/conversation.js";
import { StateContainer, type Recipe } from "../model/container.js";
import { isEarlierInAnswer } from "../model/earlier.js";
import { isJsonObject, type JsonObject } from "../model/json.js";
import { diffStates, type Patch } from "../model/patches.js";
import type { Lock } from "../storage/storage.js";
import type { Backup } from "../store/backups.js";
import { warn, type Store } from "../store/store.js";
import { assertTag } from "../store/tag.js";
import { AnswerLimit } from "./answer-limit.js";
import { replaceKept, type Keeping } from "./replace-kept.js";
import { TimedSaves } from "./timed-saves.js";
import { removeTraces } from "./traces.js";
import { SessionBackups } from "./turn-end.js";
import { unbegunMark } from "./unbegun-calls.js";
import { WriteAhead, type WriteAheadOptions } from "./write-ahead.js";

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

/** Keeps `_metadata` small enough to be read from the end of a file. */
export const MAX_INFO_LENGTH = 2000;

export class Session {
  readonly id: string;
  readonly backups: SessionBackups;
  readonly #container: StateContainer;
  readonly #writer: WriteAhead;
  #info: Info;
  #revision: number;
  readonly #limit: AnswerLimit;
  readonly #timedSaves: TimedSaves | undefined;
  readonly #closing = new AbortController();
  #isAnswering = false;
  #isClosed = false;
  /** What an operation replaced could not be saved at once, and was changed since. */
  #stands = false;
  /** Nothing was changed yet. */
  #isUntouched: boolean;

  constructor(private readonly options: SessionOptions) {
    const { id, version, store, lock } = options;
    this.id = id;
    this.backups = new SessionBackups(store, id, lock, options.backups);
    this.#container = new StateContainer(version.state, store.settings.undefinedFields);
    this.#info = version.info;
    this.#revision = version.revision;
    this.#isUntouched = options.isUntouched;
    this.#writer = new WriteAhead({ ...options, version: this.version });
    this.#limit = new AnswerLimit(store.limits, () => this.#writer.bytesOnDisk);
    if (store.settings.autoSave)
      this.#timedSaves = new TimedSaves(store.settings.autoSaveInterval, {
        save: () => {
          if (this.#revision > this.durableRevision) this.#writer.kick();
        },
        isSnapshotWorthwhile: () => !this.#isClosed && this.#writer.journalBytes > 0 && this.#writer.maySnapshot(),
        snapshot: () => options.inTurn(() => this.#housekeep("the timed snapshot", () => this.#timedSnapshot())),
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
    return this.#container.state;
  }

  get revision(): number {
    return this.#revision;
  }

  get durableRevision(): number {
    return this.#writer.durableRevision;
  }

  get info(): Info {
    return this.#info;
  }

  get version(): Version {
    return { state: this.#container.state, info: this.#info, revision: this.#revision };
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
    return this.#isUntouched;
  }

  get queuedChanges(): number {
    return this.#writer.queuedChanges;
  }

  get isSaving(): boolean {
    return this.#writer.isSaving;
  }

  /** Whether each token starts a save when it comes. */
  get savesTokens(): boolean {
    return this.#settings.realTimeSave && this.#settings.saveOnToken;
  }

  now(): Date {
    return this.options.store.now();
  }

  update(recipe: Recipe<JsonObject>): void {
    this.#assertChangeable();
    this.#changed(this.#container.update(recipe));
  }

  appendToken(text: string): void {
    this.#assertAnswering();
    const patch = this.#container.token(text, this.#mayGrow);
    this.#record([patch]);
    if (this.savesTokens) this.#writer.kick();
  }

  appendReasoning(text: string): void {
    this.#assertAnswering();
    this.#changed([this.#container.reasoning(text, this.#mayGrow)]);
  }

  beginAnswer(): () => void {
    this.#assertChangeable();
    if (this.#isAnswering)
      throw new DraftstateError(
        "LOCKED",
        `conversation ${this.id} is in the middle of an answer: wait for its end, or stop it`,
      );
    this.#isAnswering = true;
    return () => {
      this.#isAnswering = false;
    };
  }

  replaceState(state: unknown): void {
    if (this.#isSavedAlready(state)) return;
    this.assertReplaceable();
    this.#changed(this.#container.replace(withoutMetadata(state), diffStates));
  }

  /** Like `replaceState`, but starts no save: the caller, the next change or the timer does. */
  replaceStateQuietly(state: unknown): void {
    if (this.#isSavedAlready(state)) return;
    this.assertReplaceable();
    const patches = this.#container.replace(withoutMetadata(state), diffStates);
    if (patches.length > 0) this.#record(patches);
  }

  updateInfo(change: InfoChange): void {
    this.#assertChangeable();
    this.#container.assertNotChanging();
    for (const [field, value] of Object.entries(change)) {
      if (typeof value === "string" && value.length > MAX_INFO_LENGTH)
        throw new DraftstateError(
          "INVALID_STATE",
          `${field} has ${value.length} characters, more than ${MAX_INFO_LENGTH}; nothing was saved`,
        );
    }
    this.#info = changeInfo(this.#info, change);
    this.#record([], change);
    this.#kickForChange();
  }

  setUnbegunCalls(messageId: string | null): void {
    if (messageId === null && this.#info.unbegunCalls === undefined) return;
    this.updateInfo({ unbegunCalls: messageId === null ? null : this.#markOf(messageId) });
  }

  hasUnbegunCalls(messageId: string): boolean {
    return this.#info.unbegunCalls === this.#markOf(messageId);
  }

  #markOf(messageId: string): string {
    const { identity } = this.options.store.storage;
    return unbegunMark({ identity, conversationId: this.id, createdAt: this.#info.createdAt, messageId });
  }

  flush(): Promise<void> {
    const flushed = this.#writer.flush();
    if (!this.#stands) return flushed;
    return flushed.then(() => {
      this.#offerWhatStands();
    });
  }

  /** What stands is durable by now: it is offered for undo in the conversation's next turn. */
  #offerWhatStands(): void {
    if (!this.#stands || this.#isClosed) return;
    this.#stands = false;
    void this.options.inTurn(() => (this.#isClosed ? Promise.resolve() : this.#settleAtLast()));
  }

  /**
   * An operation that was left undecided is offered for undo once all changes are durable. In the conversation's turn. Throws
   * `STORAGE` where that cannot be now.
   */
  async settle(): Promise<void> {
    const { store, lock } = this.options;
    const left = await store.trash.records.pending(this.id);
    if (left === undefined) return;
    try {
      await this.#writer.flushUnacknowledged();
      await store.trash.pending.settleDurable(this.id, lock);
    } catch (error) {
      if (!isDraftstateError(error, "STORAGE")) throw error;
      throw store.trash.pending.unsettled(left, error);
    }
  }

  async #settleAtLast(): Promise<void> {
    this.#stands = true;
    await this.#housekeep("what an operation left for undo", async () => {
      await this.settle();
      this.#stands = false;
    });
  }

  whenDurable(revision: number): Promise<void> {
    return this.#writer.whenDurable(revision);
  }

  /** A turn is over: snapshot, backup, retention. What fails here after the flush is a warning, since nothing is lost. */
  async endTurn(): Promise<void> {
    await this.flush();
    await this.#housekeep("the snapshot", () => this.#writer.compact());
    if (this.#settings.maxBackups === 0) return;
    await this.#housekeep("the backup", async () => {
      await this.backups.backUp(await this.#durableVersion(), { reason: "turn" });
      await this.backups.retain(0);
    });
  }

  /** A backup of now; the existing one where the newest holds the same state. Returns its timestamp. */
  async backup(note: BackupNote = { reason: "manual" }): Promise<string> {
    assertTag(note.tag);
    await this.flush();
    const version = await this.#durableVersion();
    const isPlain = note.tag === undefined && note.pinned !== true;
    const timestamp =
      (isPlain ? await this.backups.holding(version) : undefined) ?? (await this.backups.backUp(version, note));
    // A backup that was asked for can be used, also where turns leave none.
    await this.#housekeep("retention", () => this.backups.retain(1));
    return timestamp;
  }

  /** Folds the journal into a new snapshot. */
  compact(): Promise<void> {
    return this.#writer.compact();
  }

  /** Throws `LOCKED` in the middle of an answer: a whole state from outside does not hold the tokens that came since. */
  assertReplaceable(): void {
    this.#assertChangeable();
    if (this.#isAnswering)
      throw new DraftstateError(
        "LOCKED",
        `conversation ${this.id} is in the middle of an answer, whose tokens are saved as they come: change what is yours with update(), or save when it has ended; nothing was replaced`,
      );
  }

  /**
   * The present is kept, then replaced in one step, and durable when it resolves: a change is either in the version that was
   * saved last, or made on the new content, never in neither. It is saved again where the state was changed meanwhile; callers
   * that wait for their saves wait as long. Where it rejects, nothing was replaced; or the error says that it stands, because
   * later changes were made on it.
   */
  replaceKept<T>(content: JsonObject, keeping: Keeping<T>): Promise<T> {
    return replaceKept(
      {
        id: this.id,
        writer: this.#writer,
        revision: () => this.#revision,
        durableVersion: () => this.#durableVersion(),
        assertReplaceable: () => {
          this.assertReplaceable();
        },
        become: (next) => {
          this.#changed(this.#container.replace(next, diffStates));
        },
        stands: () => {
          this.#stands = true;
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
      if (!this.#isUntouched) {
        await this.flush();
        if (this.#stands) await this.#settleAtLast();
        await this.#foldAtEnd();
      }
    } finally {
      await this.#writer.close();
      await this.#housekeep("what an operation left for undo", () =>
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

  async #foldAtEnd(): Promise<void> {
    try {
      await this.#writer.compact();
    } catch (error) {
      if (isDraftstateError(error, "LOCKED")) await this.#keepBesideForeignSnapshot(error);
      else warn(this.options.store, this.id, `the snapshot could not be written: ${messageOf(error)}`, error);
    }
  }

  /** The journal continues a snapshot that is no longer there: what is acknowledged stays readable as a backup. */
  async #keepBesideForeignSnapshot(cause: DraftstateError): Promise<never> {
    // Without the lock this rejects as well, and nothing is written.
    const timestamp = await this.backups.backUp(await this.#durableVersion(), { reason: "repair" });
    throw new DraftstateError(cause.code, `${cause.message}; all changes up to now are in the backup ${timestamp}`, {
      ...(cause.path === undefined ? {} : { path: cause.path }),
      cause,
    });
  }

  get #settings(): Store["settings"] {
    return this.options.store.settings;
  }

  /** What the agent gave as it answers, and is given back. */
  #isSavedAlready(state: unknown): boolean {
    return this.#isAnswering && isEarlierInAnswer(state, this.#container.state, this.id);
  }

  /** Throws `USAGE` where no answer is under way: no end would make a message of the text, and the next answer would drop it. */
  #assertAnswering(): void {
    this.#assertChangeable();
    this.#container.assertNotChanging();
    if (!isStreaming(this.#container.state))
      throw new DraftstateError(
        "USAGE",
        `no answer is under way in conversation ${this.id}: begin one with recordAnswer(), or by update() with beginTurn; nothing was saved`,
      );
  }

  #assertChangeable(): void {
    if (this.#isClosed) throw closedError(this.id);
    // What follows the last revision that a file may name could be written, and never read again.
    if (this.#revision >= MAX_REVISION)
      throw new DraftstateError(
        "INVALID_STATE",
        `conversation ${this.id} has no revision left to count a change by: continue in a copy with "draftstate fork ${this.id}"; nothing was saved`,
      );
  }

  /** Throws `INVALID_STATE` where the answer that streams, or the file with it, would be too large. */
  readonly #mayGrow = (text: string): void => {
    const { partialResponse = "", partialReasoning = "" } = streamingOf(this.#container.state);
    this.#limit.add(text, partialResponse === "" && partialReasoning === "");
  };

  #changed(patches: readonly Patch[]): void {
    if (patches.length === 0) return;
    this.#record(patches);
    this.#kickForChange();
  }

  #record(patches: readonly Patch[], info?: InfoChange): void {
    this.#revision += 1;
    this.#isUntouched = false;
    this.#writer.record(this.version, patches, info);
  }

  #kickForChange(): void {
    const { realTimeSave, saveOnStateChange } = this.#settings;
    if (realTimeSave && saveOnStateChange) this.#writer.kick();
  }

  async #timedSnapshot(): Promise<void> {
    if (this.#isClosed || this.#writer.journalBytes === 0) return;
    await this.#writer.compact();
    if (!isStreaming(this.#container.state) || this.#settings.maxBackups === 0) return;
    await this.backups.backUp(await this.#durableVersion(), { reason: "interim" });
    await this.backups.retain(0);
  }

  /** Of what is durable, and nothing else: a revision that a crash takes back would be used again (I7). */
  async #durableVersion(): Promise<Version> {
    const { version } = this;
    await this.#writer.flushUnacknowledged();
    if (this.#writer.storedRevision >= version.revision) return version;
    // The store may be there again: nothing else writes to it before the next change.
    await this.#writer.compact().catch(() => undefined);
    if (this.#writer.storedRevision >= version.revision) return version;
    // A spill is not the store yet: were it forked, the backup would be of another history.
    throw new DraftstateError(
      "STORAGE",
      `conversation ${this.id} cannot be saved to its store at present and is in the fallback directory: try again when the store can be written`,
    );
  }

  async #housekeep(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      warn(this.options.store, this.id, `${what} could not be written: ${messageOf(error)}`, error);
    }
  }
}

export function closedError(id: string): DraftstateError {
  return new DraftstateError("USAGE", `conversation ${id} is closed: open it again to change it`);
}

function withoutMetadata(state: unknown): unknown {
  if (!isJsonObject(state) || !Object.hasOwn(state, "_metadata")) return state;
  const { _metadata: _left, ...rest } = state;
  return rest;
}
