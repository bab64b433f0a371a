import { configDefaults, defineConfig } from "vitest/config";
import { SlowestFirst } from "./test/slowest-first.js";

const filesOf = (rooms: string[]): string[] => rooms.map((room) => `test/${room}/**/*.test.ts`);
/** Rooms without clock, I/O or state of their own: nothing that one test file could leave to the next. */
const PURE = filesOf(["draft", "formats", "journal", "model", "plan", "snapshot"]);
/** Each test has a directory of its own and gives the clock back: what one file loads serves the next. */
const IN_DIRECTORIES = filesOf([
  ...["agent", "cli", "e2e", "langgraph", "metrics", "monitoring", "operations"],
  ...["seams", "session", "storage", "store", "threads"],
]);

/** What takes minutes on a server, for `npm run test:postgres`. */
const DEEP = process.env["DRAFTSTATE_POSTGRES_DEPTH"] === "full" ? ["test/postgres/**/*.deep.ts"] : [];
const ON_POSTGRES = [...filesOf(["postgres"]), ...DEEP];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: end-to-end tests start processes of their own.
    maxWorkers: 2,
    sequence: { sequencer: SlowestFirst },
    projects: [
      { extends: true, test: { name: "pure", include: PURE, isolate: false } },
      { extends: true, test: { name: "in directories", include: IN_DIRECTORIES, isolate: false } },
      {
        extends: true,
        test: {
          name: "all else",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...PURE, ...IN_DIRECTORIES, ...ON_POSTGRES],
        },
      },
      {
        extends: true,
        test: { name: "on PostgreSQL", include: ON_POSTGRES, globalSetup: "test/postgres/shared-server.ts" },
      },
    ],
  },
});
