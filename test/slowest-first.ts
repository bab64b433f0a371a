/**
 * The order of the test files: a long one that begins last keeps one core busy while the other has nothing to do. Those that
 * take long, as measured on two cores, come first. Those that share a worker come last, together.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Seconds. Only the order matters; a file that takes less than about five need not be here. */
const SECONDS: Readonly<Record<string, number>> = {
  "damage/hostile": 22,
  "pairs/two-managers": 11,
  "crash/power-loss": 10,
  "scale/scale": 20,
  "crash/undo-crash": 18,
  "e2e/monitoring": 17,
  "crash/fault-sweep": 8,
  "damage/bytes": 10,
  "crash/streaming-crash": 14,
  "storage/file-storage": 14,
  "pairs/one-manager": 9,
  "pairs/two-processes": 7,
  "crash/missing-syncs": 12,
  "metrics/monitor": 12,
  "process/writers": 12,
  "seams/lock-and-session": 12,
  "e2e/undo": 11,
  "storage/lease": 11,
  "seams/operations": 10,
  "seams/queue": 8,
  "process/full-disk": 8,
  "process/kills": 7,
  "properties/life": 6,
  "seams/spills": 6,
  "storage/lock": 5,
  "storage/release": 5,
  "seams/unreadable-or-newer": 5,
};

const LONGEST = 60;

export class SlowestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const bySize = await super.sort(specifications);
    return bySize.sort((a, b) => rank(b) - rank(a));
  }
}

/** Below zero for files that share a worker. */
function rank({ moduleId, project }: TestSpecification): number {
  const seconds = SECONDS[/test\/(.*)\.test\.ts$/.exec(moduleId)?.[1] ?? ""] ?? 0;
  return project.config.isolate ? seconds : seconds - LONGEST;
}
