import { defineConfig } from "vitest/config";

/** The suites of the command line and of the operations, with every store on a PostgreSQL server: `npm run test:postgres`. */
export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // Each test has a directory and a schema of its own.
    isolate: false,
    globalSetup: "test/postgres/suites.setup.ts",
    include: ["test/cli/**/*.test.ts", "test/e2e/**/*.test.ts"],
  },
});
