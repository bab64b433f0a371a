/**
 * EIO, ENOSPC, EMFILE, EACCES, EROFS and short writes at the calls of every workload, once and from then on: nothing
 * acknowledged is lost, what failed said so, the same process goes on when it is over, no file stays open and no lock
 * stands. A sample of the calls in the gate, each call with each kind with `npm run test:faults`.
 */
import { afterAll, expect, test } from "vitest";
import { FAULT_KINDS, sweepFaults } from "./fault-sweep.js";
import { WORKLOADS } from "./workloads.js";

const depth =
  process.env["DRAFTSTATE_FAULT_DEPTH"] === "full"
    ? { one: 1, kindsEach: FAULT_KINDS.length }
    : { one: 7, kindsEach: 1 };
const table: Record<string, object> = {};

afterAll(() => {
  console.table(table);
});

test.each(Object.entries(WORKLOADS))(
  "a fault during %s loses nothing that was acknowledged",
  { timeout: 3_600_000 },
  async (name, workload) => {
    const { failures, ...figures } = await sweepFaults(workload, depth);
    table[name] = { ...figures, failures: failures.length };
    expect(failures.map((failure) => failure.slice(0, 400))).toEqual([]);
    expect(figures.faults).toBeGreaterThan(5);
  },
);
