/**
 * The draft's persistence manager: conversations opened for writing, saved, loaded, listed, compared and restored.
 * One writer a conversation, held by a lock; readers take none. Clock, ids and storage are handed in.
 */
import { DraftstateError, isDraftstateError, messageOf } from "../errors.js";
import { initialState, isStreaming, messagesOf, metadataOf, type AgentState, type BackupNote, type Metadata, type Version } from "../model/conversation.js";
import { isJsonObject, type JsonObject } from "../model/json.js";
import { toJsonPatch, type JsonPatchOperation } from "../model/json-patch.js";
import { planRecovery, type Problem } from "../plan/recovery.js";
import type { RetentionPolicy } from "../plan/retention.js";
import type { Lock, LockOwner, Stat, Storage } from "../storage/storage.js";
import { assertCanCompress } from "./backup-codec.js";
import { listBackups, type Backup } from "./backups.js";
import { listConversations, type CatalogueRow } from "./catalogue.js";
import { comparePoints, type Comparison } from "./compare-points.js";
import { Conversation } from "./conversation-handle.js";
import { ManagerEmitter, type ManagerEvents, type ManagerListener } from "./events.js";
import { Fallback } from "./fallback.js";
import { foldBack } from "./fold-back.js";
import type { HttpPost } from "../monitoring/webhook.js";
import type { Health } from "../monitoring/health.js";
import type { Logger } from "./event-log.js";
import { checkHealth, type HealthOptions } from "./health.js";
import { ImplicitHandles } from "./implicit-handles.js";
import { assertConversationId, knownIds, snapshotKey } from "./layout.js";
import { acquireLock } from "./locking.js";
import { Monitor } from "./monitor.js";
import { prune, type PruneResult } from "./prune.js";
import { findConversation, readConversation, refusal, versionOf, withInterruption } from "./reader.js";
import type { Decoded } from "../snapshot/decode.js";
import { recover, type RecoveryContext } from "./recover.js";
import { repair, type RepairResult } from "./repair.js";
import { restore, type RestoreOptions, type RestoreResult } from "./restore.js";
import { resolveSettings, type Settings } from "./settings.js";
import { renderPrometheus } from "../monitoring/prometheus.js";
import { readStoreMetrics, type StoreMetrics } from "./store-metrics.js";
import { SaveCounter, type SaveStatistics } from "./statistics.js";
import { verify, type Verification } from "./verify.js";

export type ManagerOptions = { -readonly [Name in keyof Settings]?: Settings[Name] };

/** What the manager needs of the world. */
export interface ManagerEnvironment {
  readonly storage: Storage;
  /** Where states go while `storage` cannot be written. */
  readonly fallback?: Storage | undefined;
  readonly now: () => Date;
  /** Milliseconds since some moment, for durations. */
  readonly elapsed: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  /** Takes one structured entry for each event. */
  readonly logger?: Logger | undefined;
  /** The way to the webhook of alerts. */
  readonly post?: HttpPost | undefined;
}

export interface OpenOptions {
  /** Milliseconds to wait for another writer; the setting `lockTimeout` where it is left out. */
  readonly lockTimeout?: number;
  /** `new`: it must not exist yet. `existing`: it must. */
  readonly expect?: "any" | "new" | "existing";
}

export interface LoadedConversation {
  readonly conversationId: string;
  readonly state: JsonObject;
  readonly metadata: Metadata;
  /** The process that writes it now. */
  readonly owner: LockOwner | undefined;
  readonly problems: readonly Problem[];
  readonly edited: boolean;
}

export class DraftStatePersistenceManager {
  readonly settings: Settings;
  readonly #events = new ManagerEmitter();
  readonly #counter: SaveCounter;
  readonly #open = new Map<string, Promise<Conversation>>();
  readonly #implicit = new ImplicitHandles((id, expect) => this.#openImplicitly(id, expect));
  readonly #fallback: Fallback | undefined;
  readonly monitor: Monitor;
  #prepared: Promise<void> | undefined;
  #closed = false;

  constructor(
    private readonly environment: ManagerEnvironment,
    options: Readonly<Record<string, unknown>> = {},
  ) {
    this.settings = resolveSettings(options);
    assertCanCompress(this.settings.compression);
    const { fallback, now } = environment;
    const directory = this.settings.fallbackDir ?? "";
    this.#fallback = fallback === undefined ? undefined : new Fallback({ storage: fallback, directory, events: this.#events, now });
    const { logger, post } = environment;
    this.monitor = new Monitor({ ...environment, events: this.#events, settings: this.settings, live: () => this.#live, logger, post });
    this.#counter = new SaveCounter(this.#events, this.monitor.registry);
  }

  get storage(): Storage {
    return this.environment.storage;
  }

  on<Name extends keyof ManagerEvents>(name: Name, listener: ManagerListener<Name>): this {
    this.#events.on(name, listener);
    return this;
  }

  off<Name extends keyof ManagerEvents>(name: Name, listener: ManagerListener<Name>): this {
    this.#events.off(name, listener);
    return this;
  }

  /** Takes the writer's lock, recovers what a dead writer left, and creates the conversation if new. Throws `LOCKED`, `CORRUPT`, `NEWER_VERSION`. */
  async open<S extends object = AgentState>(id: string, options: OpenOptions = {}): Promise<Conversation<S>> {
    assertConversationId(id);
    this.#assertUsable();
    await this.#implicit.release(id);
    if (this.#open.has(id)) {
      throw new DraftstateError("LOCKED", `conversation ${id} is open in this process already: close it first, or use that handle`);
    }
    const opening = this.#openNow(id, options);
    this.#open.set(id, opening);
    opening.catch(() => this.#open.delete(id));
    return (await opening) as unknown as Conversation<S>;
  }

  /** Saves the whole state; durable when it resolves. The end of a turn also makes the snapshot and a backup. */
  async saveState(id: string, state: object): Promise<void> {
    await this.withConversation(id, async (conversation) => {
      const before = conversation.state as unknown as JsonObject;
      conversation.replaceState(state);
      await conversation.flush();
      if (endsTurn(before, conversation.state)) await conversation.endTurn();
    });
  }

  /** Saves when `saveOnToken` (and `realTimeSave`) say so; otherwise with the next change or timed save. */
  async saveStateOnToken(id: string, state: object): Promise<void> {
    await this.#saveWhen(this.settings.saveOnToken, id, state);
  }

  /** Saves when `saveOnStateChange` (and `realTimeSave`) say so; otherwise with the next timed save. */
  async saveStateOnChange(id: string, state: object): Promise<void> {
    await this.#saveWhen(this.settings.saveOnStateChange, id, state);
  }

  /** The state without `_metadata`; null when there is none. Throws `CORRUPT`, never returns half. */
  async loadState<S extends object = AgentState>(id: string): Promise<S | null> {
    const loaded = await this.load(id);
    return loaded === undefined ? null : (loaded.state as unknown as S);
  }

  /** State, metadata and health, journal applied. Throws `CORRUPT` unless `allowEdited`, which shows an edited one as it is. */
  async load(id: string, options: { readonly allowEdited?: boolean } = {}): Promise<LoadedConversation | undefined> {
    assertConversationId(id);
    const read = await readConversation(this.storage, id);
    const elsewhere = await this.#fallback?.find(id);
    if (elsewhere !== undefined && elsewhere.metadata.revision > (read?.version.revision ?? 0)) return this.#asElsewhere(id, elsewhere, read?.owner);
    if (read === undefined) return undefined;
    const { version, metadata, owner, problems, edited } = read;
    if (edited && options.allowEdited !== true) throw refusal(this.storage, id, { kind: "edited", version, problems });
    return { conversationId: id, state: version.state, metadata, owner, problems, edited };
  }

  /** Newer in the fallback directory than in its own: shown from there until it is folded back. */
  #asElsewhere(id: string, found: Extract<Decoded, { kind: "valid" }>, owner: LockOwner | undefined): LoadedConversation {
    const version = owner === undefined && isStreaming(found.state) ? withInterruption(versionOf(found), found.metadata.savedAt) : versionOf(found);
    return { conversationId: id, state: version.state, metadata: metadataOf(version, id, found.metadata.savedAt), owner, problems: [], edited: false };
  }

  /** Newest first; damaged conversations are rows that say so. */
  async list(): Promise<CatalogueRow[]> {
    const rows = await listConversations(this.storage);
    if (this.#fallback === undefined) return rows;
    const there = new Map((await listConversations(this.#fallback.storage)).map((row) => [row.conversationId, row]));
    const newest = rows.map((row) => {
      const other = there.get(row.conversationId);
      there.delete(row.conversationId);
      return other !== undefined && other.revision > row.revision ? { ...other, backupCount: row.backupCount } : row;
    });
    return [...there.values(), ...newest];
  }

  /** Of every conversation that has a file, be it only a backup; sorted. */
  async ids(): Promise<string[]> {
    const here = knownIds(await this.storage.list("state"), await this.storage.list("backup"));
    const elsewhere = (await this.#fallback?.ids()) ?? [];
    return elsewhere.length === 0 ? here : [...new Set([...here, ...elsewhere])].sort();
  }

  /** A new conversation under a name of its own: `draft_chat_` and the time in milliseconds, as the draft names them, later by one where that is taken. */
  async openNew(): Promise<Conversation> {
    for (let at = this.environment.now().getTime(); ; at += 1) {
      try {
        return await this.open(`draft_chat_${at}`, { expect: "new", lockTimeout: 0 });
      } catch (error) {
        // Another process chose the same millisecond.
        if (!isDraftstateError(error, "INVALID_ID") && !isDraftstateError(error, "LOCKED")) throw error;
      }
    }
  }

  /** Newest first, each verified. Throws `NOT_FOUND` where there is neither a conversation nor a backup. */
  async listBackups(id: string): Promise<Backup[]> {
    assertConversationId(id);
    const backups = await listBackups(this.storage, id);
    if (backups.length === 0) await this.#mustExist(id);
    return backups;
  }

  /** A restore point now; returns its timestamp. */
  async backup(id: string, note?: BackupNote): Promise<string> {
    return this.withConversation(id, (conversation) => conversation.backup(note), "existing");
  }

  /** JSON Patch (RFC 6902) from one restore point to another, `_metadata` left out; by default newest different backup → now. */
  async diff(id: string, from?: string, to?: string): Promise<JsonPatchOperation[]> {
    const { before, after } = await this.compare(id, from, to);
    return toJsonPatch(before.state, after.state);
  }

  async compare(id: string, from?: string, to?: string): Promise<Comparison> {
    assertConversationId(id);
    return comparePoints(this.storage, id, from, to, async () => (await this.#mustLoad(id)).state);
  }

  /** Goes back, forwards: a new revision with the old content, after a backup of the present. */
  async restore(id: string, backup: string, options: RestoreOptions = {}): Promise<RestoreResult> {
    assertConversationId(id);
    return restore(this, id, backup, options);
  }

  /** Retention for one conversation or all. Pinned backups and conversations themselves are never touched. */
  async prune(policy: RetentionPolicy & { readonly id?: string; readonly dryRun?: boolean } = {}): Promise<PruneResult> {
    const { id, dryRun, ...rules } = policy;
    if (id !== undefined) assertConversationId(id);
    const effective = Object.values(rules as Record<string, unknown>).every((value) => value === undefined) ? { max: this.settings.maxBackups } : rules;
    const removed = (event: ManagerEvents["backupRemoved"]): void => {
      this.#events.emit("backupRemoved", event);
    };
    const context = { storage: this.storage, now: this.environment.now, removed, withLock: <T>(each: string, act: () => Promise<T>): Promise<T> => this.#withLock(each, act) };
    return prune(context, effective, { id, dryRun: dryRun === true });
  }

  /**
   * Mends what can be mended of one conversation; with `accept`, signs a snapshot that was edited by hand as it is.
   * Throws `CORRUPT` where nothing valid is left, `LOCKED` while it is open anywhere.
   */
  async repair(id: string, options: { readonly accept?: boolean } = {}): Promise<RepairResult> {
    assertConversationId(id);
    await this.#implicit.release(id);
    if (this.#open.has(id)) throw new DraftstateError("LOCKED", `conversation ${id} is open in this process: close it first`);
    await this.storage.prepare();
    const lock = await this.#lock(id, this.settings.lockTimeout);
    try {
      return await repair(this.#recoveryContext(lock), id, { accept: options.accept === true });
    } finally {
      await lock.release();
    }
  }

  verify(id?: string): Promise<Verification> {
    if (id !== undefined) assertConversationId(id);
    return verify(this.storage, id);
  }

  getSaveStatistics(): SaveStatistics {
    return {
      queuedSaves: this.#queued,
      isSaving: this.#saving,
      autoSaveEnabled: this.settings.autoSave,
      autoSaveInterval: this.settings.autoSaveInterval,
      openConversations: this.#open.size,
      ...this.#counter.counts,
    };
  }

  /** What all processes have counted in this store, and what can be seen of it now. */
  metrics(): Promise<StoreMetrics> {
    return readStoreMetrics({ storage: this.storage, fallback: this.#fallback, monitor: this.monitor, now: this.environment.now });
  }

  /** The same in Prometheus' text format, version 0.0.4. */
  async prometheus(): Promise<string> {
    const { data, gauges } = await this.metrics();
    return renderPrometheus(data, gauges);
  }

  /** Checks for monitors: what is wrong with the store, or will be soon. Never rejects for what it finds. */
  health(options: HealthOptions = {}): Promise<Health> {
    const { monitor, settings } = this;
    return checkHealth({ storage: this.storage, fallback: this.#fallback, settings, monitor, now: this.environment.now }, options);
  }

  /** Saves what is unsaved and closes every conversation that is open. */
  async close(): Promise<void> {
    this.#closed = true;
    try {
      await this.#closeConversations();
    } finally {
      await this.monitor.close();
    }
  }

  async #closeConversations(): Promise<void> {
    await this.#implicit.releaseAll();
    const outcomes = await Promise.allSettled([...this.#open.values()].map(async (opening) => (await opening).close()));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  readonly #live = new Set<Conversation>();

  get #queued(): number {
    return [...this.#live].reduce((sum, conversation) => sum + conversation.queuedChanges, 0);
  }

  get #saving(): boolean {
    return [...this.#live].some((conversation) => conversation.isSaving);
  }

  #assertUsable(): void {
    if (this.#closed) throw new DraftstateError("USAGE", "the persistence manager is closed: make a new one");
  }

  async #openNow(id: string, options: OpenOptions): Promise<Conversation> {
    const lock = await this.#prepareAndLock(id, options.lockTimeout ?? this.settings.lockTimeout);
    try {
      return await this.#openLocked(id, lock, options.expect ?? "any");
    } catch (error) {
      await lock.release().catch(() => undefined);
      throw error;
    }
  }

  /** In the fallback store where the state directory cannot even hold a lock. */
  async #prepareAndLock(id: string, timeout: number): Promise<Lock> {
    try {
      this.#prepared ??= this.storage.prepare();
      await this.#prepared;
      return await this.#lock(id, timeout, this.storage);
    } catch (error) {
      this.#prepared = undefined;
      if (this.#fallback === undefined || !isDraftstateError(error, "STORAGE")) throw error;
      await this.#fallback.storage.prepare();
      return this.#lock(id, timeout, this.#fallback.storage);
    }
  }

  async #openLocked(id: string, lock: Lock, expect: "any" | "new" | "existing"): Promise<Conversation> {
    const { storage, now } = this.environment;
    await storage.sweep(id).catch((error: unknown) => {
      this.#events.emit("warning", { conversationId: id, message: `unfinished files could not be removed: ${messageOf(error)}`, error });
    });
    if (this.#fallback !== undefined) await foldBack(this.#recoveryContext(lock), this.#fallback, id);
    const plan = planRecovery(await findConversation(storage, id));
    if (plan.kind === "absent") {
      if (expect === "existing") throw refusal(storage, id, plan);
      await this.#assertNoLookalike(id);
      return this.#handle(id, lock, { state: initialState(), info: { createdAt: now().toISOString() }, revision: 1 }, undefined);
    }
    if (expect === "new") throw new DraftstateError("INVALID_ID", `conversation ${id} exists already: choose another id, or go on with it by --resume ${id}`);
    if (plan.kind !== "usable") throw refusal(storage, id, plan);
    const { version } = await recover(this.#recoveryContext(lock), id, plan);
    return this.#handle(id, lock, version, await storage.stat(snapshotKey(id)));
  }

  #recoveryContext(lock: Lock): RecoveryContext {
    const { storage, now } = this.environment;
    return { storage, lock, events: this.#events, now, compression: this.settings.compression };
  }

  /** `snapshot`: the file on disk that holds the version; undefined for a new conversation. */
  #handle(id: string, lock: Lock, version: Version, snapshot: Stat | undefined): Conversation {
    const { settings, environment } = this;
    const conversation: Conversation = new Conversation({
      id, version, snapshot, lock, settings,
      storage: environment.storage,
      fallback: this.#fallback,
      events: this.#events,
      now: environment.now,
      elapsed: environment.elapsed,
      retry: {
        attempts: settings.retryAttempts,
        delay: settings.retryDelay,
        random: environment.random,
        onRetry: (event) => {
          this.#events.emit("retry", event);
        },
      },
      onClose: () => {
        this.#live.delete(conversation);
        this.#open.delete(id);
      },
    });
    this.#live.add(conversation);
    this.monitor.start();
    return conversation;
  }

  #lock(id: string, timeout: number, storage: Storage = this.storage): Promise<Lock> {
    return acquireLock(storage, id, timeout, this.environment);
  }

  /** A short hold for retention: not for conversations that this process has open. */
  async #withLock<T>(id: string, act: () => Promise<T>): Promise<T> {
    await this.storage.prepare();
    if (this.#open.has(id)) return act();
    const lock = await this.#lock(id, this.settings.lockTimeout);
    try {
      return await act();
    } finally {
      await lock.release();
    }
  }

  async #assertNoLookalike(id: string): Promise<void> {
    const like = (await this.ids()).find((other) => other !== id && other.toLowerCase() === id.toLowerCase());
    if (like === undefined) return;
    throw new DraftstateError("INVALID_ID", `conversation ${id} differs from ${like} by upper and lower case alone: choose another id`);
  }

  async #mustExist(id: string): Promise<void> {
    const found = await findConversation(this.storage, id);
    if (found.snapshot === undefined && found.journal === undefined) throw refusal(this.storage, id, { kind: "absent" });
  }

  async #mustLoad(id: string): Promise<LoadedConversation> {
    const loaded = await this.load(id);
    if (loaded === undefined) throw refusal(this.storage, id, { kind: "absent" });
    return loaded;
  }

  async #saveWhen(wanted: boolean, id: string, state: object): Promise<void> {
    await this.withConversation(id, async (conversation) => {
      conversation.replaceStateQuietly(state);
      if (this.settings.realTimeSave && wanted) await conversation.flush();
    });
  }

  /** Acts on the open handle of a conversation, or on one opened for this and kept while saves keep coming. */
  async withConversation<T>(id: string, act: (conversation: Conversation) => Promise<T>, expect: "any" | "existing" = "any"): Promise<T> {
    assertConversationId(id);
    this.#assertUsable();
    const explicit = this.#implicit.has(id) ? undefined : this.#open.get(id);
    if (explicit !== undefined) return act(await explicit);
    return this.#implicit.use(id, expect, act);
  }

  /** Opened by a save alone: it counts as open like any other. */
  #openImplicitly(id: string, expect: "any" | "existing"): Promise<Conversation> {
    const opening = this.#openNow(id, { expect });
    this.#open.set(id, opening);
    opening.catch(() => this.#open.delete(id));
    return opening;
  }
}

function endsTurn(before: JsonObject, after: JsonObject): boolean {
  if (isStreaming(after)) return false;
  const hasMessages = isJsonObject(after) && Array.isArray(after["messages"]);
  return !hasMessages || isStreaming(before) || messagesOf(before) !== messagesOf(after);
}
