/**
 * Everything that is done to a thread, on every disk that a power loss could leave within it, and with each write and sync of the
 * log failing: it is as before a step or as after it, what was acknowledged is there, and the next process finishes the rest.
 */
import { describe, expect, test } from "vitest";
import { isDraftstateError, messageOf } from "../../src/errors.js";
import { PendingDisk, type CrashImage } from "../doubles/crash-states.js";
import { FaultyFileSystem, type Fault } from "../doubles/faulty-file-system.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { DEEDS, finish, prepared, seenBy, stepOf, type Deed } from "../doubles/thread-deeds.js";
import { startProcess } from "./world.js";

const isFull = process.env["DRAFTSTATE_CRASH_DEPTH"] === "full";
const MOST = isFull ? Infinity : 24;
const ON = { options: { metrics: false } } as const;

interface Played {
  readonly disk: SimulatedFileSystem;
  /** Operations of the disk before the first act. */
  readonly from: number;
  /** Before each act's end, how many there were. */
  readonly told: readonly number[];
}

async function played(deed: Deed): Promise<Played> {
  const disk = new SimulatedFileSystem();
  const manager = startProcess(disk, { pid: 1, ...ON });
  await prepared(manager, deed);
  const from = disk.operationCount;
  const told: number[] = [];
  for (const act of deed.acts) {
    await act(manager);
    told.push(disk.operationCount);
  }
  await manager.close();
  return { disk, from, told };
}

interface Crash {
  readonly image: CrashImage;
  readonly after: number;
}

function crashesOf({ disk, from }: Played, most: number): Crash[] {
  const pending = new PendingDisk(disk.base);
  const all: Crash[] = [];
  for (const [at, operation] of disk.operations.entries()) {
    if (at >= from) for (const image of pending.images()) all.push({ image, after: at });
    pending.push(operation);
  }
  for (const image of pending.images()) all.push({ image, after: disk.operations.length });
  const every = Math.max(1, all.length / most);
  return Array.from({ length: Math.min(all.length, most) }, (_, at) => all[Math.floor(at * every)]).filter(
    (crash) => crash !== undefined,
  );
}

/** What a new process finds; then it does what is left. */
async function comesBack(disk: SimulatedFileSystem, deed: Deed, least: number, most: number): Promise<string[]> {
  const manager = startProcess(disk, { pid: 100, boot: "boot-2", ...ON });
  const found = await seenBy(manager, deed);
  const step = stepOf(deed, found);
  const problems = step < least || step > most ? [`found ${found.join()} (step ${step} of ${least} to ${most})`] : [];
  if (step >= 0)
    await finish(manager, deed, step).catch((error: unknown) => problems.push(`finishing: ${String(error)}`));
  const last = await seenBy(manager, deed);
  if (stepOf(deed, last) !== deed.acts.length) problems.push(`finished, it is ${last.join()}`);
  await manager.close();
  return problems;
}

describe("a power loss within it", () => {
  test.each(Object.entries(DEEDS))("%s", { timeout: isFull ? 1_800_000 : 60_000 }, async (_name, deed) => {
    const life = await played(deed);
    const crashes = crashesOf(life, MOST);
    const problems: string[] = [];
    for (const { image, after } of crashes) {
      const done = life.told.filter((at) => at <= after).length;
      const most = Math.min(done + 1, deed.acts.length);
      const found = await comesBack(new SimulatedFileSystem(image.image), deed, done, most);
      problems.push(...found.map((problem) => `after ${after}: ${problem} [${image.label}]`));
    }
    expect(problems).toEqual([]);
    expect(crashes.length).toBeGreaterThan(10);
  });
});

const KINDS: readonly Omit<Fault, "at">[] = [
  { code: "EIO", only: ["write"] },
  { code: "ENOSPC", only: ["write"], bytesWritten: 20 },
  { code: "EIO", only: ["sync"] },
  { code: "EIO", only: ["write"], lasting: "from-then-on" },
  { code: "ENOSPC", only: ["write"], bytesWritten: 20, lasting: "from-then-on" },
  { code: "EIO", only: ["sync"], lasting: "from-then-on" },
];

/** Undefined where fewer calls are made. */
async function withFault(deed: Deed, fault: Fault): Promise<readonly string[] | undefined> {
  const disk = new SimulatedFileSystem();
  const faulty = new FaultyFileSystem(disk);
  const manager = startProcess(disk, { pid: 1, through: faulty, ...ON });
  await prepared(manager, deed);
  const before = countOf(faulty, fault);
  faulty.setFault(fault);
  const problems: string[] = [];
  let done = 0;
  for (const act of deed.acts) {
    const failure: unknown = await act(manager).then(() => undefined, asIs);
    if (failure !== undefined && !isDraftstateError(failure, "STORAGE")) problems.push(`it says ${messageOf(failure)}`);
    if (failure !== undefined) break;
    done += 1;
  }
  await manager.threads.release().catch(() => undefined);
  if (countOf(faulty, fault) - before < fault.at) return undefined;
  faulty.clearFault();
  // At most one act more than those that were acknowledged: its record may have arrived.
  const most = Math.min(done + 1, deed.acts.length);
  const pending = new PendingDisk(disk.base);
  for (const operation of disk.operations) pending.push(operation);
  for (const { image } of pending.extremes())
    problems.push(...(await comesBack(new SimulatedFileSystem(image), deed, done, most)));
  const step = stepOf(deed, await seenBy(manager, deed));
  if (step < done) problems.push(`the same process finds step ${step} of ${done}`);
  else await finish(manager, deed, step);
  await manager.close();
  if (faulty.openFiles > 0) problems.push(`${faulty.openFiles} files are open`);
  problems.push(...(await comesBack(disk, deed, deed.acts.length, deed.acts.length)));
  return problems;
}

const asIs = (error: unknown): unknown => error;

function countOf(faulty: FaultyFileSystem, { only = [] }: Omit<Fault, "at">): number {
  return only.reduce((sum, kind) => sum + faulty.callsOf(kind), 0);
}

describe("a write or sync that fails", () => {
  test.each(Object.entries(DEEDS))("%s", { timeout: isFull ? 1_800_000 : 60_000 }, async (_name, deed) => {
    const problems: string[] = [];
    let faults = 0;
    for (const kind of isFull ? KINDS : KINDS.slice(1, 3))
      for (let at = 1; ; at += 1) {
        const found = await withFault(deed, { ...kind, at });
        if (found === undefined) break;
        faults += 1;
        problems.push(...found.map((problem) => `${JSON.stringify({ ...kind, at })}: ${problem}`));
      }
    expect(problems).toEqual([]);
    expect(faults).toBeGreaterThan(2);
  });
});
