/**
 * From an id to a conversation that this process may write: the lock, what a dead writer left mended, what went to the
 * fallback store brought home, then the handle. Whatever fails gives the lock back.
 */
import type { HttpPost } from "../monitoring/webhook.js";
import type { Logger } from "./event-log.js";
import type { TelemetryApi } from "./telemetry.js";
import { DraftstateError, isDraftstateError, messageOf } from "../errors.js";
import { initialState, type Version } from "../model/conversation.js";
import { planRecovery } from "../plan/recovery.js";
import type { RetryEvent } from "../storage/retry.js";
import type { Lock, Stat, Storage } from "../storage/storage.js";
import { Conversation } from "./conversation-handle.js";
import type { ManagerEmitter } from "./events.js";
import type { Fallback } from "./fallback.js";
import { foldBack } from "./fold-back.js";
import type { Beginning } from "./fork.js";
import { snapshotKey } from "./layout.js";
import { acquireLock } from "./locking.js";
import { findConversation, refusal } from "./reader.js";
import { recover, type RecoveryContext } from "./recover.js";
import type { Settings } from "./settings.js";

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
}

export interface OpenOptions {
  /** Milliseconds to wait for another writer; the setting `lockTimeout` where it is left out. */
  readonly lockTimeout?: number;
  /** `new`: it must not exist yet. `existing`: it must. */
  readonly expect?: "any" | "new" | "existing";
  /** What a new conversation begins as; empty where it is left out. */
  readonly beginning?: Beginning;
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
  async open(id: string, options: OpenOptions, onClose: () => void): Promise<Conversation> {
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

  async #openLocked(id: string, lock: Lock, { expect = "any", beginning }: OpenOptions, onClose: () => void): Promise<Conversation> {
    const { environment: { storage, now }, fallback } = this.options;
    await this.#sweep(id);
    if (fallback !== undefined) await foldBack(this.#recoveryContext(lock), fallback, id);
    const plan = planRecovery(await findConversation(storage, id));
    if (plan.kind === "absent") {
      if (expect === "existing") throw refusal(storage, id, plan);
      await this.assertNoLookalike(id);
      const { state, info, revision = 1 }: Beginning = beginning ?? { state: initialState(), info: {} };
      return this.#handle(id, lock, { state, info: { createdAt: now().toISOString(), ...info }, revision }, undefined, onClose);
    }
    if (expect === "new") throw new DraftstateError("INVALID_ID", `conversation ${id} exists already: choose another id, or go on with it by --resume ${id}`);
    if (plan.kind !== "usable") throw refusal(storage, id, plan);
    const { version } = await recover(this.#recoveryContext(lock), id, plan);
    return this.#handle(id, lock, version, await storage.stat(snapshotKey(id)), onClose);
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

  /** `snapshot`: the file on disk that holds the version; undefined for a new conversation. */
  #handle(id: string, lock: Lock, version: Version, snapshot: Stat | undefined, onClose: () => void): Conversation {
    const { environment, settings, events, fallback } = this.options;
    const retry = {
      attempts: settings.retryAttempts,
      delay: settings.retryDelay,
      random: environment.random,
      onRetry: (event: RetryEvent): void => {
        events.emit("retry", event);
      },
    };
    return new Conversation({ ...environment, id, version, snapshot, lock, settings, events, retry, fallback, onClose });
  }
}
