/**
 * Two operations at a time in one manager. The gate tries every ninth pair, in five interleavings each;
 * `npm run test:pairs` every pair, in 120.
 */
import { vi } from "vitest";
import { testPairs } from "./suite.js";

vi.mock("node:timers/promises", () => import("../doubles/timers-promises.js"));

testPairs("one manager", { storage: { runs: 5, random: 1 }, files: { runs: 0, random: 0 }, oneOf: 9 });
