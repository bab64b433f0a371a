/** Recovery, row by row: what was found, and what it is taken for. */
import { describe, expect, test } from "vitest";
import { encodeLine } from "../../src/journal/framing.js";
import { encodeHeader, encodeRecord, type JournalHeader } from "../../src/journal/record.js";
import { scanJournal } from "../../src/journal/scan.js";
import { metadataOf } from "../../src/model/conversation.js";
import type { SessionMark } from "../../src/model/sessions.js";
import {
  needsBackups,
  orderForRecovery,
  planRecovery,
  type Found,
  type FoundBackup,
  type RecoveryHead,
  type RecoveryPlan,
} from "../../src/plan/recovery.js";
import { decodeSnapshot, type Decoded } from "../../src/snapshot/decode.js";
import { encodeSnapshot } from "../../src/snapshot/encode.js";
import { BASE, historyOf, journalBytes } from "../doubles/histories.js";
import { CREATED_AT, snapshotBytes, versionAt } from "../doubles/snapshots.js";

const { states, records, bytes } = historyOf(6);
const SNAPSHOT = decodeSnapshot(snapshotBytes(BASE), "chat");
const DAMAGED: Decoded = { kind: "damaged", detail: "torn" };

function planOf(found: Partial<Found> & { readonly journalBytes?: Uint8Array }): RecoveryPlan {
  const { journalBytes: journal, ...rest } = found;
  return planRecovery({
    conversationId: "chat",
    snapshot: undefined,
    backups: [],
    journal: journal === undefined ? undefined : scanJournal(journal),
    ...rest,
  });
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
    expect(planOf({ snapshot: SNAPSHOT })).toMatchObject({
      kind: "usable",
      clean: true,
      version: BASE,
      quarantine: [],
      problems: [],
    });
  });

  test("a snapshot and its journal are joined", () => {
    expect(planOf({ snapshot: SNAPSHOT, journalBytes: bytes })).toMatchObject({
      kind: "usable",
      clean: false,
      base: 5,
      version: { revision: 11, state: states[6] },
      problems: [],
    });
  });

  test("a journal that is older than its snapshot is skipped", () => {
    const newer = decodeSnapshot(snapshotBytes({ ...BASE, state: states[6] ?? {}, revision: 11 }), "chat");
    expect(planOf({ snapshot: newer, journalBytes: bytes })).toMatchObject({
      kind: "usable",
      version: { revision: 11, state: states[6] },
      problems: [],
      quarantine: [],
    });
  });

  test("a torn record is cut, and the journal goes to quarantine", () => {
    const plan = planOf({ snapshot: SNAPSHOT, journalBytes: bytes.subarray(0, -3) });
    expect([kindsOf(plan), plan]).toMatchObject([
      ["journal-torn"],
      { kind: "usable", version: { revision: 10, state: states[5] }, quarantine: ["journal"] },
    ]);
  });

  test("damage inside the journal gives the state up to it, and tells of the rest", () => {
    const damaged = Buffer.from(bytes);
    damaged.write("XX", bytes.indexOf('"rev":8'));
    const plan = planOf({ snapshot: SNAPSHOT, journalBytes: damaged });
    expect([kindsOf(plan), plan]).toMatchObject([
      ["journal-damaged"],
      { kind: "usable", version: { revision: 7, state: states[2] }, quarantine: ["journal"] },
    ]);
  });

  test("a journal with a gap to its snapshot is told, and not believed", () => {
    const plan = planOf({ snapshot: SNAPSHOT, journalBytes: journalBytes(records.slice(2), 7) });
    expect([kindsOf(plan), plan]).toMatchObject([
      ["journal-gap"],
      { kind: "usable", version: BASE, quarantine: ["journal"] },
    ]);
  });

  test("a journal of an earlier conversation of this id is not believed", () => {
    const plan = planOf({ snapshot: SNAPSHOT, journalBytes: journalBytes(records, 5, "2020-01-01T00:00:00.000Z") });
    expect([kindsOf(plan), plan]).toMatchObject([
      ["journal-foreign"],
      { kind: "usable", version: BASE, quarantine: ["journal"] },
    ]);
  });

  test("a journal of another conversation that began in the same millisecond is not believed", () => {
    const plan = planOf({ conversationId: "other", snapshot: SNAPSHOT, journalBytes: bytes });
    expect([kindsOf(plan), plan]).toMatchObject([
      ["journal-foreign"],
      { kind: "usable", version: BASE, quarantine: ["journal"] },
    ]);
  });

  test.each<[string, Decoded | undefined, string[], string[]]>([
    ["missing", undefined, ["snapshot-missing"], []],
    ["damaged", DAMAGED, ["snapshot-damaged"], ["snapshot"]],
  ])(
    "where the snapshot is %s, a backup and the journal that joins it are the state",
    (_name, snapshot, kinds, quarantine) => {
      const plan = planOf({ snapshot, journalBytes: bytes, backups: [{ name: "b", decoded: SNAPSHOT }] });
      expect([kindsOf(plan), plan]).toMatchObject([
        kinds,
        { kind: "usable", source: { backup: "b" }, version: { revision: 11, state: states[6] }, quarantine },
      ]);
    },
  );

  test("where the snapshot is damaged, a backup that the journal does not join stands alone", () => {
    const older = decodeSnapshot(snapshotBytes(versionAt(2)), "chat");
    const plan = planOf({ snapshot: DAMAGED, journalBytes: bytes, backups: [{ name: "b", decoded: older }] });
    expect([kindsOf(plan), plan]).toMatchObject([
      ["snapshot-damaged", "journal-gap"],
      { kind: "usable", version: { revision: 2 }, quarantine: ["snapshot", "journal"] },
    ]);
  });

  test("a damaged backup is told, and the next one is used", () => {
    const plan = planOf({
      snapshot: DAMAGED,
      backups: [
        { name: "new", decoded: DAMAGED },
        { name: "old", decoded: SNAPSHOT },
      ],
    });
    expect([kindsOf(plan), plan]).toMatchObject([
      ["snapshot-damaged", "backup-damaged"],
      { kind: "usable", source: { backup: "old" } },
    ]);
  });

  test("an edited backup is not used", () => {
    expect(planOf({ snapshot: DAMAGED, backups: [{ name: "edited", decoded: edited() }] }).kind).toBe("lost");
  });

  test("of the valid backups the highest revision is used, in whatever order they are found", () => {
    const backups = [7, 11, 9].map((revision) => ({
      name: `r${revision}`,
      decoded: decodeSnapshot(snapshotBytes(versionAt(revision)), "chat"),
    }));
    for (const found of [backups, [...backups].reverse()]) {
      expect(planOf({ snapshot: DAMAGED, backups: found })).toMatchObject({
        kind: "usable",
        source: { backup: "r11" },
        version: { revision: 11 },
      });
    }
  });

  test("of the valid backups one of the journal's conversation is used, also where an earlier one of the id went further", () => {
    const earlier = versionAt(50);
    const bytesOfEarlier = snapshotBytes({
      ...earlier,
      info: { ...earlier.info, createdAt: "2020-01-01T00:00:00.000Z" },
    });
    const backups = [
      { name: "earlier", decoded: decodeSnapshot(bytesOfEarlier, "chat") },
      { name: "own", decoded: SNAPSHOT },
    ];
    expect(planOf({ backups, journalBytes: bytes })).toMatchObject({
      kind: "usable",
      source: { backup: "own" },
      version: { revision: 11 },
    });
    expect(planOf({ backups })).toMatchObject({ kind: "usable", source: { backup: "earlier" } });
  });

  test("with nothing valid left, each file that was looked at is named", () => {
    const plan = planOf({
      snapshot: DAMAGED,
      journalBytes: bytes.subarray(0, -3),
      backups: [{ name: "b", decoded: DAMAGED }],
    });
    expect([plan.kind, kindsOf(plan)]).toEqual(["lost", ["snapshot-damaged", "backup-damaged", "journal-torn"]]);
  });

  test("an edited snapshot is never used silently", () => {
    expect(
      planOf({ snapshot: edited(), journalBytes: bytes, backups: [{ name: "b", decoded: SNAPSHOT }] }),
    ).toMatchObject({ kind: "edited", version: { state: { n: 1 } } });
  });

  test("a migrated file is not clean: the next writer rewrites it", () => {
    const migrated: Decoded = {
      kind: "valid",
      state: {},
      metadata: { ...(SNAPSHOT.kind === "valid" ? SNAPSHOT.metadata : ({} as never)) },
      migratedFrom: "1.0.0-draft",
    };
    expect(planOf({ snapshot: migrated })).toMatchObject({ kind: "usable", clean: false, migratedFrom: "1.0.0-draft" });
  });
});

test("backups are worth reading only where the snapshot cannot be used", () => {
  expect([needsBackups(undefined), needsBackups(DAMAGED), needsBackups(SNAPSHOT), needsBackups(edited())]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

describe("sessions", () => {
  const HEADER = { conversationId: "chat", createdAt: CREATED_AT, base: 5 };
  const MARKS = [{ session: "a", revision: 5 }];
  const snapshot = decodeSnapshot(encodeSnapshot(BASE.state, metadataOf(BASE, "chat", CREATED_AT, MARKS)), "chat");
  const journal = (header: JournalHeader, from = 0): Buffer =>
    Buffer.from(encodeHeader(header) + records.slice(from).map(encodeRecord).join(""));

  test.each<[string, Uint8Array | undefined, readonly SessionMark[]]>([
    ["those of the snapshot without a journal", undefined, MARKS],
    [
      "also the journal's, up to the last record that was applied",
      journal({ ...HEADER, session: "b" }),
      [...MARKS, { session: "b", revision: 11 }],
    ],
    [
      "and no further where its end is torn",
      journal({ ...HEADER, session: "b" }).subarray(0, -3),
      [...MARKS, { session: "b", revision: 10 }],
    ],
    ["not the journal's where none of it was applied", journal({ ...HEADER, session: "b" }, 3), MARKS],
    ["not a foreign journal's", journal({ ...HEADER, session: "b", createdAt: "2020-01-01T00:00:00.000Z" }), MARKS],
    ["those of the snapshot where the journal names none: who wrote last is unknown then", journal(HEADER), MARKS],
  ])("are %s", (_what, journalOf, sessions) => {
    expect(planOf({ snapshot, ...(journalOf === undefined ? {} : { journalBytes: journalOf }) })).toMatchObject({
      kind: "usable",
      sessions,
    });
  });
});

describe("what a newer version wrote is neither used nor replaced (G8):", () => {
  const NEWER_LINE = Buffer.from(encodeLine({ rev: 12, at: 1, checkpoint: {} }));
  const NEWER: Decoded = { kind: "newer", version: "2.0.0", revision: 9 };
  const foreign = journalBytes(records, 5, "2020-01-01T00:00:00.000Z");
  const far = decodeSnapshot(snapshotBytes(versionAt(40)), "chat");
  const backup = (decoded: Decoded): FoundBackup => ({ name: decoded.kind, decoded });

  test.each<[string, Partial<Found> & { readonly journalBytes?: Uint8Array }, string[]]>([
    ["a snapshot", { snapshot: NEWER }, ["snapshot-newer"]],
    ["a snapshot beside a journal", { snapshot: NEWER, journalBytes: bytes }, ["snapshot-newer"]],
    ["snapshot and journal", { snapshot: NEWER, journalBytes: NEWER_LINE }, ["snapshot-newer", "journal-newer"]],
    [
      "the end of a journal",
      { snapshot: SNAPSHOT, journalBytes: Buffer.concat([bytes, NEWER_LINE]) },
      ["journal-newer"],
    ],
    [
      "the beginning of a journal",
      { snapshot: SNAPSHOT, journalBytes: Buffer.concat([NEWER_LINE, bytes]) },
      ["journal-newer"],
    ],
    [
      "a journal whose end is torn",
      { snapshot: SNAPSHOT, journalBytes: Buffer.concat([bytes, NEWER_LINE, Buffer.from('{"crc":')]) },
      ["journal-newer"],
    ],
    [
      "a journal that is damaged before it",
      { snapshot: SNAPSHOT, journalBytes: Buffer.concat([bytes.subarray(0, -9), Buffer.from("\n"), NEWER_LINE]) },
      ["journal-newer"],
    ],
    [
      "a journal at or below the snapshot's revision",
      { snapshot: far, journalBytes: Buffer.concat([bytes, NEWER_LINE]) },
      ["journal-newer"],
    ],
    [
      "a journal of an earlier conversation",
      { snapshot: SNAPSHOT, journalBytes: Buffer.concat([foreign, NEWER_LINE]) },
      ["journal-newer"],
    ],
    ["a journal beside an edited snapshot", { snapshot: edited(), journalBytes: NEWER_LINE }, ["journal-newer"]],
    [
      "a journal beside a damaged snapshot and a valid backup",
      { snapshot: DAMAGED, journalBytes: NEWER_LINE, backups: [backup(SNAPSHOT)] },
      ["journal-newer"],
    ],
    ["a journal beside a backup alone", { journalBytes: NEWER_LINE, backups: [backup(SNAPSHOT)] }, ["journal-newer"]],
    ["a journal alone", { journalBytes: NEWER_LINE }, ["journal-newer"]],
    ["a backup alone", { backups: [backup(NEWER)] }, ["backup-newer"]],
    [
      "a backup that is later than a valid one, where the snapshot is damaged",
      { snapshot: DAMAGED, backups: [backup(NEWER), backup(SNAPSHOT)] },
      ["backup-newer"],
    ],
    [
      "a backup that is found behind a valid one",
      { snapshot: DAMAGED, backups: [backup(SNAPSHOT), backup(NEWER)] },
      ["backup-newer"],
    ],
    [
      "a backup of unknown revision",
      { backups: [backup({ kind: "newer", version: "2.0.0" }), backup(far)] },
      ["backup-newer"],
    ],
  ])("%s", (_what, found, kinds) => {
    const plan = planOf(found);
    expect([plan.kind, kindsOf(plan)]).toEqual(["newer", kinds]);
  });

  test("a backup that is earlier than a valid one is in nobody's way", () => {
    expect(planOf({ snapshot: DAMAGED, backups: [backup(far), backup(NEWER)] })).toMatchObject({
      kind: "usable",
      source: { backup: "valid" },
    });
  });

  test("a backup does not matter where the snapshot is valid", () => {
    expect(planOf({ snapshot: SNAPSHOT, backups: [backup(NEWER)] }).kind).toBe("usable");
  });

  test("with a wrong checksum it is damage, as ever", () => {
    const line = Buffer.from(NEWER_LINE);
    line.write("X", line.length - 4);
    expect(planOf({ snapshot: SNAPSHOT, journalBytes: Buffer.concat([bytes, line]) })).toMatchObject({
      kind: "usable",
      version: { revision: 11 },
      quarantine: ["journal"],
    });
  });
});

describe("orderForRecovery", () => {
  const head = (
    name: string,
    revision?: number,
    createdAt: string | undefined = CREATED_AT,
  ): RecoveryHead & { name: string } => ({ name, revision, createdAt });

  test("puts what tells nothing first, then the highest revision", () => {
    expect(
      orderForRecovery([head("r3", 3), head("none"), head("r9", 9), head("r5", 5)], undefined).map(({ name }) => name),
    ).toEqual(["none", "r9", "r5", "r3"]);
  });

  test("puts the journal's own conversation before an earlier one of the id", () => {
    expect(
      orderForRecovery([head("earlier", 50, "2020"), head("r3", 3), head("r9", 9)], CREATED_AT).map(({ name }) => name),
    ).toEqual(["r9", "r3", "earlier"]);
  });
});
