/**
 * Runs asynchronous code one call at a time. Each call to the outside (`point`) parks until the scheduler releases it;
 * between two releases everything that can run does run. So a run is a sequence of decisions, each naming the thread
 * whose next call is made, and a run with the same decisions is the same run.
 *
 * A thread is an asynchronous context: what a thread starts belongs to it. Timers are a thread of their own, `T`.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { VirtualTime } from "./virtual-time.js";

export const TIMERS = "T";

export interface Thread {
  readonly name: string;
  readonly act: () => Promise<void>;
}

export interface Decision {
  readonly chosen: string;
  /** Threads that could have gone on instead. */
  readonly options: readonly string[];
}

export interface Run {
  readonly decisions: readonly Decision[];
  /** Every call in the order in which they were made, with its thread. */
  readonly calls: readonly string[];
  /** Threads that never ended, though nothing was left to release. */
  readonly hanging: readonly string[];
}

/** Chooses among the threads that can go on; `last` is the one that went on before. */
export type Strategy = (options: readonly string[], last: string | undefined, step: number) => string;

interface ParkedCall {
  readonly thread: string;
  readonly call: string;
  readonly release: () => void;
}

const MAX_STEPS = 5000;
const turnOfEventLoop = setImmediate;

/** Goes on with the same thread while it can, then with the next; timers fire only when nothing else can go on. */
export function keepGoing(options: readonly string[], last: string | undefined): string {
  const [first] = options;
  if (first === undefined) throw new RangeError("no thread can go on");
  return last !== undefined && last !== TIMERS && options.includes(last)
    ? last
    : (options.find((name) => name !== TIMERS) ?? first);
}

/** These threads first, in this order, then as `keepGoing` chooses. */
export function following(prefix: readonly string[]): Strategy {
  return (options, last, step) => {
    const wanted = prefix[step];
    return wanted !== undefined && options.includes(wanted) ? wanted : keepGoing(options, last);
  };
}

/** `A3 B A` for A, A, A, B, A. */
export function writeSchedule(prefix: readonly string[]): string {
  const parts: { name: string; count: number }[] = [];
  for (const name of prefix) {
    const last = parts.at(-1);
    if (last?.name === name) last.count += 1;
    else parts.push({ name, count: 1 });
  }
  return parts.map(({ name, count }) => (count === 1 ? name : `${name}${count}`)).join(" ");
}

export function parseSchedule(text: string): string[] {
  return text.split(" ").flatMap((part) => {
    const [, name = "", count = "1"] = /^([A-Za-z]+)(\d*)$/.exec(part) ?? [];
    return name === "" ? [] : Array.from({ length: count === "" ? 1 : Number(count) }, () => name);
  });
}

export class Scheduler {
  readonly #context = new AsyncLocalStorage<string>();
  #parked: ParkedCall[] = [];
  #isParking = false;
  #calls: string[] = [];
  #running = new Set<string>();
  readonly #dead = new Set<string>();

  constructor(
    private readonly time: VirtualTime,
    /** Timers that would not keep a process alive fire too. */
    private readonly unreferenced = false,
  ) {}

  /** The thread that asks. */
  get thread(): string | undefined {
    return this.#context.getStore();
  }

  /** Called before each call to the outside: resolves when it may be made. */
  point(call: string): Promise<void> | undefined {
    if (!this.#isParking) return undefined;
    return this.#park(this.thread ?? "?", call);
  }

  /** The thread makes no further call and is not waited for. */
  drop(thread: string): void {
    this.#dead.add(thread);
    this.#running.delete(thread);
    this.#parked = this.#parked.filter((parked) => parked.thread !== thread);
  }

  /** Until every thread has ended and no call is parked, or nothing can go on. */
  async run(threads: readonly Thread[], strategy: Strategy): Promise<Run> {
    const decisions: Decision[] = [];
    const running = new Set(threads.map(({ name }) => name));
    this.#running = running;
    this.#calls = [];
    this.#isParking = true;
    for (const { name, act } of threads) {
      void this.#context.run(name, async () => {
        await this.#park(name, "begins");
        try {
          await act();
        } finally {
          running.delete(name);
        }
      });
    }
    let last: string | undefined;
    for (let step = 0; step < MAX_STEPS; step += 1) {
      await settle();
      const options = this.#options(running.size > 0);
      if (options.length === 0) break;
      const chosen = strategy(options, last, step);
      decisions.push({ chosen, options });
      this.#release(chosen);
      last = chosen;
    }
    this.#isParking = false;
    // Following contexts costs every promise of the process something.
    this.#context.disable();
    // Of threads that hang, nothing is left parked; of a run that was cut off, the rest goes on freely.
    for (const { release } of this.#parked.splice(0)) release();
    await settle();
    return { decisions, calls: this.#calls, hanging: [...running] };
  }

  /** Everything that waits for nothing but timers goes on, to its end. */
  async runFreely(): Promise<void> {
    await settle();
    while (this.time.hasNext()) {
      this.time.fireNext();
      await settle();
    }
  }

  #options(waitsForTimers: boolean): string[] {
    const names = [...new Set(this.#parked.map(({ thread }) => thread))].sort();
    if (waitsForTimers && !names.includes(TIMERS) && this.time.hasNext(this.unreferenced)) names.push(TIMERS);
    return names;
  }

  #park(thread: string, call: string): Promise<void> {
    return new Promise((release) => {
      if (!this.#dead.has(thread)) this.#parked.push({ thread, call, release });
    });
  }

  #release(thread: string): void {
    const index = this.#parked.findIndex((parked) => parked.thread === thread);
    const [parked] = index === -1 ? [] : this.#parked.splice(index, 1);
    if (parked === undefined) {
      this.#calls.push(`${TIMERS} a timer fires`);
      this.#context.run(TIMERS, () => {
        this.time.fireNext(this.unreferenced);
      });
      return;
    }
    this.#calls.push(`${thread} ${parked.call}`);
    parked.release();
  }
}

/** Everything that can go on without the outside does. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    turnOfEventLoop(resolve);
  });
}
