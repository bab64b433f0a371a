import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { following, parseSchedule } from "../doubles/scheduler.js";
import { operationNamed } from "./operations.js";
import { play, type PairCase } from "./stage.js";
import { time } from "./world.js";

vi.mock("node:timers/promises", () => import("../doubles/timers-promises.js"));
beforeAll(() => { time.install(); });
afterAll(() => { time.uninstall(); });

test("x", async () => {
  for (const level of ["storage", "files"] as const) {
    const pair: PairCase = { setting: "one manager", start: "handle", first: operationNamed("restore"), second: operationNamed("update") };
    const t = performance.now();
    const played = await play(pair, { groups: [["A", "B"]], strategy: following(parseSchedule("A5 B2")), level });
    console.log(level, played.calls.join("\n"), played.outcome, played.broken, performance.now() - t);
    const t2 = performance.now();
    for (let i = 0; i < 50; i++) await play(pair, { groups: [["A"], ["B"]], strategy: following([]), level });
    console.log((performance.now() - t2) / 50);
  }
  expect(1).toBe(1);
});
