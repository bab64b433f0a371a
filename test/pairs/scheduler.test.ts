/** The tester itself: that it finds a fault which only some interleavings show, and none where there is none. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { interposedStorage } from "../doubles/interposed.js";
import { memory } from "../doubles/managers.js";
import { following, parseSchedule, Scheduler, writeSchedule, type Run, type Strategy } from "../doubles/scheduler.js";
import type { Storage } from "../../src/storage/storage.js";
import { PairExploration } from "./exploration.js";
import { operationNamed, type PairOperation } from "./operations.js";
import { play, type PairCase } from "./stage.js";
import { time } from "./world.js";

vi.mock("node:timers/promises", () => import("../doubles/timers-promises.js"));

beforeAll(() => {
  time.install();
});

afterAll(() => {
  time.uninstall();
});

const KEY = { area: "state", name: "counter" } as const;

async function addOne(storage: Storage): Promise<void> {
  const bytes = await storage.read(KEY);
  await storage.replace(KEY, Buffer.from(String(Number(Buffer.from(bytes ?? []).toString() || "0") + 1)));
}

/** Waits for its turn by looking again, as a program without a queue would. */
async function addOneLocked(storage: Storage): Promise<void> {
  for (;;) {
    const attempt = await storage.tryLock("counter", new Date(0));
    if (attempt.acquired) {
      await addOne(storage);
      await attempt.lock.release();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function count(
  act: (storage: Storage) => Promise<void>,
  strategy: Strategy,
): Promise<{ run: Run; count: number }> {
  time.reset();
  const inner = memory();
  const scheduler = new Scheduler(time);
  const storage = interposedStorage(inner, (_method, call) => scheduler.point(call));
  const run = await scheduler.run(
    ["A", "B"].map((name) => ({ name, act: () => act(storage) })),
    strategy,
  );
  return { run, count: Number(Buffer.from((await inner.read(KEY)) ?? []).toString()) };
}

/** Every interleaving, depth first, by replaying prefixes of decisions. */
async function every(
  act: (storage: Storage) => Promise<void>,
): Promise<{ prefix: string; count: number; hanging: readonly string[] }[]> {
  const found: { prefix: string; count: number; hanging: readonly string[] }[] = [];
  const waiting: string[][] = [[]];
  for (let prefix = waiting.pop(); prefix !== undefined; prefix = waiting.pop()) {
    const { run, count: counted } = await count(act, following(prefix));
    const chosen = run.decisions.map((decision) => decision.chosen);
    found.push({ prefix: writeSchedule(chosen), count: counted, hanging: run.hanging });
    for (const [index, { options, chosen: taken }] of run.decisions.entries()) {
      if (index < prefix.length || found.length > 500) continue;
      for (const other of options)
        if (other !== taken && other !== "T") waiting.push([...chosen.slice(0, index), other]);
    }
  }
  return found;
}

describe("the scheduler", () => {
  test("finds the lost update of a change without a lock, in every interleaving that has it", async () => {
    const found = await every(addOne);
    // Two threads of three steps each.
    expect(found.length).toBe(20);
    expect(new Set(found.map(({ prefix }) => prefix)).size).toBe(20);
    // Right where one has replaced before the other reads.
    expect(found.filter(({ count: counted }) => counted === 2).length).toBe(8);
    expect(found.filter(({ count: counted }) => counted === 1).length).toBe(12);
  });

  test("finds nothing wrong with the same change under a lock", async () => {
    const found = await every(addOneLocked);
    expect(found.length).toBeGreaterThan(20);
    expect(found.filter(({ count: counted, hanging }) => counted !== 2 || hanging.length > 0)).toEqual([]);
  });

  test("repeats a run from its schedule", async () => {
    const schedule = "A2 B3 A";
    expect(writeSchedule(parseSchedule(schedule))).toBe(schedule);
    const { run } = await count(addOne, following(parseSchedule(schedule)));
    expect(run.calls).toEqual([
      "A begins",
      "A read state/counter",
      "B begins",
      "B read state/counter",
      "B replace state/counter",
      "A replace state/counter",
    ]);
    expect((await count(addOne, following(parseSchedule(schedule)))).run).toEqual(run);
  });

  test("says which thread never ends", async () => {
    const { run } = await count(() => new Promise(() => undefined), following([]));
    expect(run.hanging).toEqual(["A", "B"]);
  });
});

/** Reads, then saves what it read with one message more: right alone, wrong beside another. */
const carelessSave: PairOperation = {
  name: "careless save",
  of: "manager",
  writes: true,
  act: async ({ manager, side }) => {
    const state = await manager.loadState("tale");
    if (state === null) return "nothing";
    await manager.saveState("tale", {
      ...state,
      messages: [
        ...state.messages,
        { id: side, role: "user", content: `${side} careless`, createdAt: "2026-01-14T21:30:00.000Z" },
      ],
    });
    return "done";
  },
};

describe("the pairs suite", () => {
  test("catches an operation that is not atomic, and repeats the fault from what it reports", async () => {
    const pair: PairCase = { setting: "one manager", start: "closed", first: carelessSave, second: carelessSave };
    const explored = await new PairExploration(pair, "storage", 1).all({ runs: 30, random: 0 });
    expect(explored.faults).toBeGreaterThan(0);
    const schedule = /\/storage: (.*)"/.exec(explored.reports[0] ?? "")?.[1] ?? "";
    const again = new PairExploration(pair, "storage", 1);
    await again.follow(parseSchedule(schedule));
    expect(again.explored.faults).toBe(1);
  });

  test("passes readers beside each other", async () => {
    const pair: PairCase = {
      setting: "one manager",
      start: "handle",
      first: operationNamed("load"),
      second: operationNamed("listBackups"),
    };
    const explored = await new PairExploration(pair, "storage", 1).all({ runs: 30, random: 5 });
    expect(explored).toMatchObject({ faults: 0, tried: 30 });
  });

  test("makes the same run twice of the same decisions, at either level", async () => {
    const pair: PairCase = {
      setting: "two processes",
      start: "closed",
      first: operationNamed("rename"),
      second: operationNamed("backup"),
    };
    for (const level of ["storage", "files"] as const) {
      const strategy = following(parseSchedule("A9 B7 A3"));
      const [one, two] = [
        await play(pair, { groups: [["A", "B"]], strategy, level }),
        await play(pair, { groups: [["A", "B"]], strategy, level }),
      ];
      expect(two).toEqual(one);
    }
  });
});
