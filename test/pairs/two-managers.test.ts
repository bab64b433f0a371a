/** Two operations at a time in two managers of one process, on one storage. */
import { vi } from "vitest";
import { testPairs } from "./suite.js";

vi.mock("node:timers/promises", () => import("../doubles/timers-promises.js"));

testPairs("two managers", { storage: { runs: 5, random: 1 }, files: { runs: 0, random: 0 }, oneOf: 15 });
testPairs("waiting managers", { storage: { runs: 4, random: 1 }, files: { runs: 0, random: 0 }, oneOf: 13 }, [
  "absent",
  "closed",
  "idle",
]);
