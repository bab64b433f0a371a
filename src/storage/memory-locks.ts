/** Locks of one `MemoryStorage`: their holders live as long as it does, so that only a lease that is not renewed can end by itself. */
import { DraftstateError } from "../errors.js";
import type { FoundLock, Lock, LockAttempt, LockHolder, LockOptions } from "./storage.js";

export interface MemoryLocksOptions {
  readonly now: () => Date;
  readonly command: string;
  readonly elapsed?: () => number;
}

interface Holding {
  readonly name: string;
  readonly lease: number | undefined;
  holder: LockHolder;
  /** By the monotonic clock. */
  validUntil: number;
  timer: NodeJS.Timeout | undefined;
}

export class MemoryLocks {
  readonly #holdings = new Map<string, Holding>();
  /** The locks that were given here: no other is a guard. */
  readonly #given = new WeakMap<Lock, Holding>();
  readonly #elapsed: () => number;

  constructor(private readonly options: MemoryLocksOptions) {
    this.#elapsed = options.elapsed ?? (() => performance.now());
  }

  tryLock(name: string, since: Date, { lease }: LockOptions): LockAttempt {
    const before = this.#holdings.get(name);
    if (before !== undefined && !this.#isOver(before))
      return { acquired: false, holder: before.holder, liveness: "alive", where: placeOf(name) };
    const holder: LockHolder = { holder: `${this.options.command} (in this process)`, since: since.toISOString() };
    const holding: Holding = { name, lease, holder, validUntil: Infinity, timer: undefined };
    this.#holdings.set(name, holding);
    this.#renew(holding);
    return {
      acquired: true,
      lock: this.#lockOf(holding),
      ...(before === undefined ? {} : { takenOverFrom: before.holder }),
    };
  }

  holder(name: string): LockHolder | undefined {
    const holding = this.#holdings.get(name);
    return holding === undefined || this.#isOver(holding) ? undefined : holding.holder;
  }

  all(): FoundLock[] {
    const found = [...this.#holdings.values()].map((holding): FoundLock => ({
      name: holding.name,
      holder: holding.holder,
      liveness: this.#isOver(holding) ? "dead" : "alive",
    }));
    return found.sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  break(name: string): void {
    clearTimeout(this.#holdings.get(name)?.timer);
    this.#holdings.delete(name);
  }

  /** Throws a `TypeError` for a lock of another storage; what it returns throws `LOCKED` once the lock is lost. */
  checkOf(guard: Lock | undefined, what: string): () => void {
    if (guard === undefined) return () => undefined;
    const holding = this.#given.get(guard);
    if (holding === undefined)
      throw new TypeError(`the lock ${guard.name} is a lock of another storage: it does not guard ${what}`);
    return () => {
      this.#assertHeld(holding);
    };
  }

  #lockOf(holding: Holding): Lock {
    const lock: Lock = {
      name: holding.name,
      get holder() {
        return holding.holder;
      },
      assertHeld: async () => {
        this.#assertHeld(holding);
      },
      release: async () => {
        if (this.#holdings.get(holding.name) === holding) this.break(holding.name);
      },
    };
    this.#given.set(lock, holding);
    return lock;
  }

  #assertHeld(holding: Holding): void {
    if (this.#holdings.get(holding.name) === holding && !this.#isOver(holding)) return;
    const path = placeOf(holding.name);
    throw new DraftstateError("LOCKED", `the lock ${path} is no longer ours; nothing was overwritten`, { path });
  }

  #isOver({ validUntil }: Holding): boolean {
    return this.#elapsed() >= validUntil;
  }

  /** Nothing where the lock was taken over meanwhile. */
  #renew(holding: Holding): void {
    const { lease, name } = holding;
    if (lease === undefined || this.#holdings.get(name) !== holding) return;
    holding.validUntil = this.#elapsed() + lease;
    holding.holder = { ...holding.holder, expiresAt: new Date(this.options.now().getTime() + lease).toISOString() };
    holding.timer = setTimeout(() => {
      this.#renew(holding);
    }, lease / 3);
    holding.timer.unref();
  }
}

function placeOf(name: string): string {
  return `memory:locks/${name}`;
}
