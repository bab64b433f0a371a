/**
 * The way of changes to the disk, for one conversation whose lock is held. One loop, at most one journal write under way:
 * what arrives meanwhile is the next batch. Saves resolve after the sync, never before. A snapshot is written beside the
 * loop, so that no token waits for it; once it is durable the loop drops what it holds from the journal. When the journal
 * fails, or the queue has overflowed, the whole state goes to a new snapshot; when that fails too it is spilled; when that
 * fails as well, waiters are rejected and the state stays in memory, to be written whole at the next attempt.
 */
import { DraftstateError, messageOf } from "../errors.js";
import type { InfoChange, JournalHeader, JournalRecord } from "../journal/record.js";
import type { Version } from "../model/conversation.js";
import type { Patch } from "../model/patches.js";
import { reasonOf } from "../storage/storage-error.js";
import { journalKey } from "../store/names.js";
import { warn } from "../store/store.js";
import { Base } from "./base.js";
import { ChangeQueue } from "./change-queue.js";
import { FirstAct } from "./first-act.js";
import { JournalWriter } from "./journal-writer.js";
import { OwnSpills } from "./own-spills.js";
import { RateLimit } from "./rate-limit.js";
import { SnapshotWaiters, type SnapshotWaiter } from "./snapshot-waiters.js";
import { Waiters } from "./waiters.js";
import type { WriteAheadOptions } from "./write-ahead-options.js";

/** A snapshot that is durable, and whose records are still in the journal. */
interface TakenSnapshot {
  readonly revision: number;
  readonly waiting: readonly SnapshotWaiter[];
}

export class WriteAhead {
  readonly #journal: JournalWriter;
  readonly #queue: ChangeQueue;
  readonly #base: Base;
  readonly #waiters: Waiters;
  readonly #snapshotRate = new RateLimit();
  #latest: Version;
  /** The last change that is synced whatever the settings say. */
  #synced = 0;
  #running: Promise<void> | undefined;
  #snapshotting: Promise<void> | undefined;
  #taken: TakenSnapshot | undefined;
  #stored: number;
  readonly #implied: number;
  readonly #snapshotWaiters = new SnapshotWaiters();
  readonly #spills: OwnSpills;
  readonly #firstAct = new FirstAct();
  #kickedAgain = false;
  #isSuspended = false;
  /** The journal on disk no longer tells everything: only a whole snapshot does. */
  #journalBroken: boolean;

  constructor(private readonly options: WriteAheadOptions) {
    const { id, store, lock, snapshot, version, stored, wholeFirst } = options;
    this.#journal = new JournalWriter({
      storage: store.storage,
      lock,
      key: journalKey(id),
      continues: () => this.#base.standing,
    });
    this.#queue = new ChangeQueue(store.settings.maxQueuedChanges);
    this.#base = new Base({ id, store, lock }, snapshot);
    this.#latest = version;
    this.#stored = wholeFirst || snapshot === undefined ? stored : version.revision;
    this.#implied = Math.max(this.#stored, options.implied ?? 0);
    this.#waiters = new Waiters(this.#implied);
    this.#journalBroken = wholeFirst;
    this.#spills = new OwnSpills(options);
  }

  /** The highest revision that was acknowledged. */
  get durableRevision(): number {
    return this.#waiters.acknowledged;
  }

  /** Of snapshot and journal together. */
  get bytesOnDisk(): number {
    return this.#base.bytes + this.#journal.bytes;
  }

  /** The highest revision that the store itself holds durably, a spill aside. */
  get storedRevision(): number {
    return this.#stored;
  }

  get queuedChanges(): number {
    return this.#queue.length;
  }

  get isSaving(): boolean {
    return this.#running !== undefined || this.#snapshotting !== undefined;
  }

  get journalBytes(): number {
    return this.#journal.bytes;
  }

  /** The version with the change in it, and what the change was. */
  record(version: Version, patches: readonly Patch[], info?: InfoChange): void {
    this.#latest = version;
    const { revision } = version;
    const change = { from: revision, revision, at: this.options.store.now().getTime(), patches };
    this.#queue.push(info === undefined ? change : { ...change, info });
  }

  /** The next change is synced where only snapshots otherwise are, too. */
  syncNext(): void {
    this.#synced = this.#latest.revision + 1;
  }

  /** Starts writing what waits, if nothing is being written yet. */
  kick(): void {
    if (this.#running !== undefined) {
      this.#kickedAgain = true;
      return;
    }
    this.#kickedAgain = false;
    this.#running = this.#drain().finally(() => {
      this.#running = undefined;
      // The loop may have seen nothing left just before this kick came.
      if (this.#kickedAgain && !this.#isSuspended) this.kick();
    });
  }

  /** Resolves when everything up to the revision is durable; rejects if a save of it failed after every retry. */
  whenDurable(revision: number): Promise<void> {
    return this.#waiters.acknowledgement(revision);
  }

  async flush(): Promise<void> {
    await this.#flushed((revision) => this.#waiters.acknowledgement(revision));
  }

  /** The same for an operation that holds the acknowledgements back. */
  async flushUnacknowledged(): Promise<void> {
    await this.#flushed((revision) => this.#waiters.durability(revision));
  }

  /** Acknowledges no change until the returned function is called. */
  holdAcknowledgements(): () => void {
    return this.#waiters.hold();
  }

  /** Nothing more goes to the journal until the function that this gives is called: what is recorded meanwhile waits. */
  async suspend(): Promise<() => void> {
    this.#isSuspended = true;
    await this.#running;
    return () => {
      this.#isSuspended = false;
      this.kick();
    };
  }

  /** Nothing is written before this is done: it is tried now, and where it fails again before each write. Never rejects: the saves do. */
  first(act: () => Promise<void>): Promise<void> {
    return this.#firstAct.set(act);
  }

  async #flushed(wait: (revision: number) => Promise<void>): Promise<void> {
    const { revision } = this.#latest;
    const durable = wait(revision);
    if (revision > this.#waiters.durable) this.kick();
    await durable;
  }

  /** Folds everything into a new snapshot. Resolves when it is durable, or at once where there is nothing to fold; rejects where only the journal holds it. */
  async compact(): Promise<void> {
    await this.flushUnacknowledged();
    const { revision } = this.#latest;
    if (this.#base.revision !== undefined && this.#base.revision >= revision && this.#journal.bytes === 0) {
      if (await this.#base.stands()) return;
      this.#journalBroken = true;
    }
    await this.#snapshotWaiters.wait(() => {
      this.kick();
    });
  }

  /** Whether a snapshot now keeps the share of time spent on snapshots within bounds. */
  maySnapshot(): boolean {
    return this.#snapshotRate.allows(this.options.store.elapsed());
  }

  /** Waits for what is being written, writes nothing more. */
  async close(): Promise<void> {
    for (let busy = this.#running ?? this.#snapshotting; busy !== undefined; busy = this.#running ?? this.#snapshotting)
      await busy;
    await this.#journal.abandon();
    this.#waiters.close(
      new DraftstateError("USAGE", `conversation ${this.options.id} was closed before this revision was saved`),
    );
  }

  async #drain(): Promise<void> {
    // Changes made in the same turn of the event loop share a batch.
    await Promise.resolve();
    for (;;) {
      if (this.#isSuspended || (this.#firstAct.isLeft && !(await this.#mayWrite()))) return;
      if (this.#needsWhole) {
        await this.#snapshotting;
        const written = await this.#writeWhole();
        if (written === "nowhere" || (written === "spill" && this.#queue.length === 0 && !this.#queue.hasOverflowed))
          return;
      } else if (this.#taken !== undefined) await this.#shortenJournal(this.#taken);
      else if (this.#wantsSnapshot) await this.#beginSnapshot();
      else if (this.#queue.length > 0) await this.#writeBatch(this.#queue.takeAll());
      else return;
    }
  }

  async #mayWrite(): Promise<boolean> {
    try {
      await this.#firstAct.do();
      return true;
    } catch (error) {
      this.#failed(this.#latest.revision, error);
      return false;
    }
  }

  get #needsWhole(): boolean {
    return this.#base.revision === undefined || this.#journalBroken || this.#queue.hasOverflowed;
  }

  get #wantsSnapshot(): boolean {
    return this.#snapshotting === undefined && (!this.#snapshotWaiters.isEmpty || this.#journalOverBudget());
  }

  #journalOverBudget(): boolean {
    return this.#journal.bytes > this.options.store.settings.journalBudget && this.maySnapshot();
  }

  /** False when the journal failed, or could not be read back with these records. */
  async #writeBatch(records: readonly JournalRecord[]): Promise<boolean> {
    const last = records.at(-1);
    const first = records[0];
    if (last === undefined || first === undefined) return true;
    const started = this.options.store.elapsed();
    try {
      const batch = JournalWriter.encode(records);
      if (this.bytesOnDisk + batch.length > this.options.store.limits.fileBytes) {
        // Whether the state can still be read back as a whole is for the snapshot to tell.
        this.#journalBroken = true;
        return false;
      }
      const isSynced = this.options.store.settings.durability === "strict" || this.#synced >= first.from;
      await this.#journal.write(batch, isSynced, () => this.#header(first.from - 1));
      this.#becameDurable(last.revision);
      this.#saved("journal", last.revision, records.length, batch.length, started);
      return true;
    } catch (error) {
      // Not retried on this file: the next round of the loop writes the whole state to a new one.
      this.#journalBroken = true;
      await this.#journal.abandon();
      this.#warn("the whole state goes to a new file, since the journal could not be written", error);
      return false;
    }
  }

  #header(base: number): JournalHeader {
    const { id, store, session } = this.options;
    return {
      conversationId: id,
      createdAt: this.#latest.info.createdAt,
      base,
      ...(store.spills === undefined ? {} : { session }),
    };
  }

  /** A snapshot in place of a journal: for a conversation's first save, after the journal failed, and after the queue overflowed. */
  async #writeWhole(): Promise<"snapshot" | "spill" | "nowhere"> {
    for (const waiter of this.#taken?.waiting ?? []) waiter.resolve();
    this.#taken = undefined;
    const version = this.#latest;
    this.#queue.takeAll();
    try {
      await this.#replaceSnapshot(version);
      // Every record is at or below the snapshot's revision now (I3): what was queued up to it is covered too.
      await this.#journal.drop().catch((error: unknown) => {
        this.#warn("the old journal could not be removed; it is skipped when read", error);
      });
      this.#journalBroken = false;
      this.#becameDurable(version.revision);
      this.#snapshotWaiters.resolveAll();
      await this.#spills.removeAll();
      return "snapshot";
    } catch (error) {
      this.#journalBroken = true;
      if (version.revision <= Math.max(this.#stored, this.#implied)) {
        // The store holds it as it is, or what it follows from: only its snapshot could not be written.
        this.#snapshotWaiters.rejectAll(error);
        return "nowhere";
      }
      if (await this.#spills.save(version, this.#stored, error)) {
        this.#waiters.becameDurable(version.revision);
        this.#snapshotWaiters.rejectAll(error);
        return "spill";
      }
      this.#failed(version.revision, error);
      return "nowhere";
    }
  }

  /** What is queued goes to the journal first, so that every record is either in the snapshot or behind it, never across. */
  async #beginSnapshot(): Promise<void> {
    const waiting = this.#snapshotWaiters.takeAll();
    const version = this.#latest;
    if (!(await this.#writeBatch(this.#queue.takeAll()))) {
      this.#snapshotWaiters.putBack(waiting);
      return;
    }
    this.#journal.snapshotBegins();
    this.#snapshotting = this.#takeSnapshot(version, waiting).finally(() => {
      this.#snapshotting = undefined;
      this.kick();
    });
  }

  async #takeSnapshot(version: Version, waiting: readonly SnapshotWaiter[]): Promise<void> {
    try {
      await this.#replaceSnapshot(version);
      this.#taken = { revision: version.revision, waiting };
    } catch (error) {
      this.#journal.snapshotFailed();
      this.#snapshotRate.failed(this.options.store.elapsed());
      if (waiting.length === 0)
        this.#warn("the journal keeps every change, since the snapshot could not be written", error);
      for (const waiter of waiting) waiter.reject(error);
    }
  }

  /** A journal that could not be removed is skipped when read; one that could not be begun anew leaves only the whole state to tell. */
  async #shortenJournal({ revision, waiting }: TakenSnapshot): Promise<void> {
    this.#taken = undefined;
    const continues = this.#journal.continuesBehindSnapshot;
    try {
      await this.#journal.snapshotTaken(this.#header(revision));
    } catch (error) {
      this.#journalBroken = continues;
      this.#warn(
        continues
          ? "the whole state goes to a new file, since the journal could not be begun anew"
          : "the old journal is skipped when read, since it could not be removed",
        error,
      );
    }
    for (const waiter of waiting) waiter.resolve();
  }

  async #replaceSnapshot(version: Version): Promise<void> {
    const { elapsed } = this.options.store;
    const started = elapsed();
    const bytes = await this.#base.replace(version, this.#spills.marks(version.revision));
    this.#snapshotRate.spent(started, elapsed());
    this.#saved("snapshot", version.revision, 0, bytes, started);
  }

  /** In the store, as opposed to a spill. */
  #becameDurable(revision: number): void {
    this.#stored = Math.max(this.#stored, revision);
    this.#waiters.becameDurable(revision);
  }

  #failed(revision: number, cause: unknown): void {
    const { id, store } = this.options;
    const error =
      cause instanceof DraftstateError
        ? cause
        : new DraftstateError("STORAGE", `${id} could not be saved: ${messageOf(cause)}`, { cause });
    store.events.emit("saveError", { conversationId: id, error });
    this.#waiters.failed(revision, error);
    this.#snapshotWaiters.rejectAll(error);
  }

  #warn(what: string, error: unknown): void {
    warn(this.options.store, this.options.id, `${what}: ${reasonOf(error)}`, error);
  }

  #saved(kind: "journal" | "snapshot", revision: number, records: number, bytes: number, started: number): void {
    const { store, id } = this.options;
    store.events.emit("stateSaved", {
      conversationId: id,
      kind,
      revision,
      records,
      bytes,
      durationMs: store.elapsed() - started,
    });
  }
}
