/**
 * A fault at a chosen call of a workload, once or from then on. What failed must have said so, and what was acknowledged
 * is there after a power loss; once the fault is over the same process goes on, and leaves no open file and no lock.
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

interface Played {
  readonly calls: number;
  readonly rejected: number;
  readonly problems: readonly string[];
}

async function play(exploration: Exploration, workload: Workload, fault: Fault | undefined): Promise<Played> {
  const { base, pending, ledger } = await setting(workload);
  const disk = new SimulatedFileSystem(base, pending);
  const faulty = new FaultyFileSystem(disk);
  const stage = new Stage(disk, ledger.copy(), workload, 10, faulty);
  const problems: string[] = [];
  let rejected = 0;
  if (fault !== undefined) faulty.setFault(fault);
  for (const [index, deed] of workload.deeds.entries()) {
    try {
      await stage.do(deed);
    } catch (error) {
      rejected += 1;
      if (fault === undefined || !isDraftstateError(error))
        problems.push(`deed ${index + 1} failed with ${messageOf(error)}`);
    }
  }
  const { calls } = faulty;
  faulty.clearFault();
  const life = (): Life => ({ base, operations: disk.operations, from: 0, ledger: stage.ledger });
  problems.push(...(await lostNow(exploration, life())));
  try {
    await stage.goOn();
  } catch (error) {
    problems.push(`going on afterwards failed with ${messageOf(error)}`);
  }
  if (faulty.openFiles !== 0) problems.push(`${faulty.openFiles} files are still open`);
  const locks = [...disk.image.entries.keys()].filter((path) => path.endsWith(".lock"));
  if (locks.length > 0) problems.push(`left locked: ${locks.join()}`);
  problems.push(...(await lostNow(exploration, life())));
  return { calls, rejected, problems };
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
