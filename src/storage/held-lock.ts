/**
 * A lock as its holder has it: the check that it is still held, the renewal of its lease, and its release. A lock whose
 * file was removed, replaced or is out of reach is not held; nor is a lease that ran out by this process's own clock.
 */
import { DraftstateError, systemErrorCode } from "../errors.js";
import type { LockFiles } from "./lock-files.js";
import { holderOf, type LockRecord } from "./lock-record.js";
import type { Lock, LockHolder } from "./storage.js";

export interface LockClock {
  /** Milliseconds since 1970, comparable between machines. */
  readonly now: () => number;
  /** Milliseconds since some moment; never set back. */
  readonly elapsed: () => number;
}

/** What a holder needs of the directory that its lock is in. */
export interface LockKeeper {
  readonly files: LockFiles;
  readonly clock: LockClock;
  /** Runs the act while nobody else may change this lock; undefined where another process has that right now. */
  underClaim<T>(lock: TakenLock, act: () => Promise<T>): Promise<{ readonly value: T } | undefined>;
  /** From now on it is not held; it is removed when it can be. */
  giveUp(lock: TakenLock): void;
  isGivenUp(lock: TakenLock): boolean;
  /** Removes the file under the claim on it; false where it is not this lock's any more, or another has the claim. */
  remove(lock: TakenLock): Promise<boolean>;
}

export interface TakenLock {
  readonly name: string;
  readonly path: string;
  readonly record: LockRecord;
  readonly lease: number | undefined;
}

export interface HeldLockOptions extends TakenLock {
  readonly identity: string;
  /** By the monotonic clock, when the acquisition began: the lease runs from then. */
  readonly begun: number;
}

const OUT_OF_REACH = new Set([
  "ENOENT",
  "ENOTDIR",
  "EACCES",
  "EPERM",
  "ELOOP",
  "ESTALE",
  "ENXIO",
  "ENODEV",
  "ENOTCONN",
  "EHOSTDOWN",
]);
/** Of a lease, in which a renewal must be through: until then no process can have taken the lock, even by a clock that is ahead. */
const RENEWAL_SHARE = 2 / 3;

export class HeldLock implements Lock {
  readonly #taken: TakenLock;
  #record: LockRecord;
  #identity: string;
  #validUntil: number;
  #state: "held" | "lost" | "released" = "held";
  #timer: NodeJS.Timeout | undefined;
  #renewal: Promise<void> | undefined;
  #releasing: Promise<void> | undefined;
  #isRemoved = false;

  constructor(
    private readonly keeper: LockKeeper,
    { identity, begun, ...taken }: HeldLockOptions,
  ) {
    this.#taken = taken;
    this.#record = taken.record;
    this.#identity = identity;
    this.#validUntil = begun + (taken.lease ?? Infinity);
    this.#schedule();
  }

  get name(): string {
    return this.#taken.name;
  }

  get holder(): LockHolder {
    return holderOf(this.#record);
  }

  async assertHeld(): Promise<void> {
    this.#assertValid();
    if (!(await this.#isOurs())) throw this.#lost("it was removed, replaced or moved away from outside");
    // Again: the look may have taken its time.
    this.#assertValid();
  }

  release(): Promise<void> {
    this.#releasing ??= this.#release().finally(() => {
      // What could not be removed may be tried again; what was removed has nothing left to try.
      if (!this.#isRemoved) this.#releasing = undefined;
    });
    return this.#releasing;
  }

  /** Never rejects: a lease that is not renewed runs out. Renewals do not overlap. */
  renew(): Promise<void> {
    this.#renewal ??= this.#renew()
      .catch(() => undefined)
      .finally(() => {
        this.#renewal = undefined;
        this.#schedule();
      });
    return this.#renewal;
  }

  #assertValid(): void {
    if (this.#state === "released") throw this.#lost("it was released");
    if (this.#state === "lost") throw this.#lost("its lease ran out");
    if (this.keeper.clock.elapsed() >= this.#validUntil) throw this.#lost("its lease ran out before it was renewed");
  }

  #lost(reason: string): DraftstateError {
    const { path } = this.#taken;
    return new DraftstateError("LOCKED", `the lock ${path} is no longer ours: ${reason}; nothing was overwritten`, {
      path,
    });
  }

  /** One stat as a rule. The file is read where it has another identity: some file systems give a file a new inode number now and then. */
  async #isOurs(): Promise<boolean> {
    const { files } = this.keeper;
    const { path } = this.#taken;
    try {
      if ((await files.identityOf(path)) === this.#identity) return true;
      return await this.#hasOurNonce();
    } catch (error) {
      if (OUT_OF_REACH.has(systemErrorCode(error) ?? "")) return false;
      throw error;
    }
  }

  async #hasOurNonce(): Promise<boolean> {
    const found = await this.keeper.files.look(this.#taken.path);
    if (found.kind !== "held" || found.record.nonce !== this.#record.nonce) return false;
    this.#identity = found.identity;
    return true;
  }

  #schedule(): void {
    const { lease } = this.#taken;
    if (lease === undefined || this.#state !== "held") return;
    this.#timer = setTimeout(() => void this.renew(), lease / 3);
    this.#timer.unref();
  }

  /**
   * Replaces the lock file under the claim on it, as a takeover would: of a renewal and a takeover at one time exactly one
   * happens. A renewal that took so long that its own claim may have been taken over may have replaced another's lock:
   * that other notices, and this one is lost.
   */
  async #renew(): Promise<void> {
    const { lease, path, name } = this.#taken;
    if (lease === undefined || this.#state !== "held") return;
    const { clock, files } = this.keeper;
    const begun = clock.elapsed();
    const record: LockRecord = { ...this.#record, expiresAt: new Date(clock.now() + lease).toISOString() };
    const renewed = await this.keeper.underClaim(this.#taken, async () => {
      if (!(await this.#hasOurNonce())) return undefined;
      return files.replace(path, name, record);
    });
    if (renewed === undefined) return;
    if (renewed.value === undefined || clock.elapsed() - begun >= lease * RENEWAL_SHARE) {
      this.#state = "lost";
      return;
    }
    this.#record = record;
    this.#identity = renewed.value;
    this.#validUntil = begun + lease;
  }

  /**
   * The file goes first, and only a lock that cannot be removed is given up: a contender of this process that found it
   * given up while its file is about to go would lose the lock that it took.
   */
  async #release(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#state === "held") this.#state = "released";
    await this.#renewal;
    try {
      this.#isRemoved = await this.#remove();
    } finally {
      if (!this.#isRemoved) this.keeper.giveUp(this.#taken);
    }
  }

  /** False where there is nothing to remove, though it may come back with its directory. */
  async #remove(): Promise<boolean> {
    const { keeper } = this;
    // Others may take over a lease, and what was given up: only the claim keeps them out.
    if (this.#taken.lease !== undefined || keeper.isGivenUp(this.#taken)) return keeper.remove(this.#taken);
    const { files } = keeper;
    const { path } = this.#taken;
    const identity = await files.identityOf(path);
    if (identity === undefined && (await files.identityOf(files.directory)) === undefined)
      throw outOfReach(files.directory);
    return (identity === this.#identity || (await this.#hasOurNonce())) && files.unlink(path);
  }
}

/** The lock may be there still, with its directory. */
function outOfReach(directory: string): DraftstateError {
  return new DraftstateError(
    "STORAGE",
    `${directory} is missing, and with it a lock that is to be removed: mount it again, or remove what is left of it there`,
    { path: directory },
  );
}
