/** `verify` over so many files that threads look at them: nothing that one file would be told of alone is missed among many. */
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { describe, expect } from "vitest";
import type { Verification } from "../../src/operations/verify/verification.js";
import { CREATED_AT, snapshotBytes, versionAt } from "../doubles/snapshots.js";
import type { Workspace } from "./cli.js";
import { test, TIMEOUT } from "../cli/world.js";

const COUNT = 420;
const POINT = "2026-01-14T21-31-00-000Z";

function pointOf(id: string): string {
  return `backup/${id}_${POINT}.json.gz`;
}

async function store(workspace: Workspace, count: number): Promise<void> {
  for (const area of ["state", "backup"]) await mkdir(workspace.path(area), { recursive: true });
  for (const id of Array.from({ length: count }, (_, index) => `tale-${index}`)) {
    await writeFile(workspace.path(`state/${id}.json`), snapshotBytes(versionAt(7), id));
    await writeFile(workspace.path(pointOf(id)), gzipSync(snapshotBytes(versionAt(6), id)));
  }
  await writeFile(workspace.path("state/tale-3.json"), snapshotBytes(versionAt(7), "tale-4"));
  await writeFile(
    workspace.path("state/tale-5.json"),
    snapshotBytes(versionAt(7), "tale-5").toString().replace(CREATED_AT, "2020-01-01T00:00:00.000Z"),
  );
  await writeFile(workspace.path(pointOf("tale-7")), gzipSync("{"));
}

describe.concurrent("verify", TIMEOUT, () => {
  test("among many files names each damaged one, and counts each whole one", async ({ workspace }) => {
    await store(workspace, COUNT);
    const { status, stdout } = await workspace.run(["verify", "--json"]);
    const { checked, problems } = JSON.parse(stdout) as Verification;
    expect([status, checked, problems.map(({ conversationId, kind }) => [conversationId, kind])]).toEqual([
      4,
      2 * COUNT,
      [
        ["tale-3", "snapshot-damaged"],
        ["tale-5", "snapshot-edited"],
        ["tale-7", "backup-damaged"],
      ],
    ]);
  });

  test.each(["dist/cli", "dist"])(
    "has its thread built in %s: it answers with the whole files alone",
    async (place) => {
      const { Workspace: Made } = await import("./cli.js");
      const workspace = await Made.create();
      await store(workspace, 8);
      const files = [0, 3, 5, 7].flatMap((index) => [
        { path: workspace.path(`state/tale-${index}.json`), conversationId: `tale-${index}`, compression: "none" },
        { path: workspace.path(pointOf(`tale-${index}`)), conversationId: `tale-${index}`, compression: "gzip" },
      ]);
      const thread = new Worker(fileURLToPath(new URL(`../../${place}/whole-files-thread.js`, import.meta.url)), {
        workerData: files,
      });
      const [message] = (await once(thread, "message")) as [unknown];
      expect(message).toEqual({ answer: [0, 1, 3, 5, 6].map((index) => files[index]?.path) });
      await thread.terminate();
      await workspace.remove();
    },
  );
});
