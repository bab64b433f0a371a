/** What waits for the disk is bounded, stays in order, and has the same effect however it was merged. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { replay } from "../../src/journal/replay.js";
import { ChangeQueue } from "../../src/session/change-queue.js";
import { BASE, historyOf } from "../doubles/histories.js";

const { states, records } = historyOf(30);

describe("a queue", () => {
  test("never holds more than its limit, and loses no effect", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), (limit, drains) => {
        const queue = new ChangeQueue(limit);
        const taken = records.flatMap((record, index) => {
          queue.push(record);
          expect(queue.length).toBeLessThanOrEqual(limit);
          return drains[index] === true ? queue.takeAll() : [];
        });
        const { version, stopped } = replay(BASE, [...taken, ...queue.takeAll()]);
        expect([version.state, version.revision, stopped]).toEqual([states[30], BASE.revision + 30, undefined]);
      }),
    );
  });

  test("that was emptied is empty", () => {
    const queue = new ChangeQueue(3);
    for (const record of records) queue.push(record);
    queue.takeAll();
    expect([queue.length, queue.takeAll()]).toEqual([0, []]);
  });

  test("keeps the last word on title and model when it merges", () => {
    const queue = new ChangeQueue(1);
    queue.push({ from: 6, revision: 6, at: 1, patches: [], info: { title: "a", model: "m" } });
    queue.push({ from: 7, revision: 7, at: 2, patches: [], info: { title: null } });
    expect(queue.takeAll()).toEqual([{ from: 6, revision: 7, at: 2, patches: [], info: { title: null, model: "m" } }]);
  });
});
