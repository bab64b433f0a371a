/** What stays and what goes: rules as backup tools mean them, and never the one that someone pinned. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newestFirst, planRetention, type RetainedBackup, type RetentionPolicy } from "../../src/plan/retention.js";
import { entriesVisited } from "../doubles/visited.js";

const DAY = 24 * 60 * 60 * 1000;
/** A Wednesday. */
const NOW = Date.UTC(2026, 0, 14, 12);

function backup(revision: number, daysAgo: number, more: Partial<RetainedBackup> = {}): RetainedBackup {
  return { name: `r${revision}`, at: NOW - daysAgo * DAY, revision, pinned: false, valid: true, ...more };
}

/** One a day, the newest with the highest revision. */
function daily(count: number): RetainedBackup[] {
  return Array.from({ length: count }, (_, daysAgo) => backup(1000 - daysAgo, daysAgo));
}

function kept(
  backups: readonly RetainedBackup[],
  policy: RetentionPolicy,
  protectLastValid = false,
  more: { readonly maxSaved?: number } = {},
): string[] {
  return planRetention(backups, policy, { now: NOW, protectLastValid, ...more }).keep.map(
    ({ backup: { name } }) => name,
  );
}

describe("planRetention", () => {
  test("max keeps the newest N", () => {
    expect(kept([backup(1, 3), backup(3, 1), backup(2, 2)], { max: 2 })).toEqual(["r3", "r2"]);
  });

  test("revisions decide what is newest, not clocks", () => {
    expect(kept([backup(9, 30), backup(1, 0)], { max: 1 })).toEqual(["r9"]);
  });

  test("a pinned backup stands beside the count", () => {
    expect(kept([backup(3, 0, { pinned: true }), backup(2, 1), backup(1, 2)], { max: 1 })).toEqual(["r3", "r2"]);
  });

  test("a pinned backup says that it is pinned, not that it is among the newest", () => {
    const { keep } = planRetention([backup(3, 0, { pinned: true })], { max: 1 }, { now: NOW, protectLastValid: false });
    expect(keep.map(({ reasons }) => reasons)).toEqual([["pinned"]]);
  });

  test("max 0 keeps what is pinned and nothing else", () => {
    expect(kept([backup(3, 0), backup(2, 1, { pinned: true })], { max: 0 })).toEqual(["r2"]);
  });

  test("olderThan keeps what is not older", () => {
    expect(kept(daily(5), { olderThan: 2 * DAY })).toEqual(["r1000", "r999", "r998"]);
  });

  test("keepDaily keeps the newest of each of the last days that have one", () => {
    const twice = [backup(9, 0), backup(8, 0.1), backup(7, 3), backup(6, 3.1), backup(5, 9)];
    expect(kept(twice, { keepDaily: 2 })).toEqual(["r9", "r7"]);
  });

  test("keepWeekly counts weeks from Monday", () => {
    expect(kept(daily(14), { keepWeekly: 3 })).toEqual(["r1000", "r997", "r990"]);
  });

  test("keepMonthly keeps the newest of each month", () => {
    expect(kept(daily(60), { keepMonthly: 2 })).toEqual(["r1000", "r986"]);
  });

  test("rules add up: what any of them keeps stays", () => {
    expect(kept(daily(60), { max: 2, keepMonthly: 2 })).toEqual(["r1000", "r999", "r986"]);
  });

  test("the last valid backup stays where the snapshot is damaged (I5)", () => {
    const backups = [backup(3, 0, { valid: false }), backup(2, 1), backup(1, 2)];
    expect(kept(backups, { max: 0 }, true)).toEqual(["r2"]);
  });

  test("without a rule everything stays", () => {
    expect(kept(daily(3), {})).toHaveLength(3);
  });

  test("each that stays says why", () => {
    const { keep } = planRetention(daily(2), { max: 1, keepDaily: 2 }, { now: NOW, protectLastValid: false });
    expect(keep.map(({ reasons }) => reasons)).toEqual([["newest 1", "daily"], ["daily"]]);
  });
});

describe("whatever the policy", () => {
  const anyBackup = fc.record({
    name: fc.string(),
    at: fc.integer({ min: 0, max: NOW }),
    revision: fc.nat({ max: 30 }),
    pinned: fc.boolean(),
    valid: fc.boolean(),
  });
  const count = fc.nat({ max: 5 });
  const policy: fc.Arbitrary<RetentionPolicy> = fc.record(
    { max: count, olderThan: fc.nat(), keepDaily: count, keepWeekly: count, keepMonthly: count },
    { requiredKeys: [] },
  );
  const backups = fc.array(anyBackup, { maxLength: 20 });

  test("what stays and what goes are all there was, each once", () => {
    fc.assert(
      fc.property(backups, policy, fc.boolean(), (list, rules, protectLastValid) => {
        const { keep, remove } = planRetention(list, rules, { now: NOW, protectLastValid });
        const all = [...keep.map(({ backup: each }) => each), ...remove];
        expect(all).toHaveLength(list.length);
        expect(new Set(all)).toEqual(new Set(list));
      }),
    );
  });

  test("nothing pinned goes", () => {
    fc.assert(
      fc.property(backups, policy, (list, rules) => {
        expect(
          planRetention(list, rules, { now: NOW, protectLastValid: false }).remove.filter(({ pinned }) => pinned),
        ).toEqual([]);
      }),
    );
  });

  test("a valid one is left where the snapshot is damaged and there was one", () => {
    fc.assert(
      fc.property(backups, policy, (list, rules) => {
        const { keep } = planRetention(list, rules, { now: NOW, protectLastValid: true });
        expect(keep.some(({ backup: each }) => each.valid)).toBe(list.some(({ valid }) => valid));
      }),
    );
  });

  test("a second time it removes nothing more", () => {
    fc.assert(
      fc.property(backups, policy, (list, rules) => {
        const context = { now: NOW, protectLastValid: true };
        const { keep } = planRetention(list, rules, context);
        expect(
          planRetention(
            keep.map(({ backup: each }) => each),
            rules,
            context,
          ).remove,
        ).toEqual([]);
      }),
    );
  });

  test("the work grows with the number of backups, and not with its square", async () => {
    const visits = async (count: number): Promise<number> =>
      entriesVisited(() =>
        kept(daily(count), { max: count / 2, olderThan: 1, keepDaily: 3, keepWeekly: 3, keepMonthly: 3 }),
      );
    expect(await visits(4000)).toBeLessThanOrEqual(2.1 * (await visits(2000)));
  });

  test("the list handed in stays as it was", () => {
    const list = daily(3).reverse();
    const before = [...list];
    newestFirst(list);
    expect(list).toEqual(before);
  });
});

describe("what restore and undo saved", () => {
  const saved = (revision: number): RetainedBackup => backup(revision, 0, { reason: "restore" });

  test("stands beside the count where it has one of its own", () => {
    const all = [saved(9), saved(8), saved(7), backup(3, 1), backup(2, 2), backup(1, 3)];
    expect(kept(all, { max: 2 }, false, { maxSaved: 2 })).toEqual(["r9", "r8", "r3", "r2"]);
    expect(kept(all, { max: 2 })).toEqual(["r9", "r8"]);
  });
});
