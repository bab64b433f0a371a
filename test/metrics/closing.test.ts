/** What `close` of the monitor promises: bounded, the last counts kept or their loss told, no lock and no call left behind. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { totalOf } from "../../src/monitoring/figures.js";
import { MetricsStore } from "../../src/metrics/metrics-store.js";
import { Monitor, type MonitorOptions } from "../../src/metrics/monitor.js";
import type { Storage } from "../../src/storage/storage.js";
import { ManagerEmitter, type ManagerEvents } from "../../src/store/events.js";
import { memory, START } from "../doubles/managers.js";
import { wrappedStorage } from "../doubles/wrapped-storage.js";

const RETRY: ManagerEvents["retry"] = { operation: "append", attempt: 1, delayMs: 1, error: undefined };
const ENDED: ManagerEvents["answerEnded"] = {
  conversationId: "tale",
  model: null,
  status: "complete",
  tokens: 1,
  textBytes: 1,
  firstTokenMs: 1,
  durationMs: 1,
};

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Every call takes so long; what is under way and what began is known. */
class SlowStorage {
  readonly memory = memory();
  readonly storage: Storage;
  underWay = 0;
  began = 0;
  changes: string[] = [];
  failing = false;
  ms = 0;

  constructor() {
    this.storage = new Proxy(this.memory, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return async (...args: unknown[]): Promise<unknown> => {
          this.began += 1;
          this.underWay += 1;
          this.changes.push(String(name));
          try {
            if (this.ms > 0) await after(this.ms);
            if (this.failing && (name === "replace" || name === "create")) throw new Error("no space left");
            return await (value.apply(target, args) as unknown);
          } finally {
            this.underWay -= 1;
          }
        };
      },
    });
  }

  async locks(): Promise<string[]> {
    return (await this.memory.locks()).map(({ name }) => name);
  }
}

function monitorOn(
  storage: Storage,
  options: Partial<MonitorOptions> = {},
): { monitor: Monitor; events: ManagerEmitter; errors: ManagerEvents["monitoringError"][] } {
  const events = new ManagerEmitter();
  const errors: ManagerEvents["monitoringError"][] = [];
  events.on("monitoringError", (event) => void errors.push(event));
  const monitor = new Monitor({
    storage,
    events,
    settings: { metrics: true, alerts: [], alertWebhook: undefined },
    now: () => new Date(START),
    elapsed: () => performance.now(),
    random: Math.random,
    live: () => [],
    ...options,
  });
  return { monitor, events, errors };
}

/** Has a file and a lock of its own, and something to add. */
async function keeping(storage: Storage, options: Partial<MonitorOptions> = {}): Promise<ReturnType<typeof monitorOn>> {
  const made = monitorOn(storage, options);
  made.monitor.start();
  made.events.emit("answerEnded", ENDED);
  vi.advanceTimersByTime(1000);
  await vi.waitFor(async () => expect(await storage.list("metrics")).toHaveLength(1));
  await after(5);
  made.events.emit("retry", RETRY);
  return made;
}

async function retriesIn(storage: Storage): Promise<number> {
  return totalOf(
    (await new MetricsStore(storage, () => new Date(START), Math.random).read()).data,
    "draftstate_retries_total",
  );
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("closing", () => {
  test("waits for a write under way and then makes the last one", async () => {
    const slow = new SlowStorage();
    const { monitor, events, errors } = await keeping(slow.storage);
    slow.ms = 30;
    events.emit("answerEnded", ENDED);
    vi.advanceTimersByTime(1000);
    events.emit("retry", RETRY);
    expect(slow.underWay).toBe(1);
    await monitor.close();
    expect(slow.underWay).toBe(0);
    expect(await slow.locks()).toEqual([]);
    expect(await retriesIn(slow.memory)).toBe(2);
    expect(errors).toEqual([]);
  });

  test("begins no further write while the last one is under way", async () => {
    const slow = new SlowStorage();
    const { monitor, events } = await keeping(slow.storage);
    slow.ms = 30;
    slow.changes = [];
    const closing = monitor.close();
    for (let second = 0; second < 30; second += 1) {
      events.emit("answerEnded", ENDED);
      vi.advanceTimersByTime(1000);
    }
    await closing;
    expect(slow.changes.filter((name) => name === "replace")).toHaveLength(1);
  });

  test("never makes two writes at a time, and none while nothing changes", async () => {
    const slow = new SlowStorage();
    let elapsed = 0;
    const { monitor, events } = await keeping(slow.storage, { elapsed: () => elapsed });
    const tick = async (): Promise<void> => {
      elapsed += 10_000;
      events.emit("retry", RETRY);
      vi.advanceTimersByTime(1000);
    };
    slow.ms = 30;
    slow.changes = [];
    await tick();
    await tick();
    expect(slow.changes).toEqual(["replace"]);
    await after(60);
    vi.advanceTimersByTime(1000);
    elapsed += 10_000;
    vi.advanceTimersByTime(1000);
    await after(60);
    slow.changes = [];
    for (let second = 0; second < 30; second += 1) {
      elapsed += 10_000;
      vi.advanceTimersByTime(1000);
    }
    expect(slow.changes).toEqual([]);
    await monitor.close();
  });

  test.each(["as it closes", "while the room is looked for"])("resolves where a clock fails %s", async (when) => {
    const unhandled: unknown[] = [];
    const keep = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", keep);
    const slow = new SlowStorage();
    slow.ms = when === "as it closes" ? 0 : 20;
    let broken = false;
    const elapsed = (): number => {
      if (broken) throw new Error("no clock");
      return 0;
    };
    const { monitor, errors } = monitorOn(slow.storage, {
      elapsed,
      settings: { metrics: true, alerts: [{ metric: "draftstate_free_bytes", below: 1 }], alertWebhook: undefined },
    });
    monitor.start();
    await after(5);
    broken = true;
    if (when !== "as it closes") await after(40);
    await monitor.close();
    process.off("unhandledRejection", keep);
    expect(errors).toHaveLength(1);
    expect(unhandled).toEqual([]);
  });

  test("a last write that fails is told once, and the lock is gone all the same", async () => {
    const slow = new SlowStorage();
    const { monitor, errors } = await keeping(slow.storage);
    expect(await slow.locks()).toHaveLength(1);
    slow.failing = true;
    await monitor.close();
    expect(errors).toEqual([{ source: "metrics", message: expect.stringContaining("no space left") }]);
    expect(await slow.locks()).toEqual([]);
  });

  test("a write that takes longer than closing has patience is the last call, and takes the lock with it", async () => {
    const slow = new SlowStorage();
    const { monitor, events, errors } = await keeping(slow.storage, { closePatience: 20, callPatience: 5000 });
    slow.ms = 100;
    events.emit("answerEnded", ENDED);
    vi.advanceTimersByTime(1000);
    slow.changes = [];
    await monitor.close();
    expect(slow.underWay).toBe(0);
    expect(await slow.locks()).toEqual([]);
    expect(errors).toEqual([{ source: "metrics", message: expect.stringContaining("in time") }]);
    const { began } = slow;
    await after(150);
    expect(slow.began).toBe(began);
    expect(slow.changes).toEqual([]);
  });

  test("a lock that arrives after the patience is released as it arrives", async () => {
    const slow = new SlowStorage();
    const { monitor, events } = monitorOn(slow.storage, { closePatience: 10, callPatience: 10 });
    monitor.start();
    slow.ms = 80;
    events.emit("answerEnded", ENDED);
    vi.advanceTimersByTime(1000);
    await monitor.close();
    await after(200);
    expect(await slow.locks()).toEqual([]);
    expect(await slow.memory.list("metrics")).toEqual([]);
  });

  test("a storage that never answers a write holds it back for a bounded time, and leaves no lock", async () => {
    const slow = new SlowStorage();
    let hang = false;
    const hanging = wrappedStorage(slow.storage, {
      replace: (key, bytes) => (hang ? new Promise(() => undefined) : slow.storage.replace(key, bytes)),
    });
    const { monitor, events, errors } = await keeping(hanging, { closePatience: 20, callPatience: 20 });
    hang = true;
    events.emit("answerEnded", ENDED);
    vi.advanceTimersByTime(1000);
    await monitor.close();
    expect(await slow.locks()).toEqual([]);
    expect(errors).toHaveLength(1);
  });

  test("nor does one that never answers the first file", async () => {
    const inner = memory();
    const { monitor, events, errors } = monitorOn(
      wrappedStorage(inner, { create: () => new Promise(() => undefined) }),
      { closePatience: 20, callPatience: 20 },
    );
    events.emit("retry", RETRY);
    await monitor.close();
    expect(errors).toHaveLength(1);
  });

  test("nor one that never tells its room, which is asked for once at a time", async () => {
    let [asked, elapsed] = [0, 0];
    const never = wrappedStorage(memory(), { space: () => ((asked += 1), new Promise(() => undefined)) });
    const settings = {
      metrics: false,
      alerts: [{ metric: "draftstate_free_bytes", below: 1 }],
      alertWebhook: undefined,
    };
    const { monitor } = monitorOn(never, { settings, elapsed: () => elapsed, closePatience: 20, callPatience: 20 });
    monitor.start();
    for (let second = 0; second < 60; second += 1) {
      elapsed += 1000;
      vi.advanceTimersByTime(1000);
      await Promise.resolve();
    }
    expect(asked).toBe(2);
    await monitor.close();
  });

  test("asked for again, also by a listener of what it raises, it is the same closing", async () => {
    const slow = new SlowStorage();
    const { monitor } = await keeping(slow.storage);
    slow.ms = 20;
    slow.changes = [];
    void monitor.close();
    await monitor.close();
    expect(slow.underWay).toBe(0);
    expect(await slow.locks()).toEqual([]);
    expect(slow.changes.filter((name) => name === "replace")).toHaveLength(1);
  });

  test("waits for a look at the free space too", async () => {
    const slow = new SlowStorage();
    slow.ms = 50;
    const { monitor } = monitorOn(slow.storage, {
      settings: { metrics: true, alerts: [{ metric: "draftstate_free_bytes", below: 1 }], alertWebhook: undefined },
    });
    monitor.start();
    await after(1);
    expect(slow.underWay).toBeGreaterThan(0);
    await monitor.close();
    expect(slow.underWay).toBe(0);
  });

  test("leaves no timer, and starts nothing afterwards", async () => {
    const slow = new SlowStorage();
    const { monitor, events } = await keeping(slow.storage);
    await monitor.close();
    const { began } = slow;
    monitor.start();
    events.emit("answerEnded", ENDED);
    vi.advanceTimersByTime(60_000);
    await after(5);
    expect(slow.began).toBe(began);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("of one that was never started, nothing starts afterwards either", async () => {
    const { monitor } = monitorOn(memory());
    await monitor.close();
    monitor.start();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("what it counted is not counted twice by the next reader", async () => {
    const slow = new SlowStorage();
    for (const { monitor, events } of [await keeping(slow.storage), monitorOn(slow.storage)]) {
      const before = await retriesIn(slow.memory);
      events.emit("retry", RETRY);
      await monitor.close();
      const all =
        totalOf((await monitor.others()).data, "draftstate_retries_total") +
        totalOf(monitor.own.data, "draftstate_retries_total");
      expect(all).toBe(await retriesIn(slow.memory));
      expect(all).toBeGreaterThan(before);
    }
  });
});

describe("a metrics area that cannot be written", () => {
  test.each(["EACCES", "ENOSPC"])("for %s is told once, however long it lasts, and closing resolves", async (code) => {
    const inner = memory();
    const refuse = (): Promise<never> => Promise.reject(Object.assign(new Error(`${code}: no`), { code }));
    const { monitor, events, errors } = monitorOn(wrappedStorage(inner, { replace: refuse, create: refuse }));
    monitor.start();
    for (let second = 0; second < 40; second += 1) {
      events.emit("answerEnded", ENDED);
      vi.advanceTimersByTime(1000);
      await after(1);
    }
    await monitor.close();
    expect(errors).toEqual([{ source: "metrics", message: expect.stringContaining(code) }]);
    expect(await inner.locks()).toEqual([]);
  });

  test("once it can be written again, the next failure is told again", async () => {
    const slow = new SlowStorage();
    const { monitor, events, errors } = await keeping(slow.storage);
    for (const failing of [true, true, false, true]) {
      slow.failing = failing;
      events.emit("answerEnded", ENDED);
      vi.advanceTimersByTime(1000);
      await after(5);
    }
    expect(errors).toHaveLength(2);
    await monitor.close();
  });

  test("names that are all taken are given up, not tried for ever", async () => {
    const inner = memory();
    const tried: string[] = [];
    const taken = wrappedStorage(
      inner,
      {
        tryLock: async () => ({ acquired: false, holder: undefined, liveness: "alive", where: "" }),
        create: async () => false,
      },
      ({ name }) => void tried.push(name),
    );
    const { monitor, events, errors } = monitorOn(taken);
    monitor.start();
    events.emit("answerEnded", ENDED);
    vi.advanceTimersByTime(1000);
    await monitor.close();
    expect(errors).toHaveLength(1);
    expect(tried.filter((name) => name === "tryLock")).toHaveLength(100);
    expect(tried.filter((name) => name === "create")).toHaveLength(100);
  });
});
