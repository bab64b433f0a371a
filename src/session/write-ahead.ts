/**
 * The way of changes to the disk, for one conversation whose lock is held. One loop, at most one journal write under way:
 * what arrives meanwhile is the next batch. `whenDurable` resolves after the sync, never before. A snapshot is written
 * beside the loop, so that no token waits for it; once it is durable the loop drops what it holds from the journal.
 * When the journal fails, the whole state goes to a new file; when that fails too, waiters are rejected and the state
 * stays in memory, to be written whole at the next attempt.
 */
import { DraftstateError, isDraftstateError, messageOf } from "../errors.js";
import type { InfoChange, JournalHeader, JournalRecord } from "../journal/record.js";
import { metadataOf, type Version } from "../model/conversation.js";
import type { Patch } from "../model/patches.js";
import { SnapshotParts } from "../snapshot/encode.js";
import { verifySeal } from "../snapshot/checksum.js";
import type { Lock, Stat, Storage } from "../storage/storage.js";
import { ChangeQueue } from "./change-queue.js";
import type { ManagerEmitter } from "../store/events.js";
import type { Fallback } from "./spill.js";
import { JournalWriter } from "./journal-writer.js";
import { journalKey, snapshotKey } from "../store/names.js";
import { readMetadataOnly } from "../store/read.js";
import { withRetry, type RetryPolicy } from "../storage/retry.js";
import { RateLimit } from "./rate-limit.js";

export interface WriterOptions {
  readonly id: string;
  readonly storage: Storage;
  readonly lock: Lock;
  readonly events: ManagerEmitter;
  readonly retry: RetryPolicy;
  readonly fallback: Fallback | undefined;
  readonly now: () => Date;
  /** Milliseconds, for durations. */
  readonly elapsed: () => number;
  readonly syncEachBatch: boolean;
  readonly journalBudget: number;
  readonly maxQueuedChanges: number;
  /** The newest version, asked for whenever a snapshot is made. */
  readonly current: () => Version;
  /** The snapshot on disk as we left it or found it; undefined where there is none yet. */
  readonly base: { readonly revision: number; readonly stat: Stat } | undefined;
  /** The files on disk do not hold what comes before: the first save is a whole snapshot. */
  readonly wholeFirst?: boolean;
}

interface SnapshotWaiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A snapshot that is durable, and whose records are still in the journal. */
interface TakenSnapshot {
  readonly revision: number;
  readonly waiting: readonly SnapshotWaiter[];
}

interface Waiter extends SnapshotWaiter {
  readonly revision: number;
}

export class ConversationWriter {
  readonly #journal: JournalWriter;
  readonly #queue: ChangeQueue;
  readonly #snapshotRate = new RateLimit();
  #waiters: Waiter[] = [];
  #running: Promise<void> | undefined;
  #snapshotting: Promise<void> | undefined;
  #taken: TakenSnapshot | undefined;
  #base: number | undefined;
  #baseStat: Stat | undefined;
  #durable: number;
  #snapshotWaiters: SnapshotWaiter[] = [];
  #kickedAgain = false;
  /** Snapshots of ours whose replacement rejected: each may have taken its name all the same. */
  readonly #attempted = new Set<string>();
  /** The journal on disk no longer tells everything: only a whole snapshot does. */
  #journalBroken: boolean;

  constructor(private readonly options: WriterOptions) {
    this.#journal = new JournalWriter({ ...options, key: journalKey(options.id) });
    this.#queue = new ChangeQueue(options.maxQueuedChanges);
    this.#base = options.base?.revision;
    this.#baseStat = options.base?.stat;
    this.#durable = options.base?.revision ?? 0;
    this.#journalBroken = options.wholeFirst === true;
  }

  get durableRevision(): number {
    return this.#durable;
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

  get hasSnapshot(): boolean {
    return this.#base !== undefined;
  }

  record(revision: number, patches: readonly Patch[], info?: InfoChange): void {
    const change = { from: revision, revision, at: this.options.now().getTime(), patches };
    this.#queue.push(info === undefined ? change : { ...change, info });
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
      if (this.#kickedAgain) this.kick();
    });
  }

  /** Resolves when everything up to the revision is durable; rejects when a save of it failed for good. */
  whenDurable(revision: number): Promise<void> {
    if (revision <= this.#durable) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ revision, resolve, reject });
    });
  }

  async flush(): Promise<void> {
    const { revision } = this.options.current();
    const durable = this.whenDurable(revision);
    if (revision > this.#durable) this.kick();
    await durable;
  }

  /** Folds everything into a new snapshot. Resolves when it is durable, or at once where there is nothing to fold; rejects where only the journal holds it. */
  async compact(): Promise<void> {
    await this.flush();
    const { revision } = this.options.current();
    if (this.#base !== undefined && this.#base >= revision && this.#journal.bytes === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#snapshotWaiters.push({ resolve, reject });
      this.kick();
    });
  }

  /** Whether a snapshot now keeps the share of time spent on snapshots within bounds. */
  maySnapshot(): boolean {
    return this.#snapshotRate.allows(this.options.elapsed());
  }

  /** Waits for what is being written, writes nothing more. */
  async close(): Promise<void> {
    for (let busy = this.#running ?? this.#snapshotting; busy !== undefined; busy = this.#running ?? this.#snapshotting) await busy;
    await this.#journal.abandon();
  }

  async #drain(): Promise<void> {
    // Changes made in the same turn of the event loop share a batch.
    await Promise.resolve();
    for (;;) {
      if (this.#base === undefined || this.#journalBroken) {
        await this.#snapshotting;
        const written = await this.#writeWhole();
        if (written === "nowhere" || (written === "fallback" && this.#queue.length === 0)) return;
      } else if (this.#taken !== undefined) await this.#shortenJournal(this.#taken);
      else if (this.#wantsSnapshot) await this.#beginSnapshot();
      else if (this.#queue.length > 0) await this.#writeBatch(this.#queue.takeAll());
      else return;
    }
  }

  get #wantsSnapshot(): boolean {
    return this.#snapshotting === undefined && (this.#snapshotWaiters.length > 0 || this.#journalOverBudget());
  }

  #journalOverBudget(): boolean {
    return this.#journal.bytes > this.options.journalBudget && this.maySnapshot();
  }

  /** False when the journal failed. */
  async #writeBatch(records: readonly JournalRecord[]): Promise<boolean> {
    const last = records.at(-1);
    const first = records[0];
    if (last === undefined || first === undefined) return true;
    const started = this.options.elapsed();
    try {
      const bytes = await this.#journal.write(records, () => this.#header(first.from - 1));
      this.#becameDurable(last.revision);
      this.#saved("journal", last.revision, records.length, bytes, started);
      return true;
    } catch (error) {
      // Not retried on this file: the next round of the loop writes the whole state to a new one.
      this.#journalBroken = true;
      await this.#journal.abandon();
      this.#warn("the journal could not be written, the whole state goes to a new file", error);
      return false;
    }
  }

  #header(base: number): JournalHeader {
    return { conversationId: this.options.id, createdAt: this.options.current().info.createdAt, base };
  }

  /** A snapshot in place of a journal: for a conversation's first save, and after the journal failed. */
  async #writeWhole(): Promise<"snapshot" | "fallback" | "nowhere"> {
    for (const waiter of this.#taken?.waiting ?? []) waiter.resolve();
    this.#taken = undefined;
    const version = this.options.current();
    this.#queue.takeAll();
    try {
      await this.#replaceSnapshot(version);
      // Every record is at or below the snapshot's revision now (I3): what was queued up to it is covered too.
      await this.#journal.drop().catch((error: unknown) => {
        this.#warn("the old journal could not be removed; it is skipped when read", error);
      });
      this.#journalBroken = false;
      this.#becameDurable(version.revision);
      for (const waiter of this.#takeSnapshotWaiters()) waiter.resolve();
      await this.options.fallback?.done(this.options.id);
      return "snapshot";
    } catch (error) {
      this.#journalBroken = true;
      if (await this.#wroteToFallback(version, error)) return "fallback";
      this.#failed(version.revision, error);
      return "nowhere";
    }
  }

  /** Only where the storage refuses: a lock that was lost is no reason to write elsewhere. */
  async #wroteToFallback(version: Version, cause: unknown): Promise<boolean> {
    const { fallback, id } = this.options;
    if (fallback === undefined || !isDraftstateError(cause, "STORAGE")) return false;
    try {
      await fallback.save(id, version, cause);
    } catch (error) {
      this.#warn("the fallback directory could not be written either", error);
      return false;
    }
    this.#becameDurable(version.revision);
    for (const waiter of this.#takeSnapshotWaiters()) waiter.reject(cause);
    return true;
  }

  /** What is queued goes to the journal first, so that every record is either in the snapshot or behind it, never across. */
  async #beginSnapshot(): Promise<void> {
    const waiting = this.#takeSnapshotWaiters();
    const version = this.options.current();
    if (!(await this.#writeBatch(this.#queue.takeAll()))) {
      this.#snapshotWaiters = [...waiting, ...this.#snapshotWaiters];
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
      this.#snapshotRate.failed(this.options.elapsed());
      if (waiting.length === 0) this.#warn("the snapshot could not be written, the journal keeps every change", error);
      for (const waiter of waiting) waiter.reject(error);
    }
  }

  /** A journal that could not be removed is skipped when read; one that could not be begun anew leaves only the whole state to tell. */
  async #shortenJournal({ revision, waiting }: TakenSnapshot): Promise<void> {
    this.#taken = undefined;
    const goesOn = this.#journal.goesOnBehindSnapshot;
    try {
      await this.#journal.snapshotTaken(this.#header(revision));
    } catch (error) {
      this.#journalBroken = goesOn;
      this.#warn(goesOn ? "the journal could not be begun anew, the whole state goes to a new file" : "the old journal could not be removed; it is skipped when read", error);
    }
    for (const waiter of waiting) waiter.resolve();
  }

  #takeSnapshotWaiters(): SnapshotWaiter[] {
    const waiting = this.#snapshotWaiters;
    this.#snapshotWaiters = [];
    return waiting;
  }

  #warn(what: string, error: unknown): void {
    this.options.events.emit("warning", { conversationId: this.options.id, message: `${what}: ${messageOf(error)}`, error });
  }

  async #replaceSnapshot(version: Version): Promise<void> {
    const { id, storage, lock, now, elapsed, retry } = this.options;
    const started = elapsed();
    const savedAt = now().toISOString();
    const parts = new SnapshotParts(version.state, metadataOf(version, id, savedAt));
    await withRetry("snapshot", retry, async () => {
      await this.#assertBaseUnchanged();
      this.#attempted.add(`${version.revision} ${savedAt}`);
      await storage.replace(snapshotKey(id), parts, lock);
    });
    this.#attempted.clear();
    this.#base = version.revision;
    this.#baseStat = await storage.stat(snapshotKey(id)).catch(() => undefined);
    this.#snapshotRate.spent(started, elapsed());
    this.#saved("snapshot", version.revision, 0, parts.length, started);
  }

  /** A snapshot that is not the one we began from was written by someone else: it is not overwritten. */
  async #assertBaseUnchanged(): Promise<void> {
    const { id, storage } = this.options;
    const found = await readMetadataOnly(storage, id);
    if (found?.metadata.revision === this.#base && (await this.#isAsWeLeftIt())) return;
    if (found !== undefined && this.#attempted.has(`${found.metadata.revision} ${found.metadata.savedAt}`)) return;
    const path = storage.describe(snapshotKey(id));
    const seen = found === undefined ? "is gone or unreadable" : found.metadata.revision === this.#base ? "was edited" : `is at revision ${found.metadata.revision}`;
    if (found === undefined && this.#base !== undefined && (await storage.stat(snapshotKey(id))) === undefined) return;
    throw new DraftstateError("LOCKED", `${path} was changed from outside: it ${seen}, we left it at ${this.#base ?? "none"}; nothing was overwritten, the journal holds the changes`, { path });
  }

  /** An edit need not touch the revision. A file that was only touched is still ours: its seal says so. */
  async #isAsWeLeftIt(): Promise<boolean> {
    const { id, storage } = this.options;
    const stat = await storage.stat(snapshotKey(id));
    if (this.#baseStat === undefined || stat === undefined) return true;
    if (stat.size === this.#baseStat.size && stat.modifiedAt.getTime() === this.#baseStat.modifiedAt.getTime()) return true;
    const bytes = await storage.read(snapshotKey(id));
    return bytes !== undefined && verifySeal(Buffer.from(bytes)) === "valid";
  }

  #becameDurable(revision: number): void {
    this.#durable = Math.max(this.#durable, revision);
    const ready = this.#waiters.filter((waiter) => waiter.revision <= revision);
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > revision);
    for (const waiter of ready) waiter.resolve();
  }

  /** Whoever came after the attempt began is not told of its failure: another attempt is theirs. */
  #failed(revision: number, cause: unknown): void {
    const { id, events } = this.options;
    const error = cause instanceof DraftstateError ? cause : new DraftstateError("STORAGE", `${id} could not be saved: ${messageOf(cause)}`, { cause });
    const waiting = this.#waiters.filter((waiter) => waiter.revision <= revision);
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > revision);
    events.emit("saveError", { conversationId: id, error });
    for (const waiter of [...waiting, ...this.#takeSnapshotWaiters()]) waiter.reject(error);
  }

  #saved(kind: "journal" | "snapshot", revision: number, records: number, bytes: number, started: number): void {
    const durationMs = this.options.elapsed() - started;
    this.options.events.emit("stateSaved", { conversationId: this.options.id, kind, revision, records, bytes, durationMs });
  }
}
