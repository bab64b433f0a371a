import { configDefaults, defineConfig } from "vitest/config";
import { SlowestFirst } from "./test/slowest-first.js";

const filesOf = (rooms: string[]): string[] => rooms.map((room) => `test/${room}/**/*.test.ts`);
/** They put doubles in the place of modules and clocks, which the next file must not find. */
const ALONE = filesOf(["crash", "pairs"]);

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
      { extends: true, test: { name: "alone", include: ALONE } },
      {
        // Each test has a directory of its own and gives the clock back: what one file loads serves the next.
        extends: true,
        test: {
          name: "shared",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...ALONE, ...ON_POSTGRES],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "on PostgreSQL",
          include: ON_POSTGRES,
          globalSetup: "test/postgres/shared-server.ts",
          isolate: false,
        },
      },
    ],
  },
});
