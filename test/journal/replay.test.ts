/** A version and its records give one later version: skipped what it has, stopped where the row breaks, never half a change. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changeInfo, replay } from "../../src/journal/replay.js";
import type { JournalRecord } from "../../src/journal/record.js";
import { BASE, historyOf } from "../doubles/histories.js";
import { CREATED_AT } from "../doubles/snapshots.js";

const { states, records } = historyOf(9);

/** One record with the effect of both, as a journal may hold them. */
function mergeRecords(left: JournalRecord, right: JournalRecord): JournalRecord {
  const info = { ...left.info, ...right.info };
  return {
    from: left.from,
    revision: right.revision,
    at: right.at,
    patches: [...left.patches, ...right.patches],
    ...(Object.keys(info).length === 0 ? {} : { info }),
  };
}

describe("replay", () => {
  test("skips what the snapshot has (I3)", () => {
    for (let have = 0; have <= 9; have += 1) {
      const version = { ...BASE, state: states[have] ?? {}, revision: BASE.revision + have };
      const { version: last, applied, skipped } = replay(version, records);
      expect([last.state, last.revision, applied, skipped]).toEqual([states[9], BASE.revision + 9, 9 - have, have]);
    }
  });

  test("stops at a gap (I2), and counts what stands behind it", () => {
    const { version, stopped } = replay(
      BASE,
      records.filter((_, index) => index !== 4),
    );
    expect([version.revision, version.state, stopped?.records]).toEqual([BASE.revision + 4, states[4], 4]);
  });

  test("of records that begin behind the version believes none", () => {
    expect(replay(BASE, records.slice(1))).toMatchObject({ version: BASE, applied: 0, stopped: { records: 8 } });
  });

  test("of merged records gives what their parts give", () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 8 })).map((list) => [0, ...list.sort((a, b) => a - b), 9]);
    fc.assert(
      fc.property(cuts, (list) => {
        const merged = list.slice(1).map((end, index) => records.slice(list[index], end).reduce(mergeRecords));
        const { version, stopped } = replay(BASE, merged);
        expect([version.state, version.revision, stopped]).toEqual([states[9], BASE.revision + 9, undefined]);
      }),
    );
  });

  test("of a change that does not fit stops before it, with nothing of it done", () => {
    const misfit: JournalRecord = {
      from: 7,
      revision: 7,
      at: 1,
      patches: [
        { op: "add", path: ["half"], value: 1 },
        { op: "remove", path: ["missing"] },
      ],
    };
    const { version, stopped } = replay(BASE, [...records.slice(0, 1), misfit, ...records.slice(2)]);
    expect([version.state, version.revision, stopped?.records]).toEqual([states[1], BASE.revision + 1, 8]);
  });

  test("leaves the version it began from as it was", () => {
    const before = JSON.stringify(BASE);
    replay(BASE, records);
    expect(JSON.stringify(BASE)).toBe(before);
  });

  test("tells the time of the last record applied", () => {
    expect(replay(BASE, records.slice(0, 2)).lastAt).toBe(records[1]?.at);
  });

  test("carries changes of title and model", () => {
    const renamed: JournalRecord = { from: 6, revision: 6, at: 1, patches: [], info: { title: "New", model: "m" } };
    expect(replay(BASE, [renamed]).version.info).toEqual({ createdAt: CREATED_AT, title: "New", model: "m" });
  });
});

test("null takes a field of the info away", () => {
  expect(changeInfo({ createdAt: CREATED_AT, title: "a", model: "m" }, { title: null })).toEqual({
    createdAt: CREATED_AT,
    model: "m",
  });
});
