/**
 * Every sync that a workload issues, of a file or of a directory, taken out alone: the exploration of what is left must
 * fail. A sync has no effect on what a running process sees, so a life without one is the same life with that operation
 * blanked. From the next sync of the same thing on, both lives are alike again.
 */
import { basename } from "node:path";
import { directoryOf, isEntryOperation, type DiskOperation } from "../doubles/disk-image.js";
import { PendingDisk } from "../doubles/crash-states.js";
import { Exploration, type ImagesOf } from "./exploration.js";
import { live, type Life } from "./stage.js";
import type { Workload } from "./workloads.js";

export interface MissingSync {
  readonly what: string;
  readonly index: number;
  /** `nothing`: there was nothing to sync. `unseen`: nobody noticed. Otherwise what the exploration said. */
  readonly outcome: "nothing" | "unseen" | { readonly seen: string };
}

/** Where to look for a problem when a sync is missing, one kind of images after the other. */
export type SearchFor = (what: string) => readonly ImagesOf[];

type Sync = Extract<DiskOperation, { kind: "sync" | "syncDirectory" }>;

const NOTHING: DiskOperation = { kind: "sync", inode: -1 };

export async function missingSyncs(workload: Workload, searchFor: SearchFor): Promise<MissingSync[]> {
  const life = await live(workload);
  const exploration = new Exploration(workload);
  const disk = new PendingDisk(life.base);
  const results: MissingSync[] = [];
  for (const [index, operation] of life.operations.entries()) {
    if (index >= life.from && (operation.kind === "sync" || operation.kind === "syncDirectory")) {
      const what = describe(life.operations, index, operation);
      const outcome = disk.isNeededNow(operation)
        ? await outcomeWithout(exploration, life, index, operation, searchFor(what))
        : "nothing";
      results.push({ what, index, outcome });
    }
    disk.push(operation);
  }
  return results;
}

async function outcomeWithout(
  exploration: Exploration,
  life: Life,
  index: number,
  sync: Sync,
  images: readonly ImagesOf[],
): Promise<MissingSync["outcome"]> {
  const operations = life.operations.with(index, NOTHING);
  const next = operations.findIndex((operation, at) => at > index && isSame(operation, sync));
  const seen = await exploration.firstProblem(
    { ...life, operations },
    index + 1,
    next === -1 ? operations.length : next,
    images,
  );
  return seen === undefined ? "unseen" : { seen };
}

function isSame(operation: DiskOperation, sync: Sync): boolean {
  if (sync.kind === "sync") return operation.kind === "sync" && operation.inode === sync.inode;
  return operation.kind === "syncDirectory" && operation.path === sync.path;
}

/** Of a directory, with what was last done in it; without the parts of names that differ from run to run. */
function describe(operations: readonly DiskOperation[], index: number, sync: Sync): string {
  const before = operations.slice(0, index);
  if (sync.kind === "sync") {
    const created = before.findLast((operation) => operation.kind === "create" && operation.inode === sync.inode);
    return `file ${plain(created?.kind === "create" ? created.path : "?")}`;
  }
  const last = before.findLast((operation) => isEntryOperation(operation) && directoryOf(operation) === sync.path);
  return `${sync.path} after ${last?.kind ?? "nothing"} ${last !== undefined && "path" in last ? basename(plain(last.path)) : ""}`;
}

function plain(path: string): string {
  return path.replace(/\.tmp-p\d+n\d+-?/, ".tmp-").replaceAll(/\d{4}-\d\d-\d\dT[\d-]+Z(?:-\w{4})?/g, "TIME");
}
