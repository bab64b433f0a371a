/** A record is one line that carries its own proof, comes back as it was, and costs what its change costs. */
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeLine } from "../../src/journal/framing.js";
import { decodeLine, encodeHeader, encodeRecord, type JournalRecord } from "../../src/journal/record.js";
import type { Patch } from "../../src/model/patches.js";
import { anyJson, anyText } from "../doubles/json-values.js";

function decoded(line: string): ReturnType<typeof decodeLine> {
  return decodeLine(Buffer.from(line.slice(0, -1)));
}

const key = fc
  .oneof(anyText, fc.nat({ max: 9 }))
  .filter((name) => name !== "__proto__" && name !== "constructor" && name !== "prototype");
const path = fc.array(key, { maxLength: 4 });
const patch: fc.Arbitrary<Patch> = fc.oneof(
  fc.record({ op: fc.constantFrom("add" as const, "replace" as const), path, value: anyJson }),
  fc.record({ op: fc.constant("remove" as const), path }),
  fc.record({ op: fc.constant("append" as const), path, value: anyText }),
  fc.record({
    op: fc.constant("token" as const),
    text: anyText,
    last: anyText,
    count: fc.integer({ min: 2, max: 50 }),
  }),
);
const info = fc.record({ title: fc.option(anyText), model: anyText }, { requiredKeys: [] });
const record: fc.Arbitrary<JournalRecord> = fc
  .record({
    from: fc.integer({ min: 1, max: 1000 }),
    more: fc.nat({ max: 5 }),
    at: fc.nat(),
    patches: fc.array(patch, { maxLength: 4 }),
    info: fc.option(info, { nil: undefined }),
  })
  .map(({ more, info: change, ...rest }) => ({
    ...rest,
    revision: rest.from + more,
    ...(change === undefined ? {} : { info: change }),
  }));

describe("a record", () => {
  test("comes back as it was", () => {
    fc.assert(
      fc.property(record, (written) => {
        expect(decoded(encodeRecord(written))).toEqual({ kind: "record", record: written });
      }),
      { numRuns: 1000 },
    );
  });

  test("is one line, whatever its text", () => {
    fc.assert(
      fc.property(record, (written) => {
        const line = encodeRecord(written);
        expect(line.indexOf("\n")).toBe(line.length - 1);
      }),
    );
  });

  test("of one token comes back with its text as its last token", () => {
    const patches: Patch[] = [{ op: "token", text: "\ud83d end.\n", last: "\ud83d end.\n", count: 1 }];
    expect(decoded(encodeRecord({ from: 3, revision: 3, at: 1, patches }))).toEqual({
      kind: "record",
      record: { from: 3, revision: 3, at: 1, patches },
    });
  });

  test("of a token of ten characters has at most 150 bytes at revision 10,000,000", () => {
    const text = "0123456789";
    const line = encodeRecord({
      from: 10_000_000,
      revision: 10_000_000,
      at: Date.UTC(2026, 0, 14),
      patches: [{ op: "token", text, last: text, count: 1 }],
    });
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(150);
  });

  test("reads as JSON", () => {
    fc.assert(
      fc.property(record, (written) => {
        expect(JSON.parse(encodeRecord(written))).toMatchObject({ rev: written.revision });
      }),
    );
  });
});

describe("a line is bad", () => {
  const good = encodeRecord({ from: 3, revision: 3, at: 1, patches: [{ op: "add", path: ["a"], value: "é" }] });
  test("when any bit of it is another", () => {
    const bytes = Buffer.from(good.slice(0, -1));
    for (let at = 0; at < bytes.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const flipped = Buffer.from(bytes);
        flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at);
        expect(decodeLine(flipped).kind, `byte ${at}, bit ${bit}`).toBe("bad");
      }
    }
  });

  test.each<[string, object]>([
    ["no revision", { at: 1, patches: [] }],
    ["revision zero", { rev: 0, at: 1, patches: [] }],
    ["a fractional revision", { rev: 1.5, at: 1, patches: [] }],
    ["a beginning behind its end", { rev: 2, from: 3, at: 1, patches: [] }],
    ["no change", { rev: 2, at: 1 }],
    [
      "a patch that reaches for a prototype",
      { rev: 2, at: 1, patches: [{ op: "add", path: ["__proto__", "x"], value: 1 }] },
    ],
    [
      "a change to the file's own field",
      { rev: 7, at: 1, patches: [{ op: "add", path: ["_metadata"], value: { revision: 1 } }] },
    ],
    [
      "a whole state with the file's own field",
      { rev: 7, at: 1, patches: [{ op: "replace", path: [], value: { _metadata: {} } }] },
    ],
    ["fewer tokens than none", { rev: 7, at: 1, token: "a", last: "a", count: -5 }],
    ["more tokens than can be counted", { rev: 7, at: 1, token: "a", last: "a", count: 1e308 }],
    ["a token that is a number, and nothing else", { rev: 7, at: 1, token: 5 }],
    ["patches that are no list", { rev: 7, at: 1, patches: {} }],
    ["a patch without an operation", { rev: 7, at: 1, patches: [{ path: ["a"], value: 1 }] }],
    ["an operation that is a number", { rev: 7, at: 1, patches: [{ op: 2, path: ["a"], value: 1 }] }],
    [
      "half a token in a list of changes",
      { rev: 7, at: 1, patches: [{ op: "token", text: "a", last: "a", count: 0.5 }] },
    ],
    ["a header without a base", { journal: 1, conversationId: "chat", createdAt: "x" }],
  ])("when it is signed but has %s", (_name, fields) => {
    expect(decoded(encodeLine(fields)).kind).toBe("bad");
  });

  test.each([
    "",
    "{}",
    "null",
    '{"crc":"00000000"}',
    good.slice(0, -2),
    ` ${good.slice(0, -1)}`,
    `${good.slice(0, -1)} `,
  ])("when it is %j", (line) => {
    expect(decodeLine(Buffer.from(line)).kind).toBe("bad");
  });
});

describe("a line is newer, not bad,", () => {
  const written = { rev: 7, at: 1 };
  const add = { op: "add", path: ["a"], value: 1 };
  test.each<[string, object, string]>([
    ["another journal version", { journal: 2, conversationId: "chat", createdAt: "x", base: 1 }, "journal version 2"],
    [
      "another journal version and a header of another shape",
      { journal: "2025", of: "chat" },
      'journal version "2025"',
    ],
    ["another kind of record", { ...written, checkpoint: "x" }, 'a record of another kind, with "checkpoint"'],
    ["another kind of record without a revision", { checkpoint: "x" }, 'a record of another kind, with "checkpoint"'],
    [
      "an unknown operation",
      { ...written, patches: [add, { op: "splice", path: ["a"], at: 3 }] },
      'a change by "splice"',
    ],
    [
      "an unknown operation behind one that is wrong",
      { ...written, patches: [{ op: "add" }, { op: "splice" }] },
      'a change by "splice"',
    ],
    ["an unknown operation without a revision", { patches: [{ op: "splice" }] }, 'a change by "splice"'],
    [
      "an unknown field of the info",
      { ...written, patches: [], info: { title: "a", tags: ["b"] } },
      'a change of "tags"',
    ],
  ])("when it is signed and has %s", (_name, fields, detail) => {
    const line = encodeLine(fields);
    expect(decoded(line)).toEqual({ kind: "newer", detail });
    // Where the checksum is wrong, nothing of it is believed, that it is newer neither.
    for (let at = 0; at < line.length - 1; at += 1) {
      const flipped = Buffer.from(line.slice(0, -1));
      flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
      expect(decodeLine(flipped).kind).toBe("bad");
    }
  });

  test("and says what it found in few words", () => {
    const read = decoded(
      encodeLine(Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`${index}`.repeat(500), 1]))),
    );
    expect(read.kind === "newer" && read.detail.length).toBeLessThan(200);
  });
});

test("a change of the info alone is a record", () => {
  expect(decoded(encodeLine({ rev: 7, at: 1, info: { title: null } }))).toEqual({
    kind: "record",
    record: { from: 7, revision: 7, at: 1, patches: [], info: { title: null } },
  });
});

describe("a header", () => {
  const header = { conversationId: "chat", createdAt: "2026-01-14T21:30:00.000Z", base: 7 };
  test("comes back as it was, with its session or without", () => {
    for (const written of [header, { ...header, session: "x9f2" }])
      expect(decoded(encodeHeader(written))).toEqual({ kind: "header", header: written });
  });

  test("is read whatever other fields it has: a name that is none names nobody", () => {
    expect(decoded(encodeHeader({ ...header, session: "../x", theirs: { a: 1 } } as never))).toEqual({
      kind: "header",
      header,
    });
  });
});

test("the lines in docs/format.md are what is written, byte for byte", () => {
  const text = readFileSync(new URL("../../docs/format.md", import.meta.url), "utf8");
  const lines = text
    .split("\n")
    .filter((line) => line.startsWith('{"crc"'))
    // Lines of a thread's log are shown by their shape.
    .filter((line) => !line.startsWith('{"crc":"…"'));
  expect(lines.length).toBeGreaterThan(3);
  for (const line of lines) {
    const read = decodeLine(Buffer.from(line));
    expect(
      read.kind === "header" ? encodeHeader(read.header) : read.kind === "record" ? encodeRecord(read.record) : read,
    ).toBe(`${line}\n`);
  }
});
