/**
 * The exploration can see: each sync that a workload issues is taken out alone, and then some crash state must betray it.
 * Those that nothing betrays stand here with the reason why they need not be seen: at these the gate looks in the simplest
 * states alone. `npm run test:crash` looks at every state before it calls one of them needless.
 */
import { afterAll, expect, test } from "vitest";
import { everyImage, extremes, simplestImages, type ImagesOf } from "./exploration.js";
import { missingSyncs } from "./missing-syncs.js";
import { WORKLOADS, workloadsOf } from "./workloads.js";

const thorough = process.env["DRAFTSTATE_CRASH_DEPTH"] === "full";

const UNSEEN: readonly (readonly [RegExp, string])[] = [
  [
    /after makeDirectory /,
    "the next directory, or the first file, made in the same place syncs it again before anything is acknowledged",
  ],
  [/\/metrics/, "counts are no data: they may be lost"],
  [
    /\/trash after link TIME_(state|backup)_/,
    "the record that makes the copy count is linked after it in the same directory, and synced",
  ],
  [
    /\/trash after (link TIME_(operation|undone)_|unlink )/,
    "each file that moves syncs the directory again; what comes back is met again by the next undo",
  ],
  [
    /\/trash after rename TIME_redo_/,
    "the marker that is linked next in the same directory, before the undo is acknowledged, syncs it again",
  ],
  [
    /^\/(store\/(state|backup)|spare) after unlink /,
    "a file that comes back beside its copy is met by the next writer: its records are in the past, or it is equal",
  ],
  [
    /^\/(store\/state|spare) after rename chat\.json/,
    "nothing is acknowledged before the directory is synced once more, with the journal's removal or by the next open",
  ],
  [
    /\/locks after unlink \.tmp-/,
    "where nothing is left unfinished under a lock, nobody has to find it after power loss; the last test shows where something is",
  ],
  [
    /\/trash after (rename|unlink) pending_/,
    "of an operation that happened: a record that comes back is settled by what the conversation is, as after a crash in between; withdrawn.test.ts shows one that did not happen",
  ],
  [
    /^\/spare after rename chat\.\w+\.spill/,
    "a version that is spilled once more, as when its snapshot is tried again, stands there already; the workload shows four that do not",
  ],
];

function isExplained(what: string): boolean {
  return UNSEEN.some(([pattern]) => pattern.test(what));
}

function searchFor(what: string): readonly ImagesOf[] {
  if (thorough) return [simplestImages, everyImage];
  return isExplained(what) ? [extremes] : [extremes, simplestImages];
}

const table: Record<string, object> = {};

afterAll(() => {
  console.table(table);
});

/** Seconds each, where they take long to look at only with the rest of the depth. */
const LONG = ["restore", "backup and prune"];
const chosen = workloadsOf(thorough).filter(([name]) => thorough || !LONG.includes(name));

test.each(chosen)(
  "each sync of %s is missed, or is listed with why not",
  { timeout: 3_600_000 },
  async (name, workload) => {
    const syncs = await missingSyncs(workload, searchFor);
    const unseen = syncs.filter(({ outcome }) => outcome === "unseen").map(({ what }) => what);
    const unexplained = unseen.filter((what) => !isExplained(what));
    const seen = syncs.filter(({ outcome }) => typeof outcome === "object").length;
    table[name] = {
      syncs: syncs.length,
      seen,
      explained: unseen.length - unexplained.length,
      nothing: syncs.length - seen - unseen.length,
    };
    expect(unexplained).toEqual([]);
    expect(seen).toBeGreaterThan(3);
  },
);

test("the sync of a lock is missed where something is left unfinished under it", { timeout: 60_000 }, async () => {
  const isOfLock = (what: string): boolean => /\/locks after unlink \.tmp-/.test(what);
  const syncs = await missingSyncs(WORKLOADS["new conversation"] ?? { deeds: [] }, (what) =>
    isOfLock(what) ? [simplestImages] : [],
  );
  expect(syncs.filter(({ what }) => isOfLock(what))).toMatchObject([
    { outcome: { seen: expect.stringContaining("left behind") as string } },
  ]);
});
