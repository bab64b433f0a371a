/** Hold times and ages are of a monotonic clock: a wall clock that jumps fires nothing, ends nothing and makes nothing old. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Alert } from "../../src/monitoring/alerts.js";
import { EMPTY } from "../../src/monitoring/figures.js";
import { MetricsStore } from "../../src/metrics/metrics-store.js";
import { Monitor, type LiveConversation } from "../../src/metrics/monitor.js";
import { ManagerEmitter } from "../../src/store/events.js";
import { memory, START } from "../doubles/managers.js";

const HOUR = 3_600_000;

/** A monitor whose seconds pass when a test says so, and whose wall clock can be set apart from them. */
class World {
  readonly events = new ManagerEmitter();
  readonly alerts: Alert[] = [];
  readonly storage = memory();
  readonly live: LiveConversation[] = [];
  /** Of the wall clock, ahead of the monotonic one. */
  jump = 0;
  #elapsed = 5;
  readonly monitor: Monitor;

  constructor(...alerts: { metric: string; above: number; for?: string }[]) {
    this.events.on("alert", (alert) => void this.alerts.push(alert));
    this.monitor = new Monitor({
      storage: this.storage,
      events: this.events,
      settings: { metrics: false, alerts, alertWebhook: undefined },
      now: () => new Date(START + this.#elapsed + this.jump),
      elapsed: () => this.#elapsed,
      random: () => 0.5,
      live: () => this.live,
    });
    this.monitor.start();
  }

  pass(seconds: number): void {
    for (let left = seconds; left > 0; left -= 1) {
      this.#elapsed += 1000;
      vi.advanceTimersByTime(1000);
    }
  }

  get states(): string[] {
    return this.alerts.map(({ state }) => state);
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const QUEUE = { metric: "draftstate_queue_depth", above: 10, for: "30s" };
const busy: LiveConversation = { id: "tale", revision: 1, durableRevision: 1, queuedChanges: 11 };

test.each([
  ["ahead", HOUR],
  ["back", -HOUR],
])("a wall clock that jumps an hour %s fires no rule before its time, and it fires when it is due", (_where, jump) => {
  const world = new World(QUEUE);
  world.live.push(busy);
  world.pass(10);
  world.jump = jump;
  world.pass(20);
  expect(world.states).toEqual([]);
  world.pass(1);
  expect(world.states).toEqual(["firing"]);
});

test.each([
  ["ahead", HOUR],
  ["back", -HOUR],
])(
  "a wall clock that jumps an hour %s resolves nothing before its time, and it resolves when it is due",
  (_where, jump) => {
    const world = new World(QUEUE);
    world.live.push(busy);
    world.pass(31);
    world.live.pop();
    world.pass(10);
    world.jump = jump;
    world.pass(20);
    expect(world.states).toEqual(["firing"]);
    world.pass(1);
    expect(world.states).toEqual(["firing", "resolved"]);
  },
);

test("a counter is looked at over a minute that passed, whatever the wall clock says", () => {
  const world = new World({ metric: "draftstate_retries_total", above: 0 });
  const retry = (): void =>
    world.events.emit("retry", { operation: "append", attempt: 1, delayMs: 1, error: undefined });
  world.pass(5);
  retry();
  expect(world.states).toEqual(["firing"]);
  world.jump = HOUR;
  world.pass(55);
  expect(world.states).toEqual(["firing"]);
  world.pass(12);
  expect(world.states).toEqual(["firing", "resolved"]);
});

test("an alert tells the wall clock's times: since when, and now", () => {
  const world = new World(QUEUE);
  world.live.push(busy);
  world.jump = HOUR;
  world.pass(31);
  const [alert] = world.alerts;
  expect(Date.parse(alert?.at ?? "")).toBe(START + 5 + HOUR + 31_000);
  expect(Date.parse(alert?.at ?? "") - Date.parse(alert?.since ?? "")).toBe(30_000);
});

test.each([
  ["ahead", HOUR],
  ["back", -HOUR],
])("a wall clock that jumps an hour %s makes no unsaved change older", async (_where, jump) => {
  const world = new World({ metric: "draftstate_unsaved_seconds", above: 60 });
  world.live.push({ ...busy, durableRevision: 0 });
  world.pass(10);
  world.jump = jump;
  world.pass(20);
  expect(world.states).toEqual([]);
  expect(world.monitor.unsavedAges().get("tale")).toBe(29_000);
  expect(await world.monitor.unsaved()).toEqual([{ who: "tale in this process", ageMs: 29_000 }]);
  world.pass(32);
  expect(world.states).toEqual(["firing"]);
});

test("a process whose clock is ahead has changes that are new, not of a time to come", async () => {
  const world = new World();
  const other = new MetricsStore(
    world.storage,
    () => new Date(START),
    () => 0.25,
  );
  await other.write(EMPTY, { queueDepth: 1, unsavedSince: new Date(START + HOUR).toISOString() });
  expect(await world.monitor.unsaved()).toEqual([{ who: "test (in this process)", ageMs: 0 }]);
});

test("what is written for other processes is a time of the wall clock", () => {
  const world = new World();
  world.live.push({ ...busy, durableRevision: 0 });
  world.pass(10);
  world.jump = HOUR;
  expect(Date.parse(world.monitor.gauges.unsavedSince ?? "")).toBe(START + 5 + HOUR + 1000);
});
