import { expect, test } from "vitest";
import { Exploration } from "./exploration.js";
import { live } from "./stage.js";
import { WORKLOADS } from "./workloads.js";

test.each(Object.entries(WORKLOADS))("%s", { timeout: 600_000 }, async (name, workload) => {
  const started = performance.now();
  const life = await live(workload);
  const explored = await new Exploration(workload).all(life, { states: 1, kills: 1_000_000, within: 1_000_000 });
  console.info(name, explored.operations, explored.states, explored.kills, explored.statesWithin, Math.round(performance.now() - started), "ms");
  expect(explored.failures.map((failure) => failure.slice(0, 300))).toEqual([]);
});
