/**
 * Every state that a crash could leave of a life, recovered by new processes and held against the ledger: after each
 * operation, then again within the recovery, and within a recovery that follows a killed process while the machine runs
 * on. Disks on which a reader finds the same are looked at once.
 */
import type { DiskImage } from "../doubles/disk-image.js";
import { PendingDisk, type CrashImage } from "../doubles/crash-states.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { comeBack, type Found } from "./come-back.js";
import type { Life } from "./stage.js";
import type { Workload } from "./workloads.js";

/** How many to try at most, spread evenly over all there are; the same ones each time. */
export interface Depth {
  /** Crash states of the workload. */
  readonly states: number;
  /** Of these, recoveries that are crashed in turn. */
  readonly recoveries: number;
  /** Operations after which the process is killed. */
  readonly kills: number;
  /** Crash states within each such recovery. */
  readonly within: number;
}

/** Every state; within recoveries, which have no end, a share of them. */
export const FULL: Depth = { states: Infinity, recoveries: 100, kills: Infinity, within: 60 };
export const SAMPLE: Depth = { states: 45, recoveries: 3, kills: 3, within: 8 };

export interface Explored {
  operations: number;
  states: number;
  kills: number;
  statesWithin: number;
  readonly failures: string[];
}

export interface Crash {
  readonly disk: CrashImage;
  /** Operations issued. */
  readonly after: number;
}

const MAX_FAILURES = 5;
/** What was found on so many disks is remembered. */
const MAX_FOUND = 5000;
const SIMPLEST = 24;
/** Its multiples, modulo 1, never gather. */
const GOLDEN = 0.618;
const FIRST_PID = 100;
const SECOND_PID = 200;

/** Which images of a disk are looked at after one operation. */
export type ImagesOf = (disk: PendingDisk) => Iterable<CrashImage>;

export const everyImage: ImagesOf = (disk) => disk.images();
/** Nothing kept that was not synced, and everything. */
export const extremes: ImagesOf = (disk) => disk.extremes();
/** These, and what is likeliest between them. */
export const simplestImages: ImagesOf = function* (disk) {
  let count = 0;
  for (const image of disk.images()) {
    if ((count += 1) > SIMPLEST) return;
    yield image;
  }
};

export class Exploration {
  readonly #found = new Map<string, Promise<Found>>();

  constructor(private readonly workload: Workload) {}

  async all(life: Life, depth: Depth): Promise<Explored> {
    const explored: Explored = {
      operations: life.operations.length - life.from,
      states: 0,
      kills: 0,
      statesWithin: 0,
      failures: [],
    };
    for (const crash of spreadCrashes(life, depth.states)) {
      explored.states += 1;
      explored.failures.push(...(await this.problems(life, crash)));
      if (explored.failures.length > MAX_FAILURES) return explored;
    }
    await this.#crashWithinRecoveries(life, depth, explored);
    await this.#killed(life, depth, explored);
    return explored;
  }

  /** A problem after one of these operations: looked for among the first of these images, then among the next. */
  async firstProblem(life: Life, from: number, to: number, images: readonly ImagesOf[]): Promise<string | undefined> {
    for (const imagesOf of images) {
      for (const crash of crashesOf(life, from, to, imagesOf)) {
        const [problem] = await this.problems(life, crash);
        if (problem !== undefined) return problem;
      }
    }
    return undefined;
  }

  async problems({ ledger }: Life, { disk, after }: Crash): Promise<string[]> {
    const found = await this.#find(disk);
    return ledger
      .problemsOf(found, disk.image, after)
      .map((problem) => `after ${after} operations: ${problem} [${disk.label}]`);
  }

  #find(disk: CrashImage): Promise<Found> {
    const { fingerprint } = disk;
    const known = this.#found.get(fingerprint) ?? this.#comeBack(disk.image, "boot-3", SECOND_PID);
    if (this.#found.size >= MAX_FOUND) this.#found.clear();
    this.#found.set(fingerprint, known);
    return known;
  }

  #comeBack(image: DiskImage, boot: string, pid: number): Promise<Found> {
    return comeBack(new SimulatedFileSystem(image), {
      pid,
      boot,
      withFallback: this.workload.withFallback === true,
      repair: this.workload.repair,
    });
  }

  /** The power goes, the machine comes up again, and the power goes while what was left is being recovered. */
  async #crashWithinRecoveries(life: Life, depth: Depth, explored: Explored): Promise<void> {
    let turn = 0;
    for (const { disk, after } of spreadCrashes(life, depth.recoveries, 0.5)) {
      const recovery = await this.#recoveryAfter(life, after, new SimulatedFileSystem(disk.image), "boot-2");
      await this.#within(recovery, depth, turn, `after ${after} operations [${disk.label}]`, explored);
      turn += 1;
    }
  }

  /** The process is killed, the machine runs on: nothing is lost yet, and nothing more is durable than was. */
  async #killed(life: Life, depth: Depth, explored: Explored): Promise<void> {
    for (const [turn, index] of spread(explored.operations + 1, depth.kills, 0.5).entries()) {
      const after = life.from + index;
      explored.kills += 1;
      const disk = new SimulatedFileSystem(life.base, life.operations.slice(0, after));
      const recovery = await this.#recoveryAfter(life, after, disk, "boot-1");
      await this.#within(recovery, depth, turn, `killed after ${after} operations`, explored);
    }
  }

  async #within(recovery: Life, depth: Depth, turn: number, before: string, explored: Explored): Promise<void> {
    if (explored.failures.length > MAX_FAILURES) return;
    for (const crash of spreadCrashes(recovery, depth.within, (turn * GOLDEN) % 1)) {
      explored.statesWithin += 1;
      explored.failures.push(...(await this.problems(recovery, crash)).map((problem) => `${before}, then ${problem}`));
    }
  }

  /** What was true at the crash, and what the recovery was told, as a life of its own. */
  async #recoveryAfter(life: Life, after: number, disk: SimulatedFileSystem, boot: string): Promise<Life> {
    const done = disk.operationCount;
    const ledger = life.ledger.upTo(after, done);
    const { withFallback = false, repair } = this.workload;
    const base = disk.base;
    await comeBack(disk, { pid: FIRST_PID, boot, withFallback, repair, ledger });
    return { base, operations: disk.operations, from: done, ledger };
  }
}

/** After `from` operations and each later one. */
function* crashesOf(
  { base, operations }: Life,
  from: number,
  to = operations.length,
  imagesOf = everyImage,
): Generator<Crash> {
  const pending = new PendingDisk(base);
  for (let after = 0; after <= to; after += 1) {
    if (after >= from) for (const disk of imagesOf(pending)) yield { disk, after };
    const operation = operations[after];
    if (operation !== undefined) pending.push(operation);
  }
}

/** At most so many of its crashes, made once to be counted and once to be tried: all at once would fill the memory. */
function* spreadCrashes(life: Life, most: number, offset = 0): Generator<Crash> {
  const wanted = new Set(spread(countOf(crashesOf(life, life.from)), most, offset));
  let index = 0;
  for (const crash of crashesOf(life, life.from)) if (wanted.has(index++)) yield crash;
}

function countOf(items: Iterable<unknown>): number {
  let count = 0;
  for (const _ of items) count += 1;
  return count;
}

/** At most so many of the numbers below `count`, evenly; `offset` (0 to 1) takes others of them. */
function spread(count: number, most: number, offset = 0): number[] {
  if (count <= most) return Array.from({ length: count }, (_, index) => index);
  return Array.from({ length: most }, (_, index) => Math.floor((index + offset) * (count / most)));
}
