/** Keeping metrics costs the same whatever the store's size: no listing of its conversations or backups, bounded looks. */
import { describe, expect, test } from "vitest";
import { EMPTY, totalOf, type MetricData } from "../../src/monitoring/figures.js";
import { MetricRegistry } from "../../src/monitoring/registry.js";
import { MetricsStore } from "../../src/metrics/metrics-store.js";
import { Monitor } from "../../src/metrics/monitor.js";
import type { Storage } from "../../src/storage/storage.js";
import { ManagerEmitter } from "../../src/store/events.js";
import { memory, START } from "../doubles/managers.js";
import { wrappedStorage, type Call } from "../doubles/wrapped-storage.js";

const IDLE = { queueDepth: 0, unsavedSince: null };
const FOLDS = 40;

function storeOn(storage: Storage): MetricsStore {
  return new MetricsStore(storage, () => new Date(START), Math.random);
}

function counted(...ids: string[]): MetricData {
  const registry = new MetricRegistry();
  registry.counter("draftstate_saves_total", "journal").add();
  for (const id of ids) registry.add(id, "2026-01-14", { saves: 1 });
  return registry.data;
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `c${index}`);

describe("closing many processes", () => {
  test("lists neither conversations nor backups", async () => {
    const calls: Call[] = [];
    const storage = wrappedStorage(memory(), {}, (call) => void calls.push(call));
    for (let process = 0; process < FOLDS; process += 1) await storeOn(storage).close(counted("tale"));
    expect(new Set(calls.filter(({ name }) => name === "list").map(({ args }) => args[0]))).toEqual(
      new Set(["metrics"]),
    );
    expect(calls.filter(({ name }) => name === "sweep")).toEqual([]);
  });

  test("looks for a bounded number of conversations at each fold, and drops those that are gone in time", async () => {
    const inner = memory();
    let stats = 0;
    const storage = wrappedStorage(inner, {}, ({ name }) => void (stats += name === "stat" ? 1 : 0));
    // Enough to fill more than one look, at the head of the table.
    for (const id of ids(150))
      await inner.replace({ area: "state", name: `${id}.${id === "c8" ? "journal" : "json"}` }, Buffer.from("{}"));
    await storeOn(storage).close(counted(...ids(300)));
    for (let process = 0; process < 1000; process += 1) {
      const before = stats;
      await storeOn(storage).close(counted());
      expect(stats - before).toBeLessThanOrEqual(200);
    }
    const { data } = await storeOn(storage).read();
    expect(Object.keys(data.conversations).sort()).toEqual(ids(150).sort());
    expect(data.days["2026-01-14"]).toEqual({ saves: 300 });
  });

  test("cleans up after a few killed ones at each fold, and after all of them in time", async () => {
    const inner = memory();
    let sweeps = 0;
    const storage = wrappedStorage(inner, {}, ({ name }) => void (sweeps += name === "sweep" ? 1 : 0));
    for (let process = 0; process < 20; process += 1) await storeOn(storage).write(counted("tale"), IDLE);
    for (const { name } of await inner.locks()) await inner.breakLock(name);
    for (let process = 0; process < FOLDS; process += 1) {
      const before = sweeps;
      await storeOn(storage).close(counted("tale"));
      expect(sweeps - before).toBeLessThanOrEqual(4);
    }
    expect(sweeps).toBeGreaterThanOrEqual(4);
    expect(await inner.locks()).toEqual([]);
    expect(totalOf((await storeOn(storage).read()).data, "draftstate_saves_total")).toBe(20 + FOLDS);
  });

  test("a lock that was taken to clean up is released where that fails", async () => {
    const inner = memory();
    const storage = wrappedStorage(inner, { sweep: () => Promise.reject(new Error("out of reach")) });
    for (let process = 0; process < 20; process += 1) await storeOn(storage).write(counted("tale"), IDLE);
    for (const { name } of await inner.locks()) await inner.breakLock(name);
    await storeOn(storage)
      .close(counted())
      .catch(() => undefined);
    expect(await inner.locks()).toEqual([]);
  });

  test("a fold lock is released when the fold fails", async () => {
    const inner = memory();
    const storage = wrappedStorage(inner, { replace: () => Promise.reject(new Error("no space left")) });
    const closes = Array.from({ length: 20 }, () => storeOn(storage));
    for (const store of closes) await store.close(counted()).catch(() => undefined);
    expect(await inner.locks()).toEqual([]);
  });
});

describe("a process with ever more conversations", () => {
  function longLived(storage: Storage): { monitor: Monitor; save: (id: string) => void; keep: () => Promise<void> } {
    const events = new ManagerEmitter();
    let elapsed = 0;
    const settings = { metrics: true, alerts: [], alertWebhook: undefined };
    const monitor = new Monitor({
      storage,
      events,
      settings,
      now: () => new Date(START),
      elapsed: () => elapsed,
      random: Math.random,
      live: () => [],
    });
    return {
      monitor,
      save: (conversationId) =>
        events.emit("stateSaved", {
          conversationId,
          kind: "journal",
          revision: 1,
          records: 1,
          bytes: 10,
          durationMs: 1,
        }),
      keep: async () => {
        monitor.start();
        elapsed += 10_000;
        await new Promise((resolve) => setTimeout(resolve, 1100));
      },
    };
  }

  test("keeps the figures of all of them, and only some in memory", async () => {
    const storage = memory();
    for (const id of ids(1200)) await storage.replace({ area: "state", name: `${id}.json` }, Buffer.from("{}"));
    const { monitor, save, keep } = longLived(storage);
    for (const id of ids(1200)) save(id);
    await keep();
    expect(monitor.registry.conversationCount).toBe(0);
    save("c1199");
    save("c5");
    expect(monitor.registry.conversationCount).toBe(2);
    await monitor.close();
    const { data } = await storeOn(storage).read();
    expect(Object.keys(data.conversations)).toHaveLength(1200);
    expect(data.conversations["c5"]).toEqual({ saves: 2, journalBytes: 20 });
    expect(totalOf(data, "draftstate_saves_total")).toBe(1202);
    expect(data.days["2026-01-14"]).toEqual({ saves: 1202, journalBytes: 12_020 });
  });

  test("loses none of them where they cannot be put aside", async () => {
    const storage = memory();
    let failing = true;
    const { monitor, save, keep } = longLived(
      wrappedStorage(storage, {
        create: (key, bytes) => (failing ? Promise.reject(new Error("no")) : storage.create(key, bytes)),
      }),
    );
    for (const id of ids(1200)) save(id);
    await keep();
    expect(monitor.registry.conversationCount).toBe(1200);
    failing = false;
    await monitor.close();
    expect(Object.keys((await storeOn(storage).read()).data.conversations)).toHaveLength(1200);
  });
});

test("figures that were taken out count from zero, and those put back are added", () => {
  const registry = new MetricRegistry();
  registry.add("tale", "2026-01-14", { saves: 2 });
  const taken = registry.takeConversations();
  registry.add("tale", "2026-01-14", { saves: 3 });
  expect(registry.data).toEqual({
    ...EMPTY,
    conversations: { tale: { saves: 3 } },
    days: { "2026-01-14": { saves: 5 } },
  });
  registry.putBackConversations(taken);
  expect(registry.data.conversations).toEqual({ tale: { saves: 5 } });
});
