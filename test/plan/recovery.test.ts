/** Section 5 of the contract, row by row: what was found, and what it is taken for. */
import { describe, expect, test } from "vitest";
import { scanJournal } from "../../src/journal/scan.js";
import { needsBackups, planRecovery, type Found, type RecoveryPlan } from "../../src/plan/recovery.js";
import { decodeSnapshot, type Decoded } from "../../src/snapshot/decode.js";
import { BASE, historyOf, journalBytes } from "../doubles/histories.js";
import { snapshotBytes, versionAt } from "../doubles/snapshots.js";

const { states, records, bytes } = historyOf(6);
const SNAPSHOT = decodeSnapshot(snapshotBytes(BASE), "chat");
const DAMAGED: Decoded = { kind: "damaged", detail: "torn" };

function planOf(found: Partial<Found> & { readonly journalBytes?: Uint8Array }): RecoveryPlan {
  const { journalBytes: journal, ...rest } = found;
  return planRecovery({ conversationId: "chat", snapshot: undefined, backups: [], journal: journal === undefined ? undefined : scanJournal(journal), ...rest });
}

function kindsOf(plan: RecoveryPlan): string[] {
  return "problems" in plan ? plan.problems.map(({ kind }) => kind) : [];
}

function edited(): Decoded {
  return decodeSnapshot(Buffer.from(snapshotBytes(BASE).toString().replace('"n": 0', '"n": 1')), "chat");
}

describe("planRecovery", () => {
  test("nothing there is absence, not damage", () => {
    expect(planOf({})).toEqual({ kind: "absent" });
  });

  test("a valid snapshot without a journal is clean", () => {
    expect(planOf({ snapshot: SNAPSHOT })).toMatchObject({ kind: "usable", clean: true, version: BASE, quarantine: [], problems: [] });
  });

  test("a snapshot and its journal are joined", () => {
    expect(planOf({ snapshot: SNAPSHOT, journalBytes: bytes })).toMatchObject({ kind: "usable", clean: false, base: 5, version: { revision: 11, state: states[6] }, problems: [] });
  });

  test("a journal that is older than its snapshot is skipped", () => {
    const newer = decodeSnapshot(snapshotBytes({ ...BASE, state: states[6] ?? {}, revision: 11 }), "chat");
    expect(planOf({ snapshot: newer, journalBytes: bytes })).toMatchObject({ kind: "usable", version: { revision: 11, state: states[6] }, problems: [], quarantine: [] });
  });

  test("a torn record is cut, and the journal goes to quarantine", () => {
    const plan = planOf({ snapshot: SNAPSHOT, journalBytes: bytes.subarray(0, -3) });
    expect([kindsOf(plan), plan]).toMatchObject([["journal-torn"], { kind: "usable", version: { revision: 10, state: states[5] }, quarantine: ["journal"] }]);
  });

  test("damage inside the journal gives the state up to it, and tells of the rest", () => {
    const damaged = Buffer.from(bytes);
    damaged.write("XX", bytes.indexOf('"rev":8'));
    const plan = planOf({ snapshot: SNAPSHOT, journalBytes: damaged });
    expect([kindsOf(plan), plan]).toMatchObject([["journal-damaged"], { kind: "usable", version: { revision: 7, state: states[2] }, quarantine: ["journal"] }]);
  });

  test("a journal with a gap to its snapshot is told, and not believed", () => {
    const plan = planOf({ snapshot: SNAPSHOT, journalBytes: journalBytes(records.slice(2), 7) });
    expect([kindsOf(plan), plan]).toMatchObject([["journal-gap"], { kind: "usable", version: BASE, quarantine: ["journal"] }]);
  });

  test("a journal of an earlier conversation of this id is not believed", () => {
    const plan = planOf({ snapshot: SNAPSHOT, journalBytes: journalBytes(records, 5, "2020-01-01T00:00:00.000Z") });
    expect([kindsOf(plan), plan]).toMatchObject([["journal-foreign"], { kind: "usable", version: BASE, quarantine: ["journal"] }]);
  });

  test("a journal of another conversation that began in the same millisecond is not believed", () => {
    const plan = planOf({ conversationId: "other", snapshot: SNAPSHOT, journalBytes: bytes });
    expect([kindsOf(plan), plan]).toMatchObject([["journal-foreign"], { kind: "usable", version: BASE, quarantine: ["journal"] }]);
  });

  test.each<[string, Decoded | undefined, string[], string[]]>([
    ["missing", undefined, ["snapshot-missing"], []],
    ["damaged", DAMAGED, ["snapshot-damaged"], ["snapshot"]],
  ])("where the snapshot is %s, a backup and the journal that joins it are the state", (_name, snapshot, kinds, quarantine) => {
    const plan = planOf({ snapshot, journalBytes: bytes, backups: [{ name: "b", decoded: SNAPSHOT }] });
    expect([kindsOf(plan), plan]).toMatchObject([kinds, { kind: "usable", source: { backup: "b" }, version: { revision: 11, state: states[6] }, quarantine }]);
  });

  test("where the snapshot is damaged, a backup that the journal does not join stands alone", () => {
    const older = decodeSnapshot(snapshotBytes(versionAt(2)), "chat");
    const plan = planOf({ snapshot: DAMAGED, journalBytes: bytes, backups: [{ name: "b", decoded: older }] });
    expect([kindsOf(plan), plan]).toMatchObject([["snapshot-damaged", "journal-gap"], { kind: "usable", version: { revision: 2 }, quarantine: ["snapshot", "journal"] }]);
  });

  test("a damaged backup is told, and the next one is used", () => {
    const plan = planOf({ snapshot: DAMAGED, backups: [{ name: "new", decoded: DAMAGED }, { name: "old", decoded: SNAPSHOT }] });
    expect([kindsOf(plan), plan]).toMatchObject([["snapshot-damaged", "backup-damaged"], { kind: "usable", source: { backup: "old" } }]);
  });

  test("an edited or newer backup is not used", () => {
    const backups = [{ name: "edited", decoded: edited() }, { name: "newer", decoded: { kind: "newer" as const, version: "2.0.0" } }];
    expect(planOf({ snapshot: DAMAGED, backups }).kind).toBe("lost");
  });

  test("with nothing valid left, each file that was looked at is named", () => {
    const plan = planOf({ snapshot: DAMAGED, journalBytes: bytes.subarray(0, -3), backups: [{ name: "b", decoded: DAMAGED }] });
    expect([plan.kind, kindsOf(plan)]).toEqual(["lost", ["snapshot-damaged", "backup-damaged", "journal-torn"]]);
  });

  test("an edited snapshot is never used silently", () => {
    expect(planOf({ snapshot: edited(), journalBytes: bytes, backups: [{ name: "b", decoded: SNAPSHOT }] })).toMatchObject({ kind: "edited", version: { state: { n: 1 } } });
  });

  test("a newer version is left alone", () => {
    expect(planOf({ snapshot: { kind: "newer", version: "2.0.0" }, journalBytes: bytes })).toEqual({ kind: "newer", schema: "2.0.0" });
  });

  test("a migrated file is not clean: the next writer rewrites it", () => {
    const migrated: Decoded = { kind: "valid", state: {}, metadata: { ...(SNAPSHOT.kind === "valid" ? SNAPSHOT.metadata : ({} as never)) }, migratedFrom: "1.0.0-draft" };
    expect(planOf({ snapshot: migrated })).toMatchObject({ kind: "usable", clean: false, migratedFrom: "1.0.0-draft" });
  });
});

test("backups are worth reading only where the snapshot cannot be used", () => {
  expect([needsBackups(undefined), needsBackups(DAMAGED), needsBackups(SNAPSHOT), needsBackups(edited())]).toEqual([true, true, false, false]);
});
