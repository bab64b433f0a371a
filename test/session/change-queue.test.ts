/** What waits for the disk is bounded and stays in order; where it overflows, the queue says so. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JournalRecord } from "../../src/journal/record.js";
import { replay } from "../../src/journal/replay.js";
import { ChangeQueue } from "../../src/session/change-queue.js";
import { BASE, historyOf } from "../doubles/histories.js";

const { states, records } = historyOf(30);

describe("a queue", () => {
  test("never holds more than its limit, and loses no effect without saying so", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
        (limit, drains) => {
          const queue = new ChangeQueue(limit);
          // As a writer does: after an overflow the next write is a snapshot of everything so far.
          let written = BASE;
          const write = (upTo: number): void => {
            if (queue.hasOverflowed) {
              queue.takeAll();
              written = { ...BASE, state: states[upTo] ?? {}, revision: BASE.revision + upTo };
              return;
            }
            const { version, stopped } = replay(written, queue.takeAll());
            expect(stopped).toBeUndefined();
            written = version;
          };
          for (const [index, record] of records.entries()) {
            queue.push(record);
            expect(queue.length).toBeLessThanOrEqual(limit);
            if (drains[index] === true) write(index + 1);
          }
          write(30);
          expect([written.state, written.revision]).toEqual([states[30], BASE.revision + 30]);
        },
      ),
    );
  });

  test("that was emptied is empty", () => {
    const queue = new ChangeQueue(3);
    for (const record of records) queue.push(record);
    queue.takeAll();
    expect([queue.length, queue.takeAll()]).toEqual([0, []]);
  });

  test("joins tokens behind its limit, and overflows with anything else", () => {
    const queue = new ChangeQueue(1);
    const token = (revision: number, text: string): JournalRecord => ({
      from: revision,
      revision,
      at: revision,
      patches: [{ op: "token", text, last: text, count: 1 }],
    });
    queue.push(token(6, "a"));
    queue.push(token(7, "b"));
    expect([queue.hasOverflowed, queue.length]).toEqual([false, 1]);
    queue.push({ from: 8, revision: 8, at: 8, patches: [], info: { title: "t" } });
    expect([queue.hasOverflowed, queue.length, queue.takeAll(), queue.hasOverflowed]).toEqual([true, 0, [], false]);
    queue.push(token(9, "c"));
    queue.push(token(10, "d"));
    expect(queue.takeAll()).toEqual([
      { from: 9, revision: 10, at: 10, patches: [{ op: "token", text: "cd", last: "d", count: 2 }] },
    ]);
  });
});
