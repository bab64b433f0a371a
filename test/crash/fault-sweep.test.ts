/**
 * EIO, ENOSPC, EMFILE, EACCES, EROFS and short writes at the calls of workloads that write, once and from then on: nothing
 * acknowledged is lost, what failed said so, the same process goes on when it is over, no file stays open and no lock stands.
 */
import { expect, test } from "vitest";
import { sweepSyncs } from "./fault-sweep.js";
import { testFaults } from "./fault-tests.js";
import { isMending, WORKLOADS } from "./workloads.js";

testFaults((name) => !isMending(name));

/** A sample of the calls misses most syncs. */
test("no sync of a file that fails during a new conversation loses anything that was acknowledged", async () => {
  const { syncs, failures } = await sweepSyncs(WORKLOADS["new conversation"] ?? { deeds: [] });
  expect(failures.map((failure) => failure.slice(0, 400))).toEqual([]);
  expect(syncs).toBeGreaterThan(3);
});
