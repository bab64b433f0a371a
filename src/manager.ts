/**
 * The draft's persistence manager: conversations opened for writing, saved, loaded, listed, compared and restored.
 * One writer a conversation, held by a lock; readers take none. Clock, ids and storage are handed in.
 */
import { DraftstateError, isDraftstateError } from "./errors.js";
import { isStreaming, messagesOf, metadataOf, type AgentState, type BackupNote, type Metadata } from "./model/conversation.js";
import { isJsonObject, type JsonObject } from "./model/json.js";
import { toJsonPatch, type JsonPatchOperation } from "./model/json-patch.js";
import type { Problem } from "./plan/recovery.js";
import type { RetentionPolicy } from "./plan/retention.js";
import type { LockOwner, Storage } from "./storage/storage.js";
import { assertCanCompress } from "./store/codec.js";
import { listBackups, type Backup } from "./store/backups.js";
import { listConversations, type ListOptions, type CatalogueRow } from "./operations/list/list.js";
import { comparePoints, type Comparison } from "./operations/diff.js";
import type { Conversation } from "./session/conversation.js";
import type { ManagerEnvironment, OpenOptions, SaveOptions } from "./session/open.js";
import type { ManagerEvents, ManagerListener, OnProgress } from "./store/events.js";
import type { Health } from "./monitoring/health.js";
import { fork, type Beginning, type ForkOptions, type ForkResult } from "./operations/fork.js";
import { checkHealth, type HealthOptions } from "./operations/health.js";
import { ImplicitHandles } from "./session/implicit-handles.js";
import { assertConversationId, knownIds } from "./store/names.js";
import type { Monitor } from "./metrics/monitor.js";
import { ManagerParts } from "./manager-parts.js";
import { prune, type PruneResult } from "./operations/prune.js";
import { findConversation, readConversation, refusal, versionOf, withInterruption } from "./store/read.js";
import type { Decoded } from "./snapshot/decode.js";
import { migrateAll, type MigrateOptions, type MigrateResult } from "./operations/migrate.js";
import type { RecoveryContext, WithRecoveries } from "./session/recover.js";
import { removeAll, type RemoveResult } from "./operations/remove.js";
import { rename } from "./operations/rename.js";
import { repair, type RepairResult } from "./operations/repair.js";
import { restore, type RestoreOptions, type RestoreResult } from "./operations/restore.js";
import { resolveSettings, type Settings } from "./store/settings.js";
import { renderPrometheus } from "./monitoring/prometheus.js";
import { readStoreMetrics, type StoreMetrics } from "./operations/stats/store-metrics.js";
import type { SaveStatistics } from "./metrics/statistics.js";
import { describeOperation, undo, type UndoneOperation, type UndoResult } from "./operations/undo/undo.js";
import { verify, type Verification } from "./operations/verify/verify.js";
import { previewUndos, type PreviewOptions, type UndoPreview } from "./operations/undo/preview.js";

export type ManagerOptions = { -readonly [Name in keyof Settings]?: Settings[Name] };

export type { ManagerEnvironment, OpenOptions } from "./session/open.js";

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
  readonly #parts: ManagerParts;
  readonly #open = new Map<string, Promise<Conversation>>();
  readonly #live = new Set<Conversation>();
  readonly #implicit = new ImplicitHandles((id, expect) => this.#openImplicitly(id, expect));
  #closed = false;

  constructor(
    private readonly environment: ManagerEnvironment,
    options: Readonly<Record<string, unknown>> = {},
  ) {
    this.settings = resolveSettings(options);
    assertCanCompress(this.settings.compression);
    this.#parts = new ManagerParts({ environment, settings: this.settings, live: () => this.#live, ids: () => this.ids() });
  }

  get monitor(): Monitor {
    return this.#parts.monitor;
  }

  /** Milliseconds on a clock that never goes back, for durations. */
  elapsed(): number {
    return this.environment.elapsed();
  }

  get storage(): Storage {
    return this.environment.storage;
  }

  on<Name extends keyof ManagerEvents>(name: Name, listener: ManagerListener<Name>): this {
    this.#parts.listeners.on(name, listener);
    return this;
  }

  off<Name extends keyof ManagerEvents>(name: Name, listener: ManagerListener<Name>): this {
    this.#parts.listeners.off(name, listener);
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
    const elsewhere = await this.#parts.fallback?.find(id);
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

  /** Newest first; damaged and edited conversations are rows that say so. */
  async list(options: ListOptions = {}): Promise<CatalogueRow[]> {
    const rows = await listConversations(this.storage, options);
    if (this.#parts.fallback === undefined) return rows;
    const there = new Map((await listConversations(this.#parts.fallback.storage, options)).map((row) => [row.conversationId, row]));
    const newest = rows.map((row) => {
      const other = there.get(row.conversationId);
      there.delete(row.conversationId);
      return other !== undefined && other.revision > row.revision ? { ...other, backupCount: row.backupCount } : row;
    });
    return [...there.values(), ...newest].sort((left, right) => (right.updatedAt ?? "").localeCompare(left.updatedAt ?? "", "en"));
  }

  /** Of every conversation that has a file, be it only a backup; sorted. */
  async ids(): Promise<string[]> {
    const [states, backups] = await Promise.all([this.storage.list("state"), this.storage.list("backup")]);
    const here = knownIds(states, backups);
    const elsewhere = (await this.#parts.fallback?.ids()) ?? [];
    return elsewhere.length === 0 ? here : [...new Set([...here, ...elsewhere])].sort();
  }

  /** A new conversation under a name of its own: `draft_chat_` and the time in milliseconds, as the draft names them, later by one where that is taken. */
  async openNew(beginning?: Beginning): Promise<Conversation> {
    for (let at = this.environment.now().getTime(); ; at += 1) {
      try {
        return await this.open(`draft_chat_${at}`, { expect: "new", lockTimeout: 0, ...(beginning === undefined ? {} : { beginning }) });
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
    return restore(this, id, backup, this.#parts.trash, options);
  }

  /** Retention for one conversation or all. Pinned backups and conversations themselves are never touched. */
  async prune(policy: RetentionPolicy & { readonly id?: string; readonly dryRun?: boolean; readonly purge?: boolean } = {}, onProgress?: OnProgress): Promise<PruneResult> {
    const { id, dryRun, purge, ...rules } = policy;
    if (id !== undefined) assertConversationId(id);
    const effective = Object.values(rules as Record<string, unknown>).every((value) => value === undefined) ? { max: this.settings.maxBackups } : rules;
    const removed = (event: ManagerEvents["backupRemoved"]): void => {
      this.#parts.events.emit("backupRemoved", event);
    };
    const context = { storage: this.storage, now: this.environment.now, trash: this.#parts.trash, removed, withLock: <T>(each: string, act: () => Promise<T>): Promise<T> => this.#withLock(each, act) };
    return prune(context, effective, { id, dryRun: dryRun === true, purge: purge === true, onProgress });
  }

  /**
   * Mends what can be mended of one conversation; with `accept`, signs a snapshot that was edited by hand as it is.
   * Throws `CORRUPT` where nothing valid is left, `LOCKED` while it is open anywhere.
   */
  async repair(id: string, options: { readonly accept?: boolean } = {}): Promise<RepairResult> {
    return this.#withRecovery(id, (context) => repair(context, id, this.#parts.trash, { accept: options.accept === true }));
  }

  /** Into the trash, with its restore points; with `purge` for good. Throws `NOT_FOUND`, `LOCKED` while it is open anywhere. */
  async remove(id: string, options: { readonly purge?: boolean; readonly dryRun?: boolean } = {}): Promise<RemoveResult> {
    const [result] = await this.removeAll([id], options);
    return result as RemoveResult;
  }

  /** Several as one operation: all are locked before the first goes, and one `undo` brings all of them back. */
  async removeAll(ids: readonly string[], options: { readonly purge?: boolean; readonly dryRun?: boolean } = {}): Promise<RemoveResult[]> {
    for (const id of ids) assertConversationId(id);
    const context = { storage: this.storage, trash: this.#parts.trash, fallback: this.#parts.fallback, withRecoveries: this.#withRecoveries };
    return removeAll(context, ids, { purge: options.purge === true, dryRun: options.dryRun === true });
  }

  /** Takes back the last restore, prune, rm, repair or rename: of one conversation, whatever was last, or the one of a time. */
  async undo(id?: string, options: { readonly at?: string } = {}): Promise<UndoResult> {
    if (id !== undefined) assertConversationId(id);
    const context = { manager: this, trash: this.#parts.trash, withRecoveries: this.#withRecoveries, assertNoLookalike: (each: string): Promise<void> => this.#parts.opener.assertNoLookalike(each) };
    return undo(context, { ...options, ...(id === undefined ? {} : { id }) });
  }

  /** What can be undone, newest first. */
  async operations(): Promise<UndoneOperation[]> {
    return (await this.#parts.trash.operations()).map(describeOperation);
  }

  /** The same with what undoing each would change: of all, of one conversation, or of the one that `undo` would take. */
  previewUndos(options: PreviewOptions = {}): Promise<UndoPreview[]> {
    return previewUndos(this, this.#parts.trash, options);
  }

  /** Everything in the trash, for good; the number of bytes freed. */
  emptyTrash(): Promise<number> {
    return this.#parts.trash.empty();
  }

  /** A copy under a new id, as it is or as a restore point holds it. */
  async fork(id: string, options: ForkOptions = {}): Promise<ForkResult> {
    assertConversationId(id);
    return fork(this, id, options);
  }

  /** A new title; returns the revision. */
  async rename(id: string, title: string): Promise<number> {
    return this.withConversation(id, (conversation) => rename(conversation, title, this.#parts.trash), "existing");
  }

  /** Snapshots of older schemas, rewritten in the current one; each original becomes a backup first. */
  async migrate(options: MigrateOptions = {}): Promise<MigrateResult> {
    if (options.id !== undefined) assertConversationId(options.id);
    return migrateAll(this, options);
  }

  verify(id?: string, onProgress?: OnProgress): Promise<Verification> {
    if (id !== undefined) assertConversationId(id);
    return verify(this.storage, { id, onProgress, findWholeFiles: this.environment.findWholeFiles });
  }

  getSaveStatistics(): SaveStatistics {
    return {
      queuedSaves: this.#queued,
      isSaving: this.#saving,
      autoSaveEnabled: this.settings.autoSave,
      autoSaveInterval: this.settings.autoSaveInterval,
      openConversations: this.#open.size,
      ...this.#parts.counter.counts,
    };
  }

  /** What all processes have counted in this store, and what can be seen of it now. */
  metrics(): Promise<StoreMetrics> {
    return readStoreMetrics({ storage: this.storage, metrics: this.monitor, spilled: this.#spilled, now: this.environment.now });
  }

  /** The same in Prometheus' text format, version 0.0.4. */
  async prometheus(): Promise<string> {
    const { data, gauges } = await this.metrics();
    return renderPrometheus(data, gauges);
  }

  /** Checks for monitors: what is wrong with the store, or will be soon. Never rejects for what it finds. */
  health(options: HealthOptions = {}): Promise<Health> {
    const { monitor, settings } = this;
    return checkHealth({ storage: this.storage, settings, now: this.environment.now, verify: () => this.verify(), list: () => listConversations(this.storage), spilled: this.#spilled, unsaved: () => monitor.unsaved() }, options);
  }

  readonly #spilled = async (): Promise<readonly string[]> => (await this.#parts.fallback?.ids()) ?? [];

  /** Saves what is unsaved and closes every conversation that is open. */
  async close(): Promise<void> {
    this.#closed = true;
    try {
      await this.#closeConversations();
    } finally {
      await this.#parts.close();
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

  get #queued(): number {
    return [...this.#live].reduce((sum, conversation) => sum + conversation.queuedChanges, 0);
  }

  get #saving(): boolean {
    return [...this.#live].some((conversation) => conversation.isSaving);
  }

  async #openNow(id: string, options: SaveOptions): Promise<Conversation> {
    const conversation = await this.#parts.opener.open(id, options, () => {
      this.#live.delete(conversation);
      this.#open.delete(id);
    });
    this.#live.add(conversation);
    this.monitor.start();
    return conversation;
  }

  #assertUsable(): void {
    if (this.#closed) throw new DraftstateError("USAGE", "the persistence manager is closed: make a new one");
  }

  /** Under the lock, for what works on the files themselves: not while anyone has the conversation open. */
  async #withRecovery<T>(id: string, act: (context: RecoveryContext) => Promise<T>): Promise<T> {
    assertConversationId(id);
    await this.#implicit.release(id);
    if (this.#open.has(id)) throw new DraftstateError("LOCKED", `conversation ${id} is open in this process: close it first`);
    this.#assertUsable();
    return this.#parts.opener.withRecovery(id, act);
  }

  /** A short hold for retention: not for conversations that this process has open. */
  #withLock<T>(id: string, act: () => Promise<T>): Promise<T> {
    return this.#open.has(id) ? act() : this.#parts.opener.withRecovery(id, act);
  }

  /** All locks or none, always in the same order: what one command does to several conversations waits for nobody half-way. */
  readonly #withRecoveries: WithRecoveries = (ids, act) => {
    const held = new Map<string, RecoveryContext>();
    const sorted = [...new Set(ids)].sort();
    const next = async (index: number): ReturnType<typeof act> => {
      const id = sorted[index];
      if (id === undefined) return act(held);
      return this.#withRecovery(id, (context) => {
        held.set(id, context);
        return next(index + 1);
      });
    };
    return next(0);
  };

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
    const opening = this.#openNow(id, { expect, forSave: true });
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
