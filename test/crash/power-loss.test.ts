/**
 * Power loss over every workload, at every operation, within recoveries and after kills: what was acknowledged is there,
 * nothing that never was is believed, readers and writers agree, a second recovery changes nothing. The gate tries 45
 * states of most workloads, and 8 within each of 6 recoveries; `npm run test:crash` all.
 */
import { afterAll, expect, test } from "vitest";
import { Exploration, FULL, SAMPLE } from "./exploration.js";
import { live } from "./stage.js";
import { workloadsOf } from "./workloads.js";

const isDeep = process.env["DRAFTSTATE_CRASH_DEPTH"] === "full";
const depth = isDeep ? FULL : SAMPLE;
const table: Record<string, object> = {};

afterAll(() => {
  console.table(table);
});

test.each(workloadsOf(isDeep))("a crash during %s loses nothing", { timeout: 3_600_000 }, async (name, workload) => {
  const { failures, ...figures } = await new Exploration(workload).all(await live(workload), depth);
  table[name] = { ...figures, failures: failures.length };
  expect(failures.map((failure) => failure.slice(0, 600))).toEqual([]);
  expect(figures.states).toBeGreaterThan(20);
});
