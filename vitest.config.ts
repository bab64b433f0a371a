import { configDefaults, defineConfig } from "vitest/config";
import { SlowestFirst } from "./test/slowest-first.js";

/** Rooms without clock, I/O or state of their own: nothing that one test file could leave to the next. */
const PURE = ["draft", "formats", "journal", "model", "plan", "snapshot"].map((room) => `test/${room}/**/*.test.ts`);

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: end-to-end tests start processes of their own.
    maxWorkers: 2,
    sequence: { sequencer: SlowestFirst },
    projects: [
      { extends: true, test: { name: "pure", include: PURE, isolate: false } },
      {
        extends: true,
        test: { name: "all else", include: ["test/**/*.test.ts"], exclude: [...configDefaults.exclude, ...PURE] },
      },
    ],
  },
});
