/**
 * A conversation that this process writes: its state in memory, changed by recipes, and the policy of when a change
 * goes to disk. Holds the lock from `open` to `close`. Everything that touches the disk is the writer's.
 */
import { DraftstateError, messageOf } from "../errors.js";
import type { InfoChange } from "../journal/record.js";
import { changeInfo } from "../journal/replay.js";
import { isStreaming, MAX_REVISION, type AgentState, type BackupNote, type Info, type Version } from "../model/conversation.js";
import { StateContainer, type Recipe } from "../model/container.js";
import { isEarlierInAnswer } from "../model/earlier.js";
import { isJsonObject } from "../model/json.js";
import { diffStates, type Patch } from "../model/patches.js";
import type { Lock, Stat, Storage } from "../storage/storage.js";
import { backupHolding, encodeBackup, listBackupHeads, planPrune, writeBackup, type BackupHead } from "../store/backups.js";
import { ConversationWriter } from "./write-ahead.js";
import type { ManagerEmitter } from "../store/events.js";
import type { Fallback } from "./spill.js";
import { backupKey, type BackupName } from "../store/names.js";
import type { RetryPolicy } from "../storage/retry.js";
import { withRetry } from "../storage/retry.js";
import type { Settings } from "../store/settings.js";
import { assertTag } from "../store/tag.js";

export interface HandleOptions {
  readonly id: string;
  readonly version: Version;
  /** The snapshot on disk as it was found; undefined where there is none. It holds the version, unless `wholeFirst`. */
  readonly base: { readonly revision: number; readonly stat: Stat } | undefined;
  /** The state directory does not hold what the version continues: the first save writes all of it. */
  readonly wholeFirst?: boolean;
  /** New, and opened for a save: where nothing comes of that, there is nothing to keep. */
  readonly isUntouched?: boolean;
  readonly storage: Storage;
  readonly lock: Lock;
  readonly events: ManagerEmitter;
  readonly retry: RetryPolicy;
  readonly fallback: Fallback | undefined;
  readonly settings: Settings;
  readonly now: () => Date;
  readonly elapsed: () => number;
  readonly onClose: () => void;
}

/** Keeps `_metadata` small enough to be read from the end of a file. */
export const MAX_INFO_LENGTH = 2000;

export class Conversation<S extends object = AgentState> {
  readonly id: string;
  readonly #container: StateContainer;
  readonly #writer: ConversationWriter;
  #info: Info;
  #revision: number;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #housekeeping: Promise<void> = Promise.resolve();
  #timedSnapshotWaits = false;
  #isAnswering = false;
  /** Nothing was changed yet. */
  #isUntouched: boolean;

  constructor(private readonly options: HandleOptions) {
    const { id, version, settings } = options;
    this.id = id;
    this.#container = new StateContainer(version.state);
    this.#info = version.info;
    this.#revision = version.revision;
    this.#isUntouched = options.isUntouched === true;
    this.#writer = new ConversationWriter({
      ...options,
      syncEachBatch: settings.durability === "strict",
      journalBudget: settings.journalBudget,
      maxQueuedChanges: settings.maxQueuedChanges,
      current: () => this.version,
    });
    if (settings.autoSave) this.#startTimer(settings.autoSaveInterval);
  }

  /** Deeply frozen; a new object after each change. */
  get state(): S {
    return this.#container.state as unknown as S;
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

  get queuedChanges(): number {
    return this.#writer.queuedChanges;
  }

  get isSaving(): boolean {
    return this.#writer.isSaving;
  }

  /** Changes the state by an Immer recipe, which changes the draft or gives back a new state. Throws `INVALID_STATE`, unchanged, where it would no longer be plain JSON. */
  update(recipe: Recipe<S>): void {
    this.#assertOpen();
    this.#changed(this.#container.update(recipe as never));
  }

  /** Appends one streamed token to the answer being told; costs the token's size, whatever the answer's. */
  appendToken(text: string): void {
    this.#assertOpen();
    const patch = this.#container.token(text);
    this.#record([patch]);
    const { realTimeSave, saveOnToken } = this.options.settings;
    if (realTimeSave && saveOnToken) this.#writer.kick();
  }

  /** An answer streams into the conversation until the function that this gives back is called. Throws `LOCKED` while another does. */
  beginAnswer(): () => void {
    this.#assertOpen();
    if (this.#isAnswering) throw new DraftstateError("LOCKED", `conversation ${this.id} is in the middle of an answer: wait for its end, or stop it`);
    this.#isAnswering = true;
    return () => {
      this.#isAnswering = false;
    };
  }

  /** Becomes exactly this state, `_metadata` left out; what is written is the difference. Throws `LOCKED` in the middle of an answer. */
  replaceState(state: unknown): void {
    if (this.#isSavedAlready(state)) return;
    this.#assertReplaceable();
    this.#changed(this.#container.replace(withoutMetadata(state), diffStates));
  }

  /** Like `replaceState`, but starts no save: the caller, the next change or the timer does. */
  replaceStateQuietly(state: unknown): void {
    if (this.#isSavedAlready(state)) return;
    this.#assertReplaceable();
    const patches = this.#container.replace(withoutMetadata(state), diffStates);
    if (patches.length > 0) this.#record(patches);
  }

  /** Title, model and base URL; null takes one away. */
  updateInfo(change: InfoChange): void {
    this.#assertOpen();
    for (const [field, value] of Object.entries(change)) {
      if (typeof value === "string" && value.length > MAX_INFO_LENGTH) throw new DraftstateError("INVALID_STATE", `${field} has ${value.length} characters, more than ${MAX_INFO_LENGTH}; nothing was saved`);
    }
    this.#info = changeInfo(this.#info, change);
    this.#record([], change);
    this.#kickForChange();
  }

  /** Resolves when all changes so far are durable. */
  async flush(): Promise<void> {
    await this.#writer.flush();
  }

  /** Resolves when the given revision is durable; does not start a save by itself. */
  whenDurable(revision: number): Promise<void> {
    return this.#writer.whenDurable(revision);
  }

  /** A turn is over: snapshot, backup, retention. What fails here after the flush is a warning, since nothing is lost. */
  async endTurn(): Promise<void> {
    await this.flush();
    await this.#oneAtATime(async () => {
      await this.#housekeep("the snapshot", () => this.#writer.compact());
      if (this.options.settings.maxBackups === 0) return;
      await this.#housekeep("the backup", async () => {
        await this.#backUp({ reason: "turn" });
        await this.#retain(0);
      });
    });
  }

  /** A restore point of now; the existing one where the newest holds the same state. Returns its timestamp. */
  async backup(note: BackupNote = { reason: "manual" }): Promise<string> {
    this.#assertOpen();
    assertTag(note.tag);
    await this.flush();
    return this.#oneAtATime(async () => {
      const plain = note.tag === undefined && note.pinned !== true;
      const same = plain ? await backupHolding(this.options.storage, this.id, this.version) : undefined;
      const timestamp = same === undefined ? await this.#backUp(note) : await this.#reuse(same);
      // Whoever asked for a restore point gets to use it, also where turns leave none.
      await this.#housekeep("retention", () => this.#retain(1));
      return timestamp;
    });
  }

  /** Folds the journal into a new snapshot. */
  async compact(): Promise<void> {
    await this.#oneAtATime(() => this.#writer.compact());
  }

  /** Folds the journal into the snapshot and lets go of the lock. Rejects when changes could not be saved; they are then only in `state`. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    try {
      if (!this.#isUntouched) await this.flush();
      await this.#oneAtATime(() => this.#housekeep("the snapshot", () => this.#foldAtEnd()));
    } finally {
      await this.#writer.close();
      try {
        await this.options.lock.release();
      } finally {
        this.options.onClose();
      }
    }
  }

  async #foldAtEnd(): Promise<void> {
    if (!this.#isUntouched) await this.#writer.compact();
  }

  /** What the agent gave as it answers, and is given back. */
  #isSavedAlready(state: unknown): boolean {
    return this.#isAnswering && isEarlierInAnswer(state, this.#container.state, this.id);
  }

  /** A whole state that somebody has in hand does not hold the tokens that came since. */
  #assertReplaceable(): void {
    this.#assertOpen();
    if (this.#isAnswering) throw new DraftstateError("LOCKED", `conversation ${this.id} is in the middle of an answer, whose tokens are saved as they come: change what is yours with update(), or save when it has ended; nothing was replaced`);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new DraftstateError("USAGE", `conversation ${this.id} is closed: open it again to change it`);
    // What follows the last revision that a file may name could be written, and never read again.
    if (this.#revision >= MAX_REVISION) throw new DraftstateError("INVALID_STATE", `conversation ${this.id} has no revision left to count a change by: go on in a copy with "draftstate fork ${this.id}"; nothing was saved`);
  }

  #changed(patches: readonly Patch[]): void {
    if (patches.length === 0) return;
    this.#record(patches);
    this.#kickForChange();
  }

  #record(patches: readonly Patch[], info?: InfoChange): void {
    this.#revision += 1;
    this.#isUntouched = false;
    this.#writer.record(this.#revision, patches, info);
  }

  #kickForChange(): void {
    const { realTimeSave, saveOnStateChange } = this.options.settings;
    if (realTimeSave && saveOnStateChange) this.#writer.kick();
  }

  #startTimer(interval: number): void {
    this.#timer = setInterval(() => {
      this.#timedSave();
    }, interval);
    this.#timer.unref();
  }

  #timedSave(): void {
    if (this.#revision > this.durableRevision) this.#writer.kick();
    const worthwhile = this.#writer.journalBytes > 0 && this.#writer.maySnapshot();
    if (!worthwhile || this.#timedSnapshotWaits || this.#closing !== undefined) return;
    this.#timedSnapshotWaits = true;
    void this.#oneAtATime(() => this.#housekeep("the timed snapshot", () => this.#timedSnapshot())).finally(() => {
      this.#timedSnapshotWaits = false;
    });
  }

  async #timedSnapshot(): Promise<void> {
    if (this.#writer.journalBytes === 0) return;
    await this.#writer.compact();
    if (!isStreaming(this.#container.state) || this.options.settings.maxBackups === 0) return;
    await this.#backUp({ reason: "interim" });
    await this.#retain(0);
  }

  /** Snapshots, backups and retention never overlap: each sees what the one before left. */
  #oneAtATime<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#housekeeping.then(act);
    this.#housekeeping = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  async #backUp(note: BackupNote): Promise<string> {
    const { storage, settings, now, retry, events } = this.options;
    // Of what is durable, and nothing else: a revision that a crash takes back would be used again (I7).
    const version = await this.#durableVersion();
    const [newest] = await listBackupHeads(storage, this.id);
    if (newest?.revision === version.revision && newest.reason !== "interim" && note.tag === undefined && note.pinned !== true) return this.#reuse(newest);
    const bytes = encodeBackup(this.id, version, note, now());
    const written = await withRetry("backup", retry, () => writeBackup(storage, { id: this.id, bytes, compression: settings.compression, now: now() }));
    const path = storage.describe(backupKey(written));
    events.emit("backupCreated", { conversationId: this.id, timestamp: written.timestamp, path, revision: version.revision, reason: note.reason, bytes: written.bytes });
    return written.timestamp;
  }

  /** One that a killed writer left may have its name, and lose it again in a power loss: nothing is built upon that. */
  async #reuse(backup: BackupName): Promise<string> {
    await this.options.storage.settle("backup");
    return backup.timestamp;
  }

  async #durableVersion(): Promise<Version> {
    const version = this.version;
    if (version.revision > this.durableRevision) {
      this.#writer.kick();
      await this.#writer.whenDurable(version.revision);
    }
    return version;
  }

  /** Interim backups stand beside the count, at most the newest of them, and only while nothing newer stands. */
  async #retain(minimum: number): Promise<void> {
    const { storage, settings, now, events } = this.options;
    const heads = await listBackupHeads(storage, this.id);
    const isInterim = (head: BackupHead): boolean => head.reason === "interim" && !head.pinned;
    const interim = heads.filter((head) => isInterim(head) && head !== heads[0]);
    const counted = heads.filter((head) => !isInterim(head));
    const plan = planPrune(counted, { max: Math.max(minimum, settings.maxBackups) }, { now: now(), protectLastValid: false });
    for (const backup of [...interim, ...plan.remove]) {
      if (await storage.remove(backupKey(backup))) events.emit("backupRemoved", { conversationId: this.id, timestamp: backup.timestamp, path: backup.path });
    }
  }

  async #housekeep(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.options.events.emit("warning", { conversationId: this.id, message: `${what} could not be written: ${messageOf(error)}`, error });
    }
  }
}

function withoutMetadata(state: unknown): unknown {
  if (!isJsonObject(state) || !Object.hasOwn(state, "_metadata")) return state;
  const { _metadata: _left, ...rest } = state;
  return rest;
}
