/**
 * Timers that fire when a test says so. While installed, `setTimeout` and `setInterval` are these; `node:timers/promises`
 * follows where a test file mocks it with `timers-promises.ts`. No timer fires by itself.
 */
interface PendingTimer {
  readonly at: number;
  readonly order: number;
  readonly interval: number | undefined;
  readonly fire: () => void;
}

type Callback = (...args: unknown[]) => void;

/** What Node.js returns from `setTimeout`, as far as the code under test uses it. */
class VirtualTimer {
  isReferenced = true;

  ref(): this {
    this.isReferenced = true;
    return this;
  }

  unref(): this {
    this.isReferenced = false;
    return this;
  }

  hasRef(): boolean {
    return this.isReferenced;
  }
}

type Replaced = Pick<typeof globalThis, "setTimeout" | "clearTimeout" | "setInterval" | "clearInterval">;

export class VirtualTime {
  readonly #timers = new Map<VirtualTimer, PendingTimer>();
  #elapsed = 0;
  #order = 0;
  #originals: Replaced | undefined;

  /** Milliseconds; moves only when a timer fires. */
  get elapsed(): number {
    return this.#elapsed;
  }

  install(): void {
    const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
    this.#originals = { setTimeout, clearTimeout, setInterval, clearInterval };
    const clear = (timer: unknown): void => {
      if (timer instanceof VirtualTimer) this.#timers.delete(timer);
      else clearTimeout(timer as NodeJS.Timeout | undefined);
    };
    Object.assign(globalThis, {
      setTimeout: (callback: Callback, delay = 0, ...args: unknown[]) => this.#add(callback, delay, args, false),
      setInterval: (callback: Callback, delay = 0, ...args: unknown[]) => this.#add(callback, delay, args, true),
      clearTimeout: clear,
      clearInterval: clear,
    });
  }

  uninstall(): void {
    if (this.#originals !== undefined) Object.assign(globalThis, this.#originals);
    this.#originals = undefined;
  }

  /** Forgets every timer: those of the run before are nobody's. */
  reset(): void {
    this.#timers.clear();
    this.#elapsed = 0;
    this.#order = 0;
  }

  /** Whether a timer waits that would keep a process alive; with `unreferenced`, any timer. */
  hasNext(unreferenced = false): boolean {
    return this.#next(unreferenced) !== undefined;
  }

  /** Fires the earliest timer. */
  fireNext(unreferenced = false): void {
    const next = this.#next(unreferenced);
    if (next === undefined) return;
    const [timer, pending] = next;
    this.#elapsed = Math.max(this.#elapsed, pending.at);
    if (pending.interval === undefined) this.#timers.delete(timer);
    else this.#timers.set(timer, { ...pending, at: this.#elapsed + pending.interval });
    pending.fire();
  }

  #add(callback: Callback, delay: number, args: readonly unknown[], repeats: boolean): VirtualTimer {
    const timer = new VirtualTimer();
    this.#order += 1;
    const fire = (): void => {
      callback(...args);
    };
    this.#timers.set(timer, {
      at: this.#elapsed + delay,
      order: this.#order,
      interval: repeats ? Math.max(1, delay) : undefined,
      fire,
    });
    return timer;
  }

  #next(unreferenced: boolean): [VirtualTimer, PendingTimer] | undefined {
    const candidates = [...this.#timers].filter(([timer]) => unreferenced || timer.isReferenced);
    return candidates.sort(([, left], [, right]) => left.at - right.at || left.order - right.order)[0];
  }
}
