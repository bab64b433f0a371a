/**
 * Power loss over every workload, at every operation, within recoveries and after kills: what was acknowledged is there,
 * nothing that never was is believed, readers and writers agree, a second recovery changes nothing. The gate tries 120
 * states of each workload, and 12 within each of 12 recoveries; `npm run test:crash` all.
 */
import { afterAll, expect, test } from "vitest";
import { Exploration, FULL, SAMPLE } from "./exploration.js";
import { live } from "./stage.js";
import { WORKLOADS } from "./workloads.js";

const depth = process.env["DRAFTSTATE_CRASH_DEPTH"] === "full" ? FULL : SAMPLE;
const table: Record<string, object> = {};

afterAll(() => {
  console.table(table);
});

test.each(Object.entries(WORKLOADS))(
  "a crash during %s loses nothing",
  { timeout: 3_600_000 },
  async (name, workload) => {
    const { failures, ...figures } = await new Exploration(workload).all(await live(workload), depth);
    table[name] = { ...figures, failures: failures.length };
    expect(failures.map((failure) => failure.slice(0, 600))).toEqual([]);
    expect(figures.states).toBeGreaterThan(20);
  },
);
