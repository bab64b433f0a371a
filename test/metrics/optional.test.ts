/** Optional parts that fail in any way, each with a manager that saves: one report, no unhandled rejection, no save harmed. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DraftStatePersistenceManager, type ManagerEnvironment, type ManagerOptions } from "../../src/manager.js";
import { loadTelemetry, type TelemetryApi } from "../../src/metrics/telemetry.js";
import type { ManagerEvents } from "../../src/store/events.js";
import { memory, START, turn } from "../doubles/managers.js";
import { wrappedStorage } from "../doubles/wrapped-storage.js";

const unhandled: unknown[] = [];
const keep = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", keep).on("uncaughtException", keep);
});
afterEach(() => {
  process.off("unhandledRejection", keep).off("uncaughtException", keep);
  vi.useRealTimers();
});

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

function fail(): never {
  throw new Error("broken");
}

/** Two turns with this part; what was reported of it. */
async function reportsOf(
  world: Partial<ManagerEnvironment>,
  options: ManagerOptions = {},
): Promise<ManagerEvents["monitoringError"][]> {
  let at = START;
  const storage = world.storage ?? memory();
  const environment = {
    now: () => new Date((at += 1)),
    elapsed: () => performance.now(),
    random: Math.random,
    ...world,
    storage,
  };
  const manager = new DraftStatePersistenceManager(environment, { autoSave: false, retryDelay: 0, ...options });
  const errors: ManagerEvents["monitoringError"][] = [];
  manager.on("monitoringError", (event) => void errors.push(event));
  const conversation = await manager.open("tale");
  await settled();
  for (const question of ["Hi", "More"]) {
    manager.monitor.beginAnswer("tale", "offline").end("complete");
    await turn(conversation, question, "a", "b");
  }
  await manager.close();
  await settled();
  expect(unhandled).toEqual([]);
  expect(
    await new DraftStatePersistenceManager({ ...environment, telemetry: undefined, logger: undefined }).loadState(
      "tale",
    ),
  ).toMatchObject({ messages: { length: 4 } });
  return errors;
}

/** Every instrument of every meter, and every tracer, does this. */
function apiWith({
  getTracer = fail,
  record = (): unknown => undefined,
}: {
  getTracer?: () => unknown;
  record?: () => unknown;
}): TelemetryApi {
  const instrument = { record, add: record };
  const meter = { createHistogram: () => instrument, createCounter: () => instrument };
  return {
    trace: { getTracer },
    metrics: { getMeter: () => meter },
    SpanKind: {},
    SpanStatusCode: {},
  } as unknown as TelemetryApi;
}

const tracer = { startSpan: () => ({ setStatus: () => undefined, end: () => undefined }) };

describe("telemetry", () => {
  test.each<readonly [string, () => Promise<TelemetryApi | undefined>]>([
    ["whose loading rejects", () => Promise.reject(new Error("broken"))],
    ["whose loading rejects with what has no text", () => Promise.reject(Object.create(null) as Error)],
    ["whose loading throws", fail],
    ["that has no tracer", () => Promise.resolve(apiWith({}))],
    ["that is something else", () => Promise.resolve({} as TelemetryApi)],
    ["whose spans throw", () => Promise.resolve(apiWith({ getTracer: () => ({ startSpan: fail }) }))],
    ["whose instruments throw", () => Promise.resolve(apiWith({ getTracer: () => tracer, record: fail }))],
  ])("%s is told once and harms nothing", async (_how, telemetry) => {
    expect(await reportsOf({ telemetry })).toEqual([{ source: "telemetry", message: expect.any(String) }]);
  });

  test("that never loads is waited for by nothing", async () => {
    expect(await reportsOf({ telemetry: () => new Promise(() => undefined) })).toEqual([]);
  });

  test("that is loaded only once all is closed is not used", async () => {
    let load: (api: TelemetryApi) => void = () => undefined;
    let used = 0;
    await reportsOf({ telemetry: () => new Promise((resolve) => (load = resolve)) });
    load(apiWith({ getTracer: () => ((used += 1), tracer) }));
    await settled();
    expect(used).toBe(0);
  });

  test("that is not installed is told by nobody; one that is there and broken is", async () => {
    const absent = Object.assign(new Error("Cannot find package '@opentelemetry/api' imported from x"), {
      code: "ERR_MODULE_NOT_FOUND",
    });
    expect(await loadTelemetry(() => Promise.reject(absent))).toBeUndefined();
    expect(
      await reportsOf({ telemetry: () => loadTelemetry(() => Promise.reject(new SyntaxError("broken"))) }),
    ).toHaveLength(1);
  });
});

describe("a logger", () => {
  const all = (log: () => unknown) => ({ debug: log, info: log, warn: log, error: log });

  test.each([
    ["that throws", all(fail)],
    ["that rejects", all(async () => fail())],
    ["without a level", { info: () => undefined, warn: () => undefined, error: () => undefined } as never],
  ])("%s is told once and harms nothing", async (_how, logger) => {
    expect(await reportsOf({ logger })).toEqual([{ source: "logger", message: expect.any(String) }]);
  });
});

describe("a storage", () => {
  const alerts = [{ metric: "draftstate_free_bytes", below: 1 }];

  test.each([
    ["throws", fail],
    ["rejects", async () => fail()],
  ])("that %s when it is asked for its room fails no opening", async (_how, space) => {
    let asked = 0;
    const storage = wrappedStorage(memory(), { space: () => ((asked += 1), space()) });
    expect(await reportsOf({ storage }, { alerts, metrics: false })).toEqual([]);
    expect(asked).toBe(2);
  });
});

test("a clock that fails ends no timer's turn with an exception", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  let broken = false;
  const manager = new DraftStatePersistenceManager(
    {
      storage: memory(),
      now: () => new Date(START),
      elapsed: () => (broken ? fail() : performance.now()),
      random: Math.random,
    },
    { autoSave: false, alerts: [{ metric: "draftstate_queue_depth", above: 1 }] },
  );
  const errors: string[] = [];
  manager.on("monitoringError", ({ source }) => void errors.push(source));
  await manager.open("tale");
  broken = true;
  vi.advanceTimersByTime(5000);
  expect(errors).toEqual(["metrics"]);
  broken = false;
  await manager.close();
});
