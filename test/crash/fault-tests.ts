/**
 * The sweep of faults over some workloads as tests, with a table: a sample of the calls in the gate, each call with each kind with
 * `npm run test:faults`, which tells how far it is. Two files share the workloads, so that two cores can.
 */
import { afterAll, expect, test } from "vitest";
import { FAULT_KINDS, sweepFaults } from "./fault-sweep.js";
import { workloadsOf } from "./workloads.js";

const isDeep = process.env["DRAFTSTATE_FAULT_DEPTH"] === "full";
const depth = isDeep ? { one: 1, kindsEach: FAULT_KINDS.length } : { one: 23, kindsEach: 1 };
const PROGRESS = 1000;

export function testFaults(which: (name: string) => boolean): void {
  const table: Record<string, object> = {};
  afterAll(() => {
    console.table(table);
  });
  test.each(workloadsOf(isDeep).filter(([name]) => which(name)))(
    "a fault during %s loses nothing that was acknowledged",
    { timeout: 3_600_000 },
    async (name, workload) => {
      const { failures, ...figures } = await sweepFaults(workload, depth, ({ faults, calls }) => {
        if (faults % PROGRESS === 0)
          process.stderr.write(`${name}: ${faults} of ${calls * FAULT_KINDS.length} faults\n`);
      });
      table[name] = { ...figures, failures: failures.length };
      expect(failures.map((failure) => failure.slice(0, 400))).toEqual([]);
      expect(figures.faults).toBeGreaterThan(4);
    },
  );
}
