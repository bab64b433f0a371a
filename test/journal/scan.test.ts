/** However a journal is cut or damaged: what is read from it is the beginning of the true history, never anything else. */
import { describe, expect, test } from "vitest";
import { replay } from "../../src/journal/replay.js";
import { encodeLine } from "../../src/journal/framing.js";
import { scanJournal } from "../../src/journal/scan.js";
import { BASE, historyOf, journalBytes } from "../doubles/histories.js";

const { states, records, bytes: BYTES } = historyOf(9);

/** How many records were believed; throws where the state they give is none that ever was. */
function believed(bytes: Uint8Array): number {
  const { version } = replay(BASE, scanJournal(bytes).records);
  const count = version.revision - BASE.revision;
  expect(version.state).toEqual(states[count]);
  return count;
}

function lineStarts(bytes: Buffer): number[] {
  const starts = [0];
  for (let at = bytes.indexOf("\n"); at !== -1; at = bytes.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

const STARTS = lineStarts(BYTES);

describe("a journal", () => {
  test("that is whole is believed whole", () => {
    expect([believed(BYTES), scanJournal(BYTES).tail.kind, scanJournal(BYTES).validBytes]).toEqual([
      9,
      "clean",
      BYTES.length,
    ]);
  });

  test("with any bit flipped gives a prefix of the true history", () => {
    let flipped = 0;
    for (let at = 0; at < BYTES.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const bytes = Buffer.from(BYTES);
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
        const line = STARTS.findLastIndex((start) => start <= at);
        expect(believed(bytes), `byte ${at}, bit ${bit}`).toBe(Math.max(0, line - 1));
        flipped += 1;
      }
    }
    expect(flipped).toBe(BYTES.length * 8);
  });

  test("cut anywhere gives each record that is whole, and no other", () => {
    for (let length = 0; length <= BYTES.length; length += 1) {
      const whole = STARTS.filter((start) => start <= length).length - 2;
      expect(believed(BYTES.subarray(0, length)), `cut at ${length}`).toBe(Math.max(0, whole));
    }
  });

  test("cut within a record is torn, cut between records is clean", () => {
    for (let length = 1; length < BYTES.length; length += 1) {
      const { tail, validBytes } = scanJournal(BYTES.subarray(0, length));
      const start = STARTS.findLast((each) => each <= length) ?? 0;
      expect([tail.kind, validBytes], `cut at ${length}`).toEqual([start === length ? "clean" : "torn", start]);
    }
  });

  test("whose last record is zero-filled is torn", () => {
    const bytes = Buffer.from(BYTES);
    bytes.fill(0, STARTS.at(-2));
    expect(scanJournal(bytes)).toMatchObject({ tail: { kind: "torn" }, validBytes: STARTS.at(-2) });
  });

  test("with good records behind a bad one is damaged, and counts them", () => {
    const bytes = Buffer.from(BYTES);
    bytes.writeUInt8(0x58, (STARTS[4] ?? 0) + 3);
    expect(scanJournal(bytes)).toMatchObject({
      tail: { kind: "damaged", goodRecordsBehind: 5 },
      validBytes: STARTS[4],
    });
  });

  test("with a bad record before an unfinished one is torn: neither was ever acknowledged", () => {
    const bytes = Buffer.from(BYTES.subarray(0, -1));
    bytes.fill(0, STARTS[8], (STARTS[9] ?? 0) - 1);
    expect(scanJournal(bytes)).toMatchObject({
      tail: { kind: "torn" },
      validBytes: STARTS[8],
      lastRevision: BASE.revision + 7,
    });
  });

  test("without a header is not believed", () => {
    expect(scanJournal(BYTES.subarray(STARTS[1])).records).toEqual([]);
  });

  test("is not believed from a second header on", () => {
    expect(scanJournal(Buffer.concat([BYTES, BYTES])).records).toHaveLength(records.length);
  });

  test("that is empty is clean", () => {
    expect(scanJournal(new Uint8Array())).toEqual({
      header: undefined,
      records: [],
      validBytes: 0,
      tail: { kind: "clean" },
      lastRevision: 0,
    });
  });

  test("is read from within a larger buffer", () => {
    const large = Buffer.concat([Buffer.from("before"), BYTES, Buffer.from("behind")]);
    expect(believed(new Uint8Array(large.buffer, large.byteOffset + 6, BYTES.length))).toBe(9);
  });

  test("with a record twice tells it once", () => {
    const twice = [...records.slice(0, 3), ...records.slice(2)];
    expect(believed(journalBytes(twice))).toBe(9);
  });
});

describe("a line of a newer version", () => {
  const NEWER = Buffer.from(encodeLine({ rev: 10, at: 1, checkpoint: {} }));
  const withLine = (line: number, added: Buffer, bytes = BYTES): Buffer =>
    Buffer.concat([bytes.subarray(0, STARTS[line]), added, bytes.subarray(STARTS[line])]);

  test.each([0, 1, 5, 10])("as line %i ends belief there, is not damage, and is told", (line) => {
    const bytes = withLine(line, NEWER);
    expect([believed(bytes), scanJournal(bytes)]).toMatchObject([
      Math.max(0, line - 1),
      {
        validBytes: STARTS[line],
        tail: { kind: "clean" },
        newer: { detail: expect.stringContaining("checkpoint") as string },
      },
    ]);
  });

  test("is told where the one before it is damaged", () => {
    const bytes = withLine(5, NEWER);
    bytes.writeUInt8(0x58, (STARTS[2] ?? 0) + 3);
    expect(scanJournal(bytes)).toMatchObject({ tail: { kind: "damaged" }, validBytes: STARTS[2], newer: {} });
  });

  test("is told where the end is torn behind it, or is its own newline alone", () => {
    const torn = Buffer.concat([BYTES, NEWER, BYTES.subarray(STARTS[1], -7)]);
    expect([scanJournal(torn).newer, scanJournal(Buffer.concat([BYTES, NEWER.subarray(0, -1)])).newer]).toEqual([
      { detail: expect.any(String) },
      { detail: expect.any(String) },
    ]);
  });

  test("is told behind a torn end that lacks its newline alone", () => {
    const bytes = Buffer.concat([BYTES.subarray(0, -3), Buffer.from("\n"), NEWER.subarray(0, -1)]);
    expect(scanJournal(bytes).newer).toEqual({ detail: expect.any(String) });
  });

  test("whose checksum is wrong is torn, as any other", () => {
    const bytes = Buffer.concat([BYTES, NEWER]);
    bytes.writeUInt8(0x58, bytes.length - 4);
    expect(scanJournal(bytes)).toMatchObject({ tail: { kind: "torn" } });
    expect(scanJournal(bytes)).not.toHaveProperty("newer");
  });
});
