import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { settlesWithin } from "../../src/monitoring/settles-within.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ["resolves", () => Promise.resolve()],
  ["rejects", () => Promise.reject(new Error("no"))],
])("work that %s in time is settled, and leaves no timer", async (_how, work) => {
  expect(await settlesWithin(1000, work())).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("work that takes longer is not waited for", async () => {
  const waiting = settlesWithin(1000, new Promise(() => undefined));
  vi.advanceTimersByTime(1000);
  expect(await waiting).toBe(false);
});
