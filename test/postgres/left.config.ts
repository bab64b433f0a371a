import { defineConfig } from "vitest/config";
import { FILES_NOT_ON_A_SERVER, NOT_ON_A_SERVER } from "./not-on-a-server.js";

const left = Object.values(NOT_ON_A_SERVER).flat();

/** The suites of the command line and of the operations, with every store on a PostgreSQL server: `npm run test:cli-on-postgres`. */
export default defineConfig({
  test: {
    testTimeout: 40_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // Each test has a directory and a schema of its own.
    isolate: false,
    globalSetup: "test/postgres/suites.setup.ts",
    include: ["test/cli/**/*.test.ts", "test/e2e/**/*.test.ts", "test/operations/**/*.test.ts"],
    exclude: FILES_NOT_ON_A_SERVER,
    testNamePattern: new RegExp(`(${left.join("|")})`),
  },
});
