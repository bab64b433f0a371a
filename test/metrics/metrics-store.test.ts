/** Counts outlive their processes and add up: over closed, killed and living ones, through folding, faults and damage. */
import { describe, expect, test } from "vitest";
import { DraftstateError } from "../../src/errors.js";
import { totalOf, valueOf, type MetricData } from "../../src/monitoring/figures.js";
import { MetricRegistry } from "../../src/monitoring/registry.js";
import { MetricsStore } from "../../src/metrics/metrics-store.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import type { Storage } from "../../src/storage/storage.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { memory, START } from "../doubles/managers.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";

const IDLE = { queueDepth: 0, unsavedSince: null };
const FILES_BEFORE_FOLDING = 16;

let luck = 0;

function storeOn(storage: Storage): MetricsStore {
  return new MetricsStore(
    storage,
    () => new Date(START),
    () => (luck = (luck + 0.618034) % 1),
  );
}

/** On the same clock with the same luck, so that their names would be the same. */
function twinOn(storage: Storage): MetricsStore {
  return new MetricsStore(
    storage,
    () => new Date(START),
    () => 0.5,
  );
}

function counted(saves: number): MetricData {
  const registry = new MetricRegistry();
  registry.counter("draftstate_saves_total", "journal").add(saves);
  registry.histogram("draftstate_batch_records").observe(saves);
  registry.add("tale", "2026-01-14", { saves });
  return registry.data;
}

async function savesIn(storage: Storage): Promise<number> {
  return totalOf((await storeOn(storage).read()).data, "draftstate_saves_total");
}

async function prepared(): Promise<MemoryStorage> {
  const storage = memory();
  await storage.prepare();
  await storage.replace({ area: "state", name: "tale.json" }, Buffer.from("{}"));
  return storage;
}

const processFiles = async (storage: Storage): Promise<string[]> =>
  (await storage.list("metrics")).filter((name) => name.startsWith("_process-"));

describe("metrics on disk", () => {
  test("an empty store has counted nothing, and looking makes nothing", async () => {
    const storage = memory();
    expect(await savesIn(storage)).toBe(0);
    expect(await storage.exists()).toBe(false);
  });

  test("what several processes counted at once is added up, none of it lost", async () => {
    const storage = await prepared();
    const stores = Array.from({ length: 8 }, () => storeOn(storage));
    await Promise.all(stores.map((store, index) => store.write(counted(index), IDLE)));
    await Promise.all(stores.map((store, index) => store.write(counted(index + 1), IDLE)));
    expect(await savesIn(storage)).toBe(36);
    await Promise.all(stores.map((store, index) => store.close(counted(index + 2))));
    expect(await savesIn(storage)).toBe(44);
  });

  test("processes that would choose the same name get different ones", async () => {
    const storage = await prepared();
    const twins = Array.from({ length: 4 }, () => twinOn(storage));
    await Promise.all(twins.slice(0, 2).map((store) => store.write(counted(1), IDLE)));
    await Promise.all(twins.map((store) => store.close(counted(2))));
    expect(await savesIn(storage)).toBe(8);
  });

  test("a process does not count itself twice", async () => {
    const storage = await prepared();
    const store = storeOn(storage);
    await store.write(counted(5), IDLE);
    expect(totalOf((await store.read()).data, "draftstate_saves_total")).toBe(0);
  });

  test("many ended processes are folded into one file, to the same sum, and nothing else of them stays", async () => {
    const storage = await prepared();
    for (let process = 0; process < 40; process += 1) await storeOn(storage).close(counted(1));
    expect((await processFiles(storage)).length).toBeLessThanOrEqual(FILES_BEFORE_FOLDING);
    const { data } = await storeOn(storage).read();
    expect(valueOf(data, "draftstate_saves_total", "journal")).toBe(40);
    expect(data.conversations["tale"]).toEqual({ saves: 40 });
    expect(data.days["2026-01-14"]).toEqual({ saves: 40 });
    expect(await storage.locks()).toEqual([]);
  });

  test("a living process is not folded, a killed one is, its lock with it", async () => {
    const storage = await prepared();
    const [living, killed] = [storeOn(storage), storeOn(storage)];
    await living.write(counted(100), { queueDepth: 7, unsavedSince: new Date(START).toISOString() });
    const [alive] = await storage.locks();
    await killed.write(counted(1000), IDLE);
    const lock = (await storage.locks()).find(({ name }) => name !== alive?.name)?.name ?? "";
    await storage.breakLock(lock);
    for (let process = 0; process < 20; process += 1) await storeOn(storage).close(counted(1));
    const { data, live } = await storeOn(storage).read();
    expect(totalOf(data, "draftstate_saves_total")).toBe(1120);
    expect(live).toEqual([
      { queueDepth: 7, unsavedSince: new Date(START).toISOString(), holder: "test (in this process)" },
    ]);
    expect(await processFiles(storage)).not.toContain(`${lock}.json`);
    await living.close(counted(101));
    expect(await savesIn(storage)).toBe(1121);
    expect((await storeOn(storage).read()).live).toEqual([]);
  });

  test("a conversation that is gone leaves the table, not the totals", async () => {
    const storage = await prepared();
    await storage.remove({ area: "state", name: "tale.json" });
    for (let process = 0; process < 20; process += 1) await storeOn(storage).close(counted(1));
    for (const name of await processFiles(storage)) await storage.remove({ area: "metrics", name });
    const { data } = await storeOn(storage).read();
    expect(data.conversations).toEqual({});
    expect(totalOf(data, "draftstate_saves_total")).toBeGreaterThan(15);
  });

  test("a damaged process file hides no other and is left alone; one of a newer version too", async () => {
    const storage = await prepared();
    await storage.replace({ area: "metrics", name: "_process-bad.json" }, Buffer.from('{"version":1,'));
    await storage.replace(
      { area: "metrics", name: "_process-new.json" },
      Buffer.from('{"version":2,"closed":true,"counters":{"draftstate_saves_total":{"":5}}}'),
    );
    for (let process = 0; process < 20; process += 1) await storeOn(storage).close(counted(1));
    expect(await savesIn(storage)).toBe(20);
    expect(await storage.list("metrics")).toEqual(expect.arrayContaining(["_process-bad.json", "_process-new.json"]));
  });

  test("a damaged total goes to quarantine before a new one is begun", async () => {
    const storage = await prepared();
    await storage.replace({ area: "metrics", name: "total.json" }, Buffer.from("not json"));
    for (let process = 0; process < 20; process += 1) await storeOn(storage).close(counted(1));
    expect(await savesIn(storage)).toBe(20);
    expect(await storage.list("quarantine")).toEqual([expect.stringMatching(/^metrics-total\.json\./)]);
  });

  test("a total of a newer version is never written to", async () => {
    const storage = await prepared();
    const newer = Buffer.from('{"version":99}');
    await storage.replace({ area: "metrics", name: "total.json" }, newer);
    for (let process = 0; process < 20; process += 1) await storeOn(storage).close(counted(1));
    expect(Buffer.from((await storage.read({ area: "metrics", name: "total.json" })) ?? []).equals(newer)).toBe(true);
    expect(await savesIn(storage)).toBe(20);
  });

  test("killed at any call of a fold, and folded again: each count once", async () => {
    const world = new ProcessWorld();
    const ready = new SimulatedFileSystem();
    const first = storageOver(ready, world.table(1));
    await first.prepare();
    for (let process = 0; process < FILES_BEFORE_FOLDING; process += 1) await storeOn(first).close(counted(1));
    const probe = new FaultyFileSystem(ready.settled());
    await storeOn(storageOver(probe, world.table(1), "p")).close(counted(1));
    const calls = probe.calls;
    expect(calls).toBeGreaterThan(50);
    for (let at = 1; at <= calls; at += 1) {
      const disk = ready.settled();
      const faulty = new FaultyFileSystem(disk);
      faulty.setFault({ code: "EIO", at, lasting: "from-then-on" });
      const own = await storeOn(storageOver(faulty, world.table(1), "f"))
        .close(counted(1))
        .then(
          () => 1,
          () => 0,
        );
      const heir = storageOver(disk, world.table(2), "h");
      const seen = await savesIn(heir);
      expect(seen - FILES_BEFORE_FOLDING, `killed at call ${at}`).toBeGreaterThanOrEqual(own);
      expect(seen - FILES_BEFORE_FOLDING, `killed at call ${at}`).toBeLessThanOrEqual(1);
      for (let process = 0; process < 3; process += 1) await storeOn(heir).close(counted(1));
      expect(await savesIn(heir), `killed at call ${at}, then folded`).toBe(seen + 3);
    }
  });
});

test("a file that is none, or too large to be one of ours, counts nothing and hides no other", async () => {
  const storage = memory();
  await storeOn(storage).close(counted(3));
  await storage.replace({ area: "metrics", name: "_process-zz.json" }, new Uint8Array(1));
  const read = storage.read.bind(storage);
  storage.read = async (key, options) => {
    if (key.name === "_process-zz.json") throw new DraftstateError("CORRUPT", "it is not a regular file");
    return read(key, options);
  };
  expect(valueOf((await storeOn(storage).read()).data, "draftstate_saves_total", "journal")).toBe(3);
});
