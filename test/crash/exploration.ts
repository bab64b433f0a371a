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

export interface Depth {
  /** Of the crash states, the operations after which a process is killed, and the states within recoveries: one in so many. */
  readonly states: number;
  readonly kills: number;
  readonly within: number;
}

export const FULL: Depth = { states: 1, kills: 1, within: 1 };

export interface Explored {
  operations: number;
  states: number;
  kills: number;
  statesWithin: number;
  readonly failures: string[];
}

interface Crash extends CrashImage {
  /** Operations issued. */
  readonly after: number;
}

const MAX_FAILURES = 5;
/** Of the states after one operation: nothing kept, everything kept, and a few between. */
const SIMPLEST = 8;
const FIRST_PID = 100;
const SECOND_PID = 200;

export class Exploration {
  readonly #found = new Map<string, Promise<Found>>();

  constructor(private readonly workload: Workload) {}

  async all(life: Life, depth: Depth): Promise<Explored> {
    const explored: Explored = { operations: life.operations.length - life.from, states: 0, kills: 0, statesWithin: 0, failures: [] };
    const latest = new Map<string, Crash>();
    for (const crash of sample(crashesOf(life, life.from), depth.states)) {
      explored.states += 1;
      latest.set(crash.fingerprint, crash);
      explored.failures.push(...(await this.problems(life, crash)));
      if (explored.failures.length > MAX_FAILURES) return explored;
    }
    await this.#crashWithinRecoveries(life, sample(latest.values(), depth.within), depth, explored);
    await this.#killed(life, depth, explored);
    return explored;
  }

  /** A problem after one of these operations: looked for among the simplest losses first. */
  async firstProblem(life: Life, from: number, to: number): Promise<string | undefined> {
    for (const atEach of [SIMPLEST, Infinity]) {
      for (const crash of crashesOf(life, from, to, atEach)) {
        const [problem] = await this.problems(life, crash);
        if (problem !== undefined) return problem;
      }
    }
    return undefined;
  }

  async problems({ ledger }: Life, crash: Crash): Promise<string[]> {
    const found = await this.#find(crash);
    return ledger.problemsOf(found, crash.image, crash.after).map((problem) => `after ${crash.after} operations: ${problem} [${crash.label}]`);
  }

  #find({ image, fingerprint }: CrashImage): Promise<Found> {
    const known = this.#found.get(fingerprint) ?? this.#comeBack(image, "boot-3", SECOND_PID);
    this.#found.set(fingerprint, known);
    return known;
  }

  #comeBack(image: DiskImage, boot: string, pid: number): Promise<Found> {
    return comeBack(new SimulatedFileSystem(image), { pid, boot, withFallback: this.workload.withFallback === true, repair: this.workload.repair });
  }

  /** The power goes, the machine comes up again, and the power goes while what was left is being recovered. */
  async #crashWithinRecoveries(life: Life, crashes: Iterable<Crash>, depth: Depth, explored: Explored): Promise<void> {
    let turn = 0;
    for (const crash of crashes) {
      const recovery = await this.#recoveryAfter(life, crash.after, new SimulatedFileSystem(crash.image), "boot-2");
      turn += 1;
      for (const second of sample(crashesOf(recovery, 0), depth.within, turn)) {
        explored.statesWithin += 1;
        explored.failures.push(...(await this.problems(recovery, second)).map((problem) => `after ${crash.after} operations [${crash.label}], then ${problem}`));
        if (explored.failures.length > MAX_FAILURES) return;
      }
    }
  }

  /** The process is killed, the machine runs on: nothing is lost yet, and nothing more is durable than was. */
  async #killed(life: Life, depth: Depth, explored: Explored): Promise<void> {
    for (let after = life.from + (depth.kills >> 1); after <= life.operations.length; after += depth.kills) {
      explored.kills += 1;
      const operations = life.operations.slice(0, after);
      const recovery = await this.#recoveryAfter(life, after, new SimulatedFileSystem(life.base, operations), "boot-1");
      for (const crash of sample(crashesOf(recovery, after), depth.within, after)) {
        explored.statesWithin += 1;
        explored.failures.push(...(await this.problems(recovery, crash)).map((problem) => `killed after ${after} operations, then ${problem}`));
        if (explored.failures.length > MAX_FAILURES) return;
      }
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

/** After `from` operations and each later one, at most so many `atEach`. */
function* crashesOf({ base, operations }: Life, from = 0, to = operations.length, atEach = Infinity): Generator<Crash> {
  const disk = new PendingDisk(base);
  for (let after = 0; after <= to; after += 1) {
    if (after >= from) {
      let count = 0;
      for (const crash of disk.images()) {
        if (count >= atEach) break;
        count += 1;
        yield { ...crash, after };
      }
    }
    const operation = operations[after];
    if (operation !== undefined) disk.push(operation);
  }
}

/** One in so many, always the same ones; `offset` takes others. */
function* sample<T>(items: Iterable<T>, one: number, offset = 0): Generator<T> {
  let index = offset % one;
  for (const item of items) {
    if (index % one === 0) yield item;
    index += 1;
  }
}
