/** A listener can fail in any way: the caller and the others never notice, and it is reported once. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ManagerEmitter, type ManagerEvents } from "../../src/store/events.js";

const SAVED: ManagerEvents["stateSaved"] = {
  conversationId: "tale",
  kind: "journal",
  revision: 1,
  records: 1,
  bytes: 10,
  durationMs: 1,
};

const unhandled: unknown[] = [];
const catchUnhandled = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", catchUnhandled);
});
afterEach(() => {
  process.off("unhandledRejection", catchUnhandled);
});

/** Unhandled rejections are reported once the microtasks are done. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

function emitter(): { events: ManagerEmitter; errors: ManagerEvents["monitoringError"][] } {
  const events = new ManagerEmitter();
  const errors: ManagerEvents["monitoringError"][] = [];
  events.on("monitoringError", (event) => void errors.push(event));
  return { events, errors };
}

function fail(message = "broken"): never {
  throw new Error(message);
}

describe("a listener that fails", () => {
  test("disturbs neither the caller nor the listeners after it", () => {
    const { events } = emitter();
    const got: number[] = [];
    events.on("stateSaved", () => fail());
    events.on("stateSaved", ({ revision }) => void got.push(revision));
    events.emit("stateSaved", SAVED);
    expect(got).toEqual([1]);
  });

  test("is reported once, with the event and the reason", () => {
    const { events, errors } = emitter();
    events.on("stateSaved", () => fail("cannot draw"));
    for (let save = 0; save < 3; save += 1) events.emit("stateSaved", SAVED);
    expect(errors).toEqual([{ source: "listener", message: expect.stringMatching(/stateSaved.*cannot draw/) }]);
  });

  test("is reported once for each listener", () => {
    const { events, errors } = emitter();
    events.on("stateSaved", () => fail("first"));
    events.on("stateSaved", () => fail("second"));
    events.emit("stateSaved", SAVED);
    events.emit("stateSaved", SAVED);
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringContaining("first"),
      expect.stringContaining("second"),
    ]);
  });

  test("by rejecting is reported once and is no unhandled rejection", async () => {
    const { events, errors } = emitter();
    events.on("stateSaved", async () => fail("later"));
    events.emit("stateSaved", SAVED);
    events.emit("stateSaved", SAVED);
    await settled();
    expect(errors).toEqual([{ source: "listener", message: expect.stringContaining("later") }]);
    expect(unhandled).toEqual([]);
  });

  test("with a thenable whose `then` throws is reported", async () => {
    const { events, errors } = emitter();
    events.on("stateSaved", () => ({
      get then(): never {
        return fail("no then");
      },
    }));
    events.emit("stateSaved", SAVED);
    await settled();
    expect(errors).toHaveLength(1);
    expect(unhandled).toEqual([]);
  });

  test.each([
    ["nothing", undefined],
    ["an object without a text", Object.create(null) as unknown],
    ["an error whose message throws", Object.defineProperty(new Error("x"), "message", { get: () => fail() })],
  ])("by throwing %s is reported all the same", (_name, thrown) => {
    const { events, errors } = emitter();
    events.on("stateSaved", () => {
      throw thrown;
    });
    events.emit("stateSaved", SAVED);
    expect(errors).toHaveLength(1);
  });
});

test("a reason of any length is reported in a bounded one", () => {
  const { events, errors } = emitter();
  events.on("stateSaved", () => fail("x".repeat(1e6)));
  events.emit("stateSaved", SAVED);
  expect(errors[0]?.message.length).toBeLessThan(500);
});

describe("a listener of monitoringError that fails", () => {
  const ERROR: ManagerEvents["monitoringError"] = { source: "webhook", message: "no answer" };

  test("does not recurse, and the others hear of it once", () => {
    const { events, errors } = emitter();
    let calls = 0;
    events.on("monitoringError", () => {
      calls += 1;
      fail();
    });
    events.emit("monitoringError", ERROR);
    events.emit("monitoringError", ERROR);
    expect(calls).toBeLessThanOrEqual(3);
    expect(errors.filter(({ source }) => source === "listener")).toHaveLength(1);
    expect(errors.filter(({ source }) => source === "webhook")).toHaveLength(2);
  });

  test("by rejecting does not recurse either", async () => {
    const { events, errors } = emitter();
    events.on("monitoringError", async () => fail());
    events.emit("monitoringError", ERROR);
    await settled();
    events.emit("monitoringError", ERROR);
    await settled();
    expect(errors.filter(({ source }) => source === "listener")).toHaveLength(1);
    expect(unhandled).toEqual([]);
  });

  test("and makes another that fails at each call does not recurse", () => {
    const { events } = emitter();
    let calls = 0;
    const another = (): void => {
      events.on("monitoringError", () => another());
      calls += 1;
      if (calls < 50) fail();
    };
    events.on("monitoringError", () => another());
    events.emit("monitoringError", ERROR);
    expect(calls).toBeLessThan(10);
  });
});

describe("listeners that come and go during an event", () => {
  test("one that is added hears the next event, not this one", () => {
    const { events } = emitter();
    const heard: string[] = [];
    const late = (): void => void heard.push("late");
    const adds = (): void => void events.on("stateSaved", late);
    events.on("stateSaved", adds);
    events.emit("stateSaved", SAVED);
    expect(heard).toEqual([]);
    events.off("stateSaved", adds);
    events.emit("stateSaved", SAVED);
    expect(heard).toEqual(["late"]);
  });

  test("one that removes itself hides no other", () => {
    const { events } = emitter();
    const heard: string[] = [];
    const once = (): void => {
      heard.push("once");
      events.off("stateSaved", once);
    };
    events.on("stateSaved", once);
    events.on("stateSaved", () => void heard.push("always"));
    events.emit("stateSaved", SAVED);
    events.emit("stateSaved", SAVED);
    expect(heard).toEqual(["once", "always", "always"]);
  });

  test("a listener that was added twice is called twice, and removed one at a time", () => {
    const { events } = emitter();
    let calls = 0;
    const listener = (): void => void (calls += 1);
    events.on("stateSaved", listener).on("stateSaved", listener);
    events.emit("stateSaved", SAVED);
    events.off("stateSaved", listener);
    events.emit("stateSaved", SAVED);
    expect(calls).toBe(3);
  });
});

test("what is not a function is refused when it is added, not at the next event", () => {
  const { events } = emitter();
  expect(() => events.on("stateSaved", undefined as never)).toThrow(expect.objectContaining({ code: "USAGE" }));
  events.emit("stateSaved", SAVED);
});

test("a part of the library is reported under its own name, once for all its listeners", () => {
  const { events, errors } = emitter();
  const part = events.as("telemetry");
  part.on("stateSaved", () => fail());
  part.on("retry", () => fail());
  events.emit("stateSaved", SAVED);
  events.emit("retry", { operation: "append", attempt: 1, delayMs: 1, error: undefined });
  expect(errors.map(({ source }) => source)).toEqual(["telemetry"]);
});
