/**
 * From an id to a conversation that this process may write: the lock, what a dead writer left mended, what went to the
 * fallback store brought home, then the handle. Whatever fails gives the lock back.
 */
import type { HttpPost } from "../monitoring/webhook.js";
import type { Logger } from "../metrics/event-log.js";
import type { TelemetryApi } from "../metrics/telemetry.js";
import type { FindWholeFiles } from "../operations/verify/whole-files.js";
import { DraftstateError, isDraftstateError, messageOf } from "../errors.js";
import { initialState } from "../model/conversation.js";
import { planRecovery, type RecoveryPlan } from "../plan/recovery.js";
import type { RetryEvent } from "../storage/retry.js";
import type { Lock, Storage } from "../storage/storage.js";
import { Conversation, type HandleOptions } from "./conversation.js";
import type { ManagerEmitter } from "../store/events.js";
import type { Fallback } from "./spill.js";
import { foldBack } from "./fold-back.js";
import type { Beginning } from "../operations/fork.js";
import { snapshotKey } from "../store/names.js";
import { acquireLock } from "./lock.js";
import { findConversation, interruptedVersion, readMetadataOnly, refusal } from "../store/read.js";
import { recover, type RecoveryContext } from "./recover.js";
import type { Settings } from "../store/settings.js";

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
  /** Where the storage tries again by itself: tells the listener each time. */
  readonly onStorageRetry?: (listener: (event: RetryEvent) => void) => void;
  /** Takes one structured entry for each event. */
  readonly logger?: Logger | undefined;
  /** The way to the webhook of alerts. */
  readonly post?: HttpPost | undefined;
  /** OpenTelemetry, where the application has it. */
  readonly telemetry?: (() => Promise<TelemetryApi | undefined>) | undefined;
  /** Checks many files at once, where they can be had by their paths. */
  readonly findWholeFiles?: FindWholeFiles | undefined;
}

export interface OpenOptions {
  /** Milliseconds to wait for another writer; the setting `lockTimeout` where it is left out. */
  readonly lockTimeout?: number;
  /** `new`: it must not exist yet. `existing`: it must. */
  readonly expect?: "any" | "new" | "existing";
  /** What a new conversation begins as; empty where it is left out. */
  readonly beginning?: Beginning;
}

/** As a save opens it. */
export interface SaveOptions extends OpenOptions {
  /** A new one that nothing comes of, since what was to be saved is refused, is not kept. */
  readonly forSave?: boolean;
}

export interface OpenerOptions {
  readonly environment: ManagerEnvironment;
  readonly settings: Settings;
  readonly events: ManagerEmitter;
  readonly fallback: Fallback | undefined;
  /** Every id there is. */
  readonly ids: () => Promise<readonly string[]>;
}

export class ConversationOpener {
  #prepared: Promise<void> | undefined;

  constructor(private readonly options: OpenerOptions) {}

  /** Throws `LOCKED`, `CORRUPT`, `NEWER_VERSION`, `NOT_FOUND`, `INVALID_ID`, `STORAGE`. */
  async open(id: string, options: SaveOptions, onClose: () => void): Promise<Conversation> {
    const { settings } = this.options;
    const lock = await this.#prepareAndLock(id, options.lockTimeout ?? settings.lockTimeout);
    try {
      return await this.#openLocked(id, lock, options, onClose);
    } catch (error) {
      await lock.release().catch(() => undefined);
      throw error;
    }
  }

  /** The lock for as long as it takes, and what recovery needs. */
  async withRecovery<T>(id: string, act: (context: RecoveryContext) => Promise<T>): Promise<T> {
    const { storage } = this.options.environment;
    await this.#prepare();
    const lock = await this.#lock(id, this.options.settings.lockTimeout, storage);
    try {
      await this.#sweep(id);
      return await act(this.#recoveryContext(lock));
    } finally {
      await lock.release();
    }
  }

  async #sweep(id: string): Promise<void> {
    const { environment, events } = this.options;
    await environment.storage.sweep(id).catch((error: unknown) => {
      events.emit("warning", { conversationId: id, message: `unfinished files could not be removed: ${messageOf(error)}`, error });
    });
  }

  /** Once a process, and again after a failure. */
  async #prepare(): Promise<void> {
    this.#prepared ??= this.options.environment.storage.prepare();
    try {
      await this.#prepared;
    } catch (error) {
      this.#prepared = undefined;
      throw error;
    }
  }

  /** In the fallback store where the state directory cannot even hold a lock. */
  async #prepareAndLock(id: string, timeout: number): Promise<Lock> {
    const { environment, fallback } = this.options;
    try {
      await this.#prepare();
      return await this.#lock(id, timeout, environment.storage);
    } catch (error) {
      this.#prepared = undefined;
      if (fallback === undefined || !isDraftstateError(error, "STORAGE")) throw error;
      await fallback.storage.prepare();
      return this.#lock(id, timeout, fallback.storage);
    }
  }

  #lock(id: string, timeout: number, storage: Storage): Promise<Lock> {
    return acquireLock(storage, id, timeout, this.options.environment);
  }

  async #openLocked(id: string, lock: Lock, { expect = "any", beginning, forSave }: SaveOptions, onClose: () => void): Promise<Conversation> {
    const { storage, now } = this.options.environment;
    await this.#sweep(id);
    const noRoom = await this.#foldBack(id, lock);
    const plan = planRecovery(await findConversation(storage, id));
    if (noRoom !== undefined && expect === "new") throw existsAlready(id);
    if (noRoom !== undefined) return this.#openInFallback(id, lock, plan, noRoom, onClose);
    if (plan.kind === "absent") {
      if (expect === "existing") throw refusal(storage, id, plan);
      await this.assertNoLookalike(id);
      const { state, info, revision = 1 }: Beginning = beginning ?? { state: initialState(), info: {} };
      return this.#handle(id, lock, { version: { state, info: { createdAt: now().toISOString(), ...info }, revision }, base: undefined, isUntouched: forSave === true }, onClose);
    }
    if (expect === "new") throw existsAlready(id);
    if (plan.kind !== "usable") throw refusal(storage, id, plan);
    try {
      const { version } = await recover(this.#recoveryContext(lock), id, plan);
      const stat = await storage.stat(snapshotKey(id));
      return this.#handle(id, lock, { version, base: stat === undefined ? undefined : { revision: version.revision, stat } }, onClose);
    } catch (error) {
      if (!isDraftstateError(error, "STORAGE")) throw error;
      return this.#openInFallback(id, lock, plan, error, onClose);
    }
  }

  /** The error where the state directory has no room for what lies in the fallback store. */
  async #foldBack(id: string, lock: Lock): Promise<DraftstateError | undefined> {
    const { fallback } = this.options;
    try {
      if (fallback !== undefined) await foldBack(this.#recoveryContext(lock), fallback, id);
      return undefined;
    } catch (error) {
      if (isDraftstateError(error, "STORAGE")) return error;
      throw error;
    }
  }

  /**
   * The state directory still cannot be written: the newest version goes on from where it is, and its first save is whole,
   * into the fallback store until there is room. What would have to go to quarantine first is never gone on from.
   */
  async #openInFallback(id: string, lock: Lock, plan: RecoveryPlan, cause: DraftstateError, onClose: () => void): Promise<Conversation> {
    const { environment: { storage }, fallback } = this.options;
    if (fallback === undefined || (plan.kind !== "absent" && plan.kind !== "usable")) throw cause;
    if (plan.kind === "usable" && (plan.quarantine.length > 0 || plan.migratedFrom !== undefined)) throw cause;
    const [here, there] = [plan.kind === "usable" ? interruptedVersion(plan) : undefined, await fallback.version(id)];
    const newest = there !== undefined && there.revision > (here?.revision ?? 0) ? there : here;
    if (newest === undefined) throw cause;
    const revision = Math.max(newest.revision, plan.kind === "usable" ? plan.lastRevision : 0) + 1;
    const [found, stat] = [await readMetadataOnly(storage, id), await storage.stat(snapshotKey(id))];
    const base = found === undefined || stat === undefined ? undefined : { revision: found.metadata.revision, stat };
    return this.#handle(id, lock, { version: { ...newest, revision }, base, wholeFirst: true }, onClose);
  }

  /** Throws `INVALID_ID` where another id differs by case alone: one file on some file systems. */
  async assertNoLookalike(id: string): Promise<void> {
    const like = (await this.options.ids()).find((other) => other !== id && other.toLowerCase() === id.toLowerCase());
    if (like === undefined) return;
    throw new DraftstateError("INVALID_ID", `conversation ${id} differs from ${like} by upper and lower case alone: choose another id`);
  }

  #recoveryContext(lock: Lock): RecoveryContext {
    const { environment: { storage, now }, events, settings } = this.options;
    return { storage, lock, events, now, compression: settings.compression };
  }

  #handle(id: string, lock: Lock, begin: Pick<HandleOptions, "version" | "base" | "wholeFirst" | "isUntouched">, onClose: () => void): Conversation {
    const { environment, settings, events, fallback } = this.options;
    const retry = {
      attempts: settings.retryAttempts,
      delay: settings.retryDelay,
      random: environment.random,
      onRetry: (event: RetryEvent): void => {
        events.emit("retry", event);
      },
    };
    return new Conversation({ ...environment, ...begin, id, lock, settings, events, retry, fallback, onClose });
  }
}

function existsAlready(id: string): DraftstateError {
  return new DraftstateError("INVALID_ID", `conversation ${id} exists already: choose another id, or go on with it by --resume ${id}`);
}
