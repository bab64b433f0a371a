/** What health and the store's metrics ask of a storage and of those who call them: little, and each listing once. */
import { describe, expect, test } from "vitest";
import { EMPTY } from "../../src/monitoring/figures.js";
import { checkHealth, type HealthContext } from "../../src/operations/health.js";
import { readGrowth } from "../../src/operations/stats/growth.js";
import { readStoreMetrics } from "../../src/operations/stats/store-metrics.js";
import type { Storage } from "../../src/storage/storage.js";
import { managerOver, memory, START, turn } from "../doubles/managers.js";
import { wrappedStorage } from "../doubles/wrapped-storage.js";

function contextOf(storage: Storage, facts: Partial<HealthContext> = {}): HealthContext {
  return {
    storage,
    settings: { maxBackups: 10, fallbackDir: undefined },
    now: () => new Date(START),
    elapsed: () => 0,
    load: async () => undefined,
    verify: async () => ({ checked: 0, ok: true, problems: [] }),
    list: async () => [],
    spilled: async () => [],
    unsaved: async () => [],
    ...facts,
  };
}

async function storeWithOne(): Promise<Storage> {
  const storage = memory();
  const manager = managerOver(storage);
  await turn(await manager.open("tale"), "Hi", "a");
  await manager.close();
  return storage;
}

const detailOf = (health: Awaited<ReturnType<typeof checkHealth>>, name: string): string =>
  health.checks.find((check) => check.name === name)?.detail ?? "";

describe("health", () => {
  test.each([false, true])("lists each area once and hands the names on (quick: %s)", async (quick) => {
    const inner = await storeWithOne();
    const listed: unknown[] = [];
    const storage = wrappedStorage(inner, {}, ({ name, args }) => {
      if (name === "list") listed.push(args[0]);
    });
    const given: unknown[] = [];
    const names = { state: await inner.list("state"), backup: await inner.list("backup") };
    await checkHealth(
      contextOf(storage, {
        verify: async (found) => (given.push(found), { checked: 1, ok: true, problems: [] }),
        list: async (found) => (given.push(found), managerOver(inner).list()),
      }),
      { quick },
    );
    expect(listed.sort()).toEqual(["backup", "quarantine", "state"]);
    expect(given).toEqual(quick ? [names] : [names, names]);
  });

  test("shows where an area is in the storage's own words", async () => {
    const inner = await storeWithOne();
    const storage = wrappedStorage(inner, { describe: ({ area }) => `postgres://host/db schema x, area ${area}/` });
    const health = await checkHealth(contextOf(storage));
    expect(detailOf(health, "directories-writable")).toBe(
      "postgres://host/db schema x, area state/, postgres://host/db schema x, area backup/",
    );
  });

  test("fails the check whose facts cannot be had, and no other", async () => {
    const broken = async (): Promise<never> => Promise.reject(new Error("out of reach"));
    const health = await checkHealth(
      contextOf(await storeWithOne(), { spilled: broken, unsaved: broken, list: broken }),
    );
    expect(health.checks.filter(({ status }) => status === "fail").map(({ name }) => name)).toEqual([
      "unsaved-changes",
      "fallback",
      "backups",
    ]);
  });
});

describe("the store's metrics", () => {
  test.each([
    [1500, 4],
    [5000, 5],
  ])("list each area once, and add this process to the others (unsaved here for %d ms)", async (unsavedMs, oldest) => {
    const inner = await storeWithOne();
    const listed: unknown[] = [];
    const storage = wrappedStorage(inner, {}, ({ name, args }) => {
      if (name === "list") listed.push(args[0]);
    });
    const { gauges } = await readStoreMetrics({
      storage,
      metrics: {
        own: { data: EMPTY, queueDepth: 2, unsavedMs },
        others: async () => ({
          data: EMPTY,
          live: [
            { queueDepth: 3, unsavedSince: new Date(START - 4000).toISOString(), holder: "x" },
            { queueDepth: 0, unsavedSince: new Date(START + 9000).toISOString(), holder: "ahead" },
          ],
        }),
      },
      spilled: async () => ["a", "b"],
      now: () => new Date(START),
    });
    expect(listed.sort()).toEqual(["backup", "state"]);
    expect(gauges).toMatchObject({
      draftstate_queue_depth: { "": 5 },
      draftstate_unsaved_seconds: { "": oldest },
      draftstate_fallback_active: { "": 2 },
      draftstate_conversations: { "": 1 },
    });
    expect(gauges["draftstate_store_bytes"]?.["state"]).toBeGreaterThan(0);
  });
});

test("the growth of one conversation asks for its own backups alone", async () => {
  const inner = await storeWithOne();
  const listed: (readonly unknown[])[] = [];
  const storage = wrappedStorage(inner, {}, ({ name, args }) => {
    if (name === "list") listed.push(args);
  });
  const growth = await readGrowth(storage, ["tale"], new Date(START));
  expect(growth.get("tale")).toHaveLength(2);
  expect(listed).toEqual([["backup", { prefix: "tale_" }]]);
});
