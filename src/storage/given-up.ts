/**
 * Locks that this process has released but could not remove, because their directory was out of reach. Nobody holds
 * them: any storage of the process may take them over, and removes them for other processes once it can.
 */
import type { ProcessTable } from "./process-table.js";

export type GivenUpLocks = Map<string, { readonly path: string; readonly directory: string }>;

/** One per process: a process has one table. */
const byProcess = new WeakMap<ProcessTable, GivenUpLocks>();

/** By nonce. */
export function givenUpLocks(processes: ProcessTable): GivenUpLocks {
  const known = byProcess.get(processes) ?? new Map<string, { readonly path: string; readonly directory: string }>();
  byProcess.set(processes, known);
  return known;
}
