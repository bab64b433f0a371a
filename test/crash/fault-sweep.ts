/**
 * A fault at a chosen call of a workload, once or from then on. What failed must have said so, and what was acknowledged
 * is there after a power loss; once the fault is over the same process goes on, and leaves no open file and no lock. A case
 * that never ends is a failure of that case.
 */
import { isDraftstateError, messageOf } from "../../src/errors.js";
import { PendingDisk } from "../doubles/crash-states.js";
import { FaultyFileSystem, type Fault } from "../doubles/faulty-file-system.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { Exploration } from "./exploration.js";
import { setting, Stage, type Life } from "./stage.js";
import type { Workload } from "./workloads.js";

export type FaultKind = Omit<Fault, "at">;

const CODES = ["EIO", "ENOSPC", "EMFILE", "EACCES", "EROFS"] as const;
const LASTING = ["once", "from-then-on"] as const;

export const FAULT_KINDS: readonly FaultKind[] = LASTING.flatMap((lasting) => [
  ...CODES.map((code): FaultKind => ({ code, lasting })),
  { code: "ENOSPC", lasting, only: ["write"], bytesWritten: 20 },
]);

export interface Swept {
  calls: number;
  faults: number;
  /** Deeds that rejected, and said so. */
  rejected: number;
  readonly failures: string[];
}

const MAX_FAILURES = 5;
/** Far more than any case takes, and seconds only. */
const MAX_CALLS = 20_000;

/** One call in so many gets a fault; `kindsEach`: of so many kinds, in turn. */
export async function sweepFaults(
  workload: Workload,
  { one, kindsEach }: { readonly one: number; readonly kindsEach: number },
  onFault: (swept: Readonly<Swept>) => void = () => undefined,
): Promise<Swept> {
  const exploration = new Exploration(workload);
  const untroubled = await play(exploration, workload, undefined);
  const swept: Swept = { calls: untroubled.calls, faults: 0, rejected: 0, failures: [...untroubled.problems] };
  let turn = 0;
  for (let at = 1; at <= swept.calls; at += one) {
    for (let count = 0; count < kindsEach; count += 1) {
      const kind = FAULT_KINDS[(turn += kindsEach === FAULT_KINDS.length ? 1 : 5) % FAULT_KINDS.length];
      if (kind === undefined) continue;
      const { rejected, problems } = await play(exploration, workload, { ...kind, at });
      swept.faults += 1;
      swept.rejected += rejected;
      onFault(swept);
      swept.failures.push(
        ...problems.map(
          (problem) =>
            `${kind.code} at ${at}, ${String(kind.lasting)}${kind.bytesWritten === undefined ? "" : ", short write"}: ${problem}`,
        ),
      );
      if (swept.failures.length > MAX_FAILURES) return swept;
    }
  }
  return swept;
}

/**
 * Each sync of a file fails, alone or with all that come after it: what it was to make durable may not be acknowledged, be it
 * that the next sync, or none, would make it durable.
 */
export async function sweepSyncs(workload: Workload): Promise<{ readonly syncs: number; readonly failures: string[] }> {
  const exploration = new Exploration(workload);
  const { syncs } = await play(exploration, workload, undefined);
  const failures: string[] = [];
  for (let at = 1; at <= syncs; at += 1) {
    for (const lasting of LASTING) {
      const { problems } = await play(exploration, workload, { code: "EIO", lasting, only: ["sync"], at });
      failures.push(...problems.map((problem) => `sync ${at}, ${lasting}: ${problem}`));
    }
  }
  return { syncs, failures };
}

interface Played {
  readonly calls: number;
  readonly syncs: number;
  readonly rejected: number;
  readonly problems: readonly string[];
}

async function play(exploration: Exploration, workload: Workload, fault: Fault | undefined): Promise<Played> {
  const { base, pending, ledger } = await setting(workload);
  const disk = new SimulatedFileSystem(base, pending);
  const faulty = new FaultyFileSystem(disk);
  const stage = new Stage(disk, ledger.copy(), workload, 10, faulty);
  const lost = (): Promise<string[]> =>
    lostNow(exploration, { base, operations: disk.operations, from: 0, ledger: stage.ledger });
  if (fault !== undefined) faulty.setFault(fault);
  const endless = faulty.exceeds(MAX_CALLS);
  try {
    const { problems, rejected } = await Promise.race([doDeeds(stage, workload, fault !== undefined), endless]);
    const { calls } = faulty;
    const syncs = faulty.callsOf("sync");
    faulty.clearFault();
    problems.push(...(await lost()), ...(await Promise.race([goOn(stage), endless])));
    if (faulty.openFiles !== 0) problems.push(`${faulty.openFiles} files are still open`);
    const locks = [...disk.image.entries.keys()].filter((path) => path.endsWith(".lock"));
    if (locks.length > 0) problems.push(`left locked: ${locks.join()}`);
    problems.push(...(await lost()));
    return { calls, syncs, rejected, problems };
  } catch (error) {
    return { calls: faulty.calls, syncs: 0, rejected: 0, problems: [`it does not end: ${messageOf(error)}`] };
  }
}

async function doDeeds(
  stage: Stage,
  { deeds }: Workload,
  mayFail: boolean,
): Promise<{ readonly problems: string[]; readonly rejected: number }> {
  const problems: string[] = [];
  let rejected = 0;
  for (const [index, deed] of deeds.entries()) {
    try {
      await stage.do(deed);
    } catch (error) {
      rejected += 1;
      if (!mayFail || !isDraftstateError(error)) problems.push(`deed ${index + 1} failed with ${messageOf(error)}`);
    }
  }
  return { problems, rejected };
}

function goOn(stage: Stage): Promise<string[]> {
  return stage.goOn().then(
    () => [],
    (error: unknown) => [`going on afterwards failed with ${messageOf(error)}`],
  );
}

/** After a power loss that keeps nothing that was not synced, and after one that keeps everything. */
async function lostNow(exploration: Exploration, life: Life): Promise<string[]> {
  const pending = new PendingDisk(life.base);
  for (const operation of life.operations) pending.push(operation);
  const problems: string[] = [];
  for (const disk of pending.extremes())
    problems.push(...(await exploration.problems(life, { disk, after: life.operations.length })));
  return problems;
}
