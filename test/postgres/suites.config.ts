import { defineConfig } from "vitest/config";

/** What these promise is of directories and files alone: a store that was not named, paths, modes, links, and completion, which asks no server. */
const OF_FILES = [
  "is not to list nothing where no directory was named",
  "is named in one line where it is not installed",
  "what others may change",
  "imports what is good of a file, names the rest",
  "of a directory without sessions, also behind a link",
  "rewrites what is old, keeps each original as a backup",
  "ids and checkpoints of threads are completed",
  "in a webhook or a store of a settings file, or a store by flag",
];

/** What these do to the storage only memory can do: a lock broken from outside, a writer that hangs for ever, a clock that stands still, files put in before there are tables. */
const OF_MEMORY = [
  "after damage inside the journal, so that a backup",
  "after a backup stood in for the snapshot, so that",
  "that was killed at its call",
  "that cannot be written is told for each conversation",
  "sees an edit that keeps revision, size and time",
  "a journal is folded in first, so that there is one file",
  "spilled",
  "gives snapshot and torn journal back",
  "keeps an answer's id when its writer dies",
  "ends with its signal, and with the manager",
];

/** The suites of the command line in this process and of the operations, with every store on a PostgreSQL server: part of `npm run test:postgres`. */
export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // Each test has a directory and a schema of its own.
    isolate: false,
    globalSetup: "test/postgres/suites.setup.ts",
    include: ["test/cli/**/*.test.ts", "test/operations/**/*.test.ts"],
    testNamePattern: new RegExp(`^(?!.*(${[...OF_FILES, ...OF_MEMORY].join("|")}))`),
  },
});
