/** Two operations at a time in two processes, which share nothing but the disk. */
import { vi } from "vitest";
import { testPairs } from "./suite.js";

vi.mock("node:timers/promises", () => import("../doubles/timers-promises.js"));

testPairs("two processes", { storage: { runs: 0, random: 0 }, files: { runs: 4, random: 2 }, oneOf: 19 });
