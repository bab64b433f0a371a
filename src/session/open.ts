/**
 * From an id to a session: the lock, what dead writers left swept away, what they had under way settled, what was spilled
 * brought home, what was damaged recovered. Whatever fails releases the lock.
 */
import { DraftstateError, isDraftstateError } from "../errors.js";
import { initialState, type Info, type State, type Version } from "../model/conversation.js";
import type { JsonObject } from "../model/json.js";
import { planRecovery, type Found, type RecoveryPlan } from "../plan/recovery.js";
import type { Lock } from "../storage/storage.js";
import { areBackupsAway, assertBackupsInReach, assertStoreInReach } from "../store/away.js";
import type { Backup } from "../store/backups.js";
import { TakenIds } from "../store/taken-ids.js";
import { knownIds } from "../store/names.js";
import { happened } from "../store/pending.js";
import { findConversation, interruptedVersion, listNames, readPlan, refusal } from "../store/read.js";
import { warn, type Store } from "../store/store.js";
import { snapshotOnDisk } from "./base.js";
import { bringHome, type BroughtHome } from "./bring-home.js";
import type { LockWaiter } from "./lock.js";
import { recover, type Locked } from "./recover.js";
import { Session, type SessionOptions } from "./session.js";
import { withoutMark } from "./unbegun-calls.js";

/** What a conversation begins as that is not empty. */
export interface Beginning {
  readonly state: State;
  /** Without `createdAt`: it is created now. */
  readonly info: Omit<Info, "createdAt"> & Partial<Pick<Info, "createdAt">>;
  /** 1 where it is left out. */
  readonly revision?: number;
}

export interface OpenOptions {
  /** Milliseconds to wait for another writer; the setting `lockTimeout` where it is left out. */
  readonly lockTimeout?: number;
  /** `new`: it must not exist yet. `existing`: it must. */
  readonly expect?: "any" | "new" | "existing";
  /** What a new conversation begins as; empty where it is left out. */
  readonly beginning?: Beginning;
  /** One of many that are begun together: the listing made for another of them a moment ago serves this one too. */
  readonly inBatch?: boolean;
  /** The state as the program wants it, before it has the handle; what it throws refuses the opening. */
  readonly fit?: (state: JsonObject, isNew: boolean) => Promise<JsonObject>;
}

/** As a save opens it. */
export interface SaveOptions extends OpenOptions {
  /** A new one that nothing comes of, since what was to be saved is refused, is not kept. */
  readonly forSave?: boolean;
  /** Under the lock, before anything is recovered: what it throws refuses the opening. Gives the backups that it found. */
  readonly look?: (locked: Locked) => Promise<readonly Backup[]>;
}

type Begin = Pick<
  SessionOptions,
  "version" | "snapshot" | "stored" | "implied" | "wholeFirst" | "sessions" | "spilled" | "isNew" | "isUntouched"
> & {
  /** Recovery made one. */
  readonly hasNewBackup: boolean;
};

interface KnownIds {
  readonly at: number;
  readonly ids: TakenIds;
}

/** Milliseconds for which a listing of all ids serves a batch. */
const IDS_FRESH = 5000;

export class Opener {
  #prepared: Promise<void> | undefined;
  #ids: KnownIds | undefined;
  #sessionCount = 0;

  constructor(
    private readonly store: Store,
    private readonly locks: LockWaiter,
  ) {}

  /** Throws `LOCKED`, `CORRUPT`, `NEWER_VERSION`, `NOT_FOUND`, `INVALID_ID`, `STORAGE`. */
  async open(id: string, options: SaveOptions, inTurn: SessionOptions["inTurn"]): Promise<Session> {
    const guard = await this.#lock(id, options.lockTimeout);
    try {
      const locked = { store: this.store, id, guard };
      const backups = await options.look?.(locked);
      const { hasNewBackup, ...begin } = await this.#begin(locked, options);
      return new Session({
        id,
        session: this.#newName(),
        store: this.store,
        lock: guard,
        release: () => this.store.locks.release(guard),
        inTurn,
        backups: begin.isNew ? [] : hasNewBackup ? undefined : backups,
        ...begin,
      });
    } catch (error) {
      await this.store.locks.release(guard);
      throw error;
    }
  }

  /** Under the conversation's lock for as long as it takes. */
  async hold<T>(id: string, act: (locked: Locked) => Promise<T>): Promise<T> {
    const { store } = this;
    const guard = await this.#lock(id);
    try {
      const locked = { store, id, guard };
      await settlePending(locked, () => readPlan(store.storage, id));
      return await act(locked);
    } finally {
      await this.store.locks.release(guard);
    }
  }

  /** Those of which there is a conversation, or a backup. Throws `INVALID_ID` where another id differs by case alone: one file on some file systems. */
  async taken(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const { ids: known } = await this.#list();
    for (const id of ids) known.assertNoneLike(id);
    return new Set(ids.filter((id) => known.has(id)));
  }

  /** Conversations that other processes began since are not in an older one: only a batch takes that for the truth. */
  async #known(inBatch: boolean): Promise<KnownIds> {
    const { elapsed } = this.store;
    const isFresh = this.#ids !== undefined && elapsed() - this.#ids.at < IDS_FRESH;
    return inBatch && this.#ids !== undefined && isFresh ? this.#ids : this.#list();
  }

  async #list(): Promise<KnownIds> {
    const { storage, spills, elapsed } = this.store;
    const at = elapsed();
    const { state, backup } = await listNames(storage);
    // What is not listed is begun anew only where its backups would be seen.
    await assertBackupsInReach(storage);
    const known = { at, ids: new TakenIds([...knownIds(state, backup), ...((await spills?.ids()) ?? [])]) };
    this.#ids = known;
    return known;
  }

  async #lock(id: string, timeout = this.store.settings.lockTimeout): Promise<Lock> {
    await this.#prepare(id);
    return this.locks.acquire(id, timeout);
  }

  /** Once a process, and again after a failure. */
  async #prepare(id: string): Promise<void> {
    this.#prepared ??= this.#prepareOnce(id);
    try {
      await this.#prepared;
    } catch (error) {
      this.#prepared = undefined;
      throw error;
    }
  }

  /** A directory whose conversations are known from elsewhere is away: an empty one in its place would hide them. */
  async #prepareOnce(id: string): Promise<void> {
    const { storage } = this.store;
    const found = await storage.exists();
    if (!found) await assertStoreInReach(this.store);
    const isWithoutBackups = found && (await areBackupsAway(storage));
    await storage.prepare({ found });
    this.store.reach.seen();
    if (isWithoutBackups) {
      const path = storage.describe({ area: "backup", name: "" });
      warn(
        this.store,
        id,
        `${path} was missing and was made anew: backups that were in it are not seen; if they are on a disk that is away, mount it before anything is removed or restored`,
      );
    }
  }

  async #begin(locked: Locked, { expect = "any", beginning, forSave, inBatch = false }: SaveOptions): Promise<Begin> {
    const {
      store: { storage, now },
      id,
    } = locked;
    let known: KnownIds | undefined;
    const stock = await takeStockOrContinue(locked, async () => {
      known = await this.#known(inBatch);
      return known.ids.has(id);
    });
    const { plan } = stock;
    if ("cause" in stock) {
      if (expect === "new") throw existsAlready(id);
      const { version, sessions, spilled } = stock;
      return {
        version,
        snapshot: await snapshotOnDisk(locked.store, id),
        stored: plan.kind === "usable" ? plan.version.revision : 0,
        wholeFirst: true,
        sessions,
        spilled,
        isNew: false,
        isUntouched: false,
        hasNewBackup: false,
      };
    }
    if (plan.kind === "absent") {
      if (expect === "existing") throw refusal(storage, id, plan);
      // What a batch listed a moment ago may be gone by now.
      if (known === undefined || known.ids.lookalike(id) !== undefined) (await this.#list()).ids.assertNoneLike(id);
      this.#ids?.ids.add(id);
      const { state, info, revision = 1 }: Beginning = beginning ?? { state: initialState(), info: {} };
      const version = { state, info: { createdAt: now().toISOString(), ...withoutMark(info) }, revision };
      return {
        version,
        snapshot: undefined,
        stored: 0,
        wholeFirst: false,
        sessions: [],
        spilled: [],
        isNew: true,
        isUntouched: forSave === true,
        hasNewBackup: false,
      };
    }
    if (expect === "new") throw existsAlready(id);
    if (plan.kind !== "usable") throw refusal(storage, id, plan);
    return recovered(locked, plan);
  }

  /** Of a session, never used twice. */
  #newName(): string {
    const { now, random } = this.store;
    this.#sessionCount += 1;
    return `${now().getTime().toString(36)}${Math.floor(random() * 36 ** 8)
      .toString(36)
      .padStart(8, "0")}${this.#sessionCount.toString(36)}`;
  }
}

export interface Stock {
  readonly found: Found;
  readonly plan: RecoveryPlan;
  /** Where other spills are that have to stay for now. */
  readonly kept: readonly string[];
}

/** What was spilled has no room in the store yet: what is in the store is not current. */
export type NoRoom = Extract<BroughtHome, { kind: "no-room" }> & { readonly plan: RecoveryPlan };

/** What a writer finds once nothing of others is under way any more and what was spilled is in the store. Throws `STORAGE` where that has no room there. */
export async function takeStock(locked: Locked): Promise<Stock> {
  const stock = await takeStockOrContinue(locked);
  if ("cause" in stock) throw stock.cause;
  return stock;
}

/** The same for a session, which can continue in memory what has no room. */
async function takeStockOrContinue(locked: Locked, mayHaveBackups?: () => Promise<boolean>): Promise<Stock | NoRoom> {
  const { store, id } = locked;
  const found = await findConversation(store.storage, id, mayHaveBackups);
  const plan = planRecovery(found);
  await settlePending(locked, () => Promise.resolve(plan));
  // What was edited, or is newer, is not decided here: opening says so, and the spill stays.
  if (plan.kind === "edited" || plan.kind === "newer") return { found, plan, kept: [] };
  const home = await bringHome(locked, found, plan);
  if (home.kind === "no-room") return { ...home, plan };
  const { kept } = home;
  if (home.kind === "nothing") return { found, plan, kept };
  const again = await findConversation(store.storage, id);
  return { found: again, plan: planRecovery(again), kept };
}

/**
 * An operation whose process died: it is offered for undo where it happened, and forgotten where it did not. Throws `STORAGE`
 * where that cannot be recorded: what is written beside a record that tells of the present would be taken for what it did.
 */
async function settlePending({ store, id, guard }: Locked, planOf: () => Promise<RecoveryPlan>): Promise<void> {
  const { trash } = store;
  const found = await trash.records.pending(id);
  if (found === undefined) return;
  try {
    // What this process did itself it need not guess.
    await trash.pending.settle(id, guard);
    const operation = await trash.records.pending(id);
    if (operation === undefined) return;
    if (await happened(store, operation, await planOf())) await trash.pending.commit(operation, guard);
    else await trash.pending.withdraw(operation, guard);
  } catch (error) {
    if (!isDraftstateError(error, "STORAGE")) throw error;
    throw trash.pending.unsettled(found, error);
  }
}

/** With a fallback, a store that can be read but not written is continued in memory: the first save writes all of it, or spills. */
async function recovered(locked: Locked, plan: Extract<RecoveryPlan, { kind: "usable" }>): Promise<Begin> {
  const { store, id } = locked;
  try {
    const { version } = await recover(locked, plan);
    return {
      version,
      snapshot: await snapshotOnDisk(store, id),
      stored: version.revision,
      wholeFirst: false,
      sessions: plan.sessions,
      spilled: [],
      isNew: false,
      isUntouched: false,
      hasNewBackup: plan.migratedFrom !== undefined,
    };
  } catch (error) {
    // What would have to go to quarantine first is never continued.
    if (
      store.spills === undefined ||
      !isDraftstateError(error, "STORAGE") ||
      plan.quarantine.length > 0 ||
      plan.migratedFrom !== undefined
    )
      throw error;
    const version = interruptedVersion(plan);
    const next: Version = version === plan.version ? version : { ...version, revision: plan.lastRevision + 1 };
    return {
      version: next,
      snapshot: await snapshotOnDisk(store, id),
      stored: plan.version.revision,
      implied: next.revision,
      wholeFirst: true,
      sessions: plan.sessions,
      spilled: [],
      isNew: false,
      isUntouched: false,
      hasNewBackup: false,
    };
  }
}

export function existsAlready(id: string): DraftstateError {
  return new DraftstateError(
    "INVALID_ID",
    `conversation ${id} exists already: choose another id, or open it with manager.open("${id}")`,
  );
}
