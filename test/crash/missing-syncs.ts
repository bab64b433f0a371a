/**
 * Every sync that a workload issues, of a file or of a directory, taken out alone: the exploration of what is left must
 * fail. A sync has no effect on what a running process sees, so a life without one is the same life with that operation
 * blanked. From the next sync of the same thing on, both lives are alike again.
 */
import type { DiskOperation } from "../doubles/disk-image.js";
import { PendingDisk } from "../doubles/crash-states.js";
import { Exploration } from "./exploration.js";
import { live, type Life } from "./stage.js";
import type { Workload } from "./workloads.js";

export interface MissingSync {
  /** Which it is: the file's or directory's path, without random parts. */
  readonly what: string;
  readonly index: number;
  /** `nothing`: there was nothing to sync. `unseen`: nobody noticed. Otherwise what the exploration said. */
  readonly outcome: "nothing" | "unseen" | { readonly seen: string };
}

type Sync = Extract<DiskOperation, { kind: "sync" | "syncDirectory" }>;

const NOTHING: DiskOperation = { kind: "sync", inode: -1 };

export async function missingSyncs(workload: Workload): Promise<MissingSync[]> {
  const life = await live(workload);
  const exploration = new Exploration(workload);
  const disk = new PendingDisk(life.base);
  const results: MissingSync[] = [];
  for (const [index, operation] of life.operations.entries()) {
    if (index >= life.from && (operation.kind === "sync" || operation.kind === "syncDirectory")) {
      const outcome = disk.isNeededNow(operation) ? await outcomeWithout(exploration, life, index, operation) : "nothing";
      results.push({ what: describe(life.operations, index, operation), index, outcome });
    }
    disk.push(operation);
  }
  return results;
}

async function outcomeWithout(exploration: Exploration, life: Life, index: number, sync: Sync): Promise<MissingSync["outcome"]> {
  const operations = life.operations.with(index, NOTHING);
  const next = operations.findIndex((operation, at) => at > index && isSame(operation, sync));
  const seen = await exploration.firstProblem({ ...life, operations }, index + 1, next === -1 ? operations.length : next);
  return seen === undefined ? "unseen" : { seen };
}

function isSame(operation: DiskOperation, sync: Sync): boolean {
  if (sync.kind === "sync") return operation.kind === "sync" && operation.inode === sync.inode;
  return operation.kind === "syncDirectory" && operation.path === sync.path;
}

function describe(operations: readonly DiskOperation[], index: number, sync: Sync): string {
  if (sync.kind === "syncDirectory") return `directory ${sync.path}`;
  const created = operations.slice(0, index).findLast((operation) => operation.kind === "create" && operation.inode === sync.inode);
  const path = created?.kind === "create" ? created.path : "?";
  return `file ${path.replace(/\.tmp-p\d+n\d+-?/, ".tmp-").replaceAll(/\d{4}-\d\d-\d\dT[\d-]+Z(?:-\w{4})?/g, "TIME")}`;
}
