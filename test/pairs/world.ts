/** Managers of a world whose clock, luck and timers a run repeats. */
import { messageOf as errorMessageOf, isDraftstateError } from "../../src/errors.js";
import { DraftStatePersistenceManager, type ManagerOptions } from "../../src/manager.js";
import type { Storage } from "../../src/storage/storage.js";
import { VirtualTime } from "../doubles/virtual-time.js";

export const time = new VirtualTime();

export const OPTIONS: ManagerOptions = {
  autoSave: false,
  realTimeSave: false,
  retryAttempts: 0,
  retryDelay: 0,
  metrics: false,
  lockTimeout: 0,
};
interface ProcessOptions {
  readonly name: string;
  readonly storage: Storage;
  readonly now: () => Date;
}

/** Another number for another name. */
export function seedOf(name: string): number {
  return Buffer.from(name).reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7);
}

/** Numbers from 0 to 1 that a run repeats. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function clock(start: number): () => Date {
  let at = start;
  return () => new Date((at += 1));
}

export function managerOn(
  { name, storage, now }: ProcessOptions,
  options: ManagerOptions = {},
  fallback?: Storage,
): DraftStatePersistenceManager {
  return new DraftStatePersistenceManager(
    {
      storage,
      ...(fallback === undefined ? {} : { fallback }),
      now,
      elapsed: () => time.elapsed,
      random: randomFrom(seedOf(name)),
    },
    { ...OPTIONS, ...options },
  );
}

export function resultOf(error: unknown): string {
  return isDraftstateError(error) ? error.code : `unexpected ${errorMessageOf(error)}`;
}

const MAX_REJECTIONS = 3;

/** Promises that rejected with nobody to hear it, while a run was going on. */
export class Rejections {
  readonly found: string[] = [];
  #others: NodeJS.UnhandledRejectionListener[] = [];

  readonly #listen = (error: unknown): void => {
    if (this.found.length < MAX_REJECTIONS)
      this.found.push(`an unhandled rejection: ${resultOf(error)} ${errorMessageOf(error)}`);
  };

  begin(): void {
    this.#others = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", this.#listen);
  }

  end(): void {
    process.removeListener("unhandledRejection", this.#listen);
    for (const other of this.#others) process.on("unhandledRejection", other);
  }
}
