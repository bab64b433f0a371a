/**
 * Locks as files: complete from their first moment, never broken for their age, taken over only from an owner known to
 * be dead or from a lease that ran out, by exactly one of many contenders.
 *
 * Takeover: a contender that wants to replace the lock of dead owner N must hold the claim `{lock}.{N}`, itself a lock of
 * the same kind. Only its owner and the claim's holder ever change a lock file, so once the claim is held and the file
 * still says N and may still be taken, replacing it by rename is safe. A claimant that dies leaves a claim that is claimed
 * in turn.
 *
 * Leases: the owner renews under that same claim, so a renewal and a takeover exclude each other. A claimant that was
 * stopped for longer than its own lease may replace a lock that has changed hands since. It then does not have the lock,
 * and the owner whose lock it replaced notices at its next check: neither writes, and the next contender takes over.
 */
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemErrorCode } from "../errors.js";
import type { FileSystem } from "./file-system.js";
import { givenUpLocks, type GivenUpLocks } from "./given-up.js";
import { HeldLock, type LockClock, type LockKeeper, type TakenLock } from "./held-lock.js";
import { claimedNonces, isAside, lockNameOf, LockFiles, type Aside } from "./lock-files.js";
import { holderOf, type LockRecord } from "./lock-record.js";
import type { Liveness, ProcessTable } from "./process-table.js";
import type { FoundLock, LockHolder, LockOptions, LockRefusal } from "./storage.js";

const MAX_CLAIM_DEPTH = 8;
const MAX_ROUNDS = 50;
const MAX_ATTEMPTS = 5;
const PAUSE_MS = 10;

export interface LockDirectoryOptions {
  readonly fs: FileSystem;
  readonly processes: ProcessTable;
  readonly directory: string;
  readonly command: string;
  readonly randomName: () => string;
  readonly clock: LockClock;
}

export type HeldLockAttempt =
  { readonly acquired: true; readonly lock: HeldLock; readonly takenOverFrom?: LockHolder } | LockRefusal;

/** One contender, for the lock or for a claim on the way to it. */
interface Contender {
  readonly name: string;
  readonly record: LockRecord;
  readonly aside: Aside;
  readonly lease: number | undefined;
  /** By the monotonic clock, when its record was made. */
  readonly begun: number;
}

type Acquired =
  { readonly acquired: true; readonly identity: string; readonly takenOverFrom?: LockHolder } | LockRefusal;

export class LockDirectory implements LockKeeper {
  readonly files: LockFiles;
  readonly clock: LockClock;
  readonly #givenUp: GivenUpLocks;

  constructor(private readonly options: LockDirectoryOptions) {
    this.files = new LockFiles(options.fs, options.directory, options.randomName);
    this.clock = options.clock;
    this.#givenUp = givenUpLocks(options.processes);
  }

  pathOf(name: string): string {
    return this.files.pathOf(name);
  }

  async tryLock(name: string, since: Date, { lease }: LockOptions = {}): Promise<HeldLockAttempt> {
    await this.#removeGivenUp(this.pathOf(name));
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await this.#refusal(this.pathOf(name))) ?? (await this.#tryOnce(name, since, lease));
      } catch (error) {
        // A sweep by another process took our record, still empty, for one that a killed process left.
        if (systemErrorCode(error) !== "ENOENT" || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  async holder(name: string): Promise<LockHolder | undefined> {
    const found = await this.files.look(this.pathOf(name));
    if (found.kind !== "held") return undefined;
    return (await this.#liveness(found.record, this.pathOf(name))) === "dead" ? undefined : holderOf(found.record);
  }

  async all(): Promise<FoundLock[]> {
    const { fs, directory } = this.options;
    if ((await fs.stat(directory)) === undefined) return [];
    const names = (await this.files.list()).flatMap((entry) => lockNameOf(entry) ?? []);
    const locks: FoundLock[] = [];
    for (const name of names.sort()) {
      const found = await this.files.look(this.pathOf(name));
      if (found.kind === "unreadable") locks.push({ name, holder: undefined, liveness: "unknown" });
      if (found.kind === "held")
        locks.push({
          name,
          holder: holderOf(found.record),
          liveness: await this.#liveness(found.record, this.pathOf(name)),
        });
    }
    return locks;
  }

  /** Removes what killed processes left of this lock: records written aside, and claims on holdings that are over. */
  async sweep(name: string): Promise<string[]> {
    const removed: string[] = [];
    const current = await this.files.look(this.pathOf(name));
    for (const entry of await this.files.list()) {
      const nonces = claimedNonces(name, entry);
      const aside = isAside(name, entry);
      if (!aside && nonces === undefined) continue;
      if (current.kind === "held" && nonces?.[0] === current.record.nonce) continue;
      const path = join(this.files.directory, entry);
      const found = await this.files.look(path);
      // A record that its writer was killed over, or is about to write: a living writer begins again.
      const torn = aside && found.kind === "unreadable";
      if (!torn && (found.kind !== "held" || (await this.#liveness(found.record, path)) !== "dead")) continue;
      await this.files.unlink(path);
      removed.push(path);
    }
    return removed;
  }

  async underClaim<T>(
    { name, path, record, lease }: TakenLock,
    act: () => Promise<T>,
  ): Promise<{ readonly value: T } | undefined> {
    return this.#contend(name, new Date(this.clock.now()), lease, async (contender) => {
      const claim = claimOn(path, record);
      if (!(await this.#acquire(claim, contender, 1)).acquired) return undefined;
      try {
        return { value: await act() };
      } finally {
        await this.#leave(claim, contender);
      }
    });
  }

  giveUp({ path, record }: TakenLock): void {
    this.#givenUp.set(record.nonce, { path, directory: resolve(this.files.directory) });
  }

  isGivenUp({ record }: TakenLock): boolean {
    return this.#givenUp.has(record.nonce);
  }

  async remove(lock: TakenLock): Promise<boolean> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const removed = await this.underClaim(lock, () => this.#removeIfStill(lock));
      if (removed !== undefined) return removed.value;
      // A contender looks whether the lock may be taken over: that takes a moment.
      await delay(PAUSE_MS);
    }
    return false;
  }

  async #removeIfStill({ path, record }: TakenLock): Promise<boolean> {
    const found = await this.files.look(path);
    if (found.kind !== "held" || found.record.nonce !== record.nonce) return false;
    if (!(await this.files.unlink(path))) return false;
    this.#givenUp.delete(record.nonce);
    return true;
  }

  /** Of this directory, while it is there; but for the one that is wanted, which is taken over. */
  async #removeGivenUp(wanted: string): Promise<void> {
    const directory = resolve(this.files.directory);
    for (const [nonce, lock] of this.#givenUp) {
      if (lock.directory !== directory || lock.path === wanted) continue;
      const found = await this.files.look(lock.path).catch(() => undefined);
      if (found?.kind !== "held" || found.record.nonce !== nonce) continue;
      await this.remove({
        name: lockNameOf(lock.path) ?? nonce,
        path: lock.path,
        record: found.record,
        lease: undefined,
      }).catch(() => undefined);
    }
  }

  /** A lease that ran out counts as dead: it may be taken over, whatever is known of its owner. */
  async #liveness(record: LockRecord, path: string): Promise<Liveness> {
    if (this.#givenUp.has(record.nonce) || this.#givenUp.has(claimKey(path, record.nonce))) return "dead";
    if (record.expiresAt !== undefined && Date.parse(record.expiresAt) <= this.clock.now()) return "dead";
    return this.options.processes.liveness(record);
  }

  /** Looked for first, so that many who wait write nothing; undefined where there may be a lock to get. */
  async #refusal(path: string): Promise<LockRefusal | undefined> {
    const found = await this.files.look(path);
    if (found.kind !== "held") return undefined;
    const liveness = await this.#liveness(found.record, path);
    return liveness === "dead" ? undefined : { acquired: false, holder: holderOf(found.record), liveness, where: path };
  }

  #tryOnce(name: string, since: Date, lease: number | undefined): Promise<HeldLockAttempt> {
    return this.#contend(name, since, lease, async (contender) => {
      const path = this.pathOf(name);
      const { record, begun } = contender;
      const attempt = await this.#acquire(path, contender, 0);
      if (!attempt.acquired) return attempt;
      const { identity, ...outcome } = attempt;
      const lock = new HeldLock(this, { name, path, record, lease, begun, identity });
      await this.#settle(lock, contender);
      return { ...outcome, lock };
    });
  }

  /**
   * The lock survives power loss before anything is written under it: what is left unfinished then is known by it, and swept
   * by the next holder. What contenders that died left of their attempts goes at once.
   */
  async #settle(lock: HeldLock, { aside, name }: Contender): Promise<void> {
    try {
      await this.files.unlink(aside.path);
      await this.sweep(name).catch(() => undefined);
      await this.options.fs.syncDirectory(this.files.directory);
    } catch (error) {
      await lock.release().catch(() => undefined);
      throw error;
    }
  }

  async #contend<T>(
    name: string,
    since: Date,
    lease: number | undefined,
    act: (contender: Contender) => Promise<T>,
  ): Promise<T> {
    const { processes, command, randomName } = this.options;
    const begun = this.clock.elapsed();
    const expiry = lease === undefined ? {} : { expiresAt: new Date(this.clock.now() + lease).toISOString() };
    const record: LockRecord = {
      ...(await processes.self()),
      command,
      since: since.toISOString(),
      nonce: randomName(),
      ...expiry,
    };
    return this.files.withRecordAside(name, record, (aside) => act({ name, record, aside, lease, begun }));
  }

  async #acquire(path: string, contender: Contender, depth: number): Promise<Acquired> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const identity = await this.files.take(path, contender.record, contender.aside);
      if (identity !== undefined) return { acquired: true, identity };
      const found = await this.files.look(path);
      if (found.kind === "free") continue;
      if (found.kind === "unreadable")
        return { acquired: false, holder: undefined, liveness: "unknown", where: path, detail: found.detail };
      const liveness = await this.#liveness(found.record, path);
      if (liveness !== "dead") return { acquired: false, holder: holderOf(found.record), liveness, where: path };
      const attempt = await this.#takeOver(path, found.record, contender, depth);
      if (attempt !== undefined) return attempt;
    }
    return {
      acquired: false,
      holder: undefined,
      liveness: "alive",
      where: path,
      detail: "contended by many processes",
    };
  }

  /** Undefined when the lock changed hands meanwhile: look again. */
  async #takeOver(path: string, dead: LockRecord, contender: Contender, depth: number): Promise<Acquired | undefined> {
    if (depth >= MAX_CLAIM_DEPTH)
      return {
        acquired: false,
        holder: holderOf(dead),
        liveness: "unknown",
        where: path,
        detail: "too many dead claimants",
      };
    const claim = claimOn(path, dead);
    const claimed = await this.#acquire(claim, contender, depth + 1);
    if (!claimed.acquired) return { ...claimed, where: path };
    try {
      const still = await this.files.look(path);
      if (still.kind !== "held" || still.record.nonce !== dead.nonce) return undefined;
      // A lease may have been renewed since.
      if ((await this.#liveness(still.record, path)) !== "dead") return undefined;
      const identity = await this.files.replace(path, contender.name, contender.record);
      if (this.#isLate(contender))
        return {
          acquired: false,
          holder: holderOf(dead),
          liveness: "alive",
          where: path,
          detail: "stopped for too long while it was taken over",
        };
      return { acquired: true, identity, takenOverFrom: holderOf(dead) };
    } finally {
      await this.#leave(claim, contender);
    }
  }

  /** A claim left on a lock that changed hands blocks no process; a failing removal must not hide the outcome. One that may be another's by now is left to expire. */
  async #leave(claim: string, contender: Contender): Promise<void> {
    if (this.#isLate(contender)) return;
    const { nonce } = contender.record;
    const found = await this.files.look(claim).catch(() => undefined);
    const isRemoved =
      found?.kind === "held" && found.record.nonce === nonce && (await this.files.unlink(claim).catch(() => false));
    // The directory is out of reach, and may come back with it: it is not held any more.
    if (!isRemoved)
      this.#givenUp.set(claimKey(claim, nonce), { path: claim, directory: resolve(this.files.directory) });
  }

  #isLate({ begun, lease }: Contender): boolean {
    return lease !== undefined && this.clock.elapsed() - begun >= lease;
  }
}

/** A claim has the nonce of the lock that it was made for, which may be held when the claim is over. */
function claimKey(claim: string, nonce: string): string {
  return `${resolve(claim)} ${nonce}`;
}

function claimOn(path: string, { nonce }: LockRecord): string {
  return `${path}.${nonce}`;
}
