/** Lines that carry their own proof, for any payload: framing knows nothing of conversations. */
import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeLine, encodeLine, scanLog, type PayloadCodec } from "../../src/journal/framing.js";
import type { Json, JsonObject } from "../../src/model/json.js";
import { anyJson } from "../doubles/json-values.js";

/** A log of numbered values, as another kind of log would have it. */
interface Entry {
  readonly n: number;
  readonly value: Json;
}

const CODEC: PayloadCodec<Entry> = {
  decode({ n, value = null }: JsonObject) {
    if (n === "later") return { kind: "newer", detail: "of later" };
    if (typeof n !== "number") throw new TypeError("it has no number");
    return { kind: "ok", value: { n, value } };
  },
  misplaced: (entry, before) => (entry.n === (before?.n ?? 0) + 1 ? undefined : `${entry.n} follows ${before?.n ?? 0}`),
};

function logOf(values: readonly Json[]): Buffer {
  return Buffer.from(values.map((value, index) => encodeLine({ n: index + 1, value })).join(""));
}

describe("a log of any payload", () => {
  test("comes back as it was written", () => {
    fc.assert(
      fc.property(fc.array(anyJson), (values) => {
        const bytes = logOf(values);
        expect(scanLog(bytes, CODEC)).toEqual({
          values: values.map((value, index) => ({ n: index + 1, value })),
          behind: [],
          validBytes: bytes.length,
          tail: { kind: "clean" },
        });
      }),
    );
  });

  test("cut or changed anywhere gives a beginning of what was written, and never counts beyond its end", () => {
    const damage = fc.record({
      values: fc.array(anyJson, { minLength: 1, maxLength: 6 }),
      cut: fc.nat(),
      at: fc.nat(),
      mask: fc.integer({ min: 0, max: 255 }),
    });
    fc.assert(
      fc.property(damage, ({ values, cut, at, mask }) => {
        const whole = logOf(values);
        const bytes = Buffer.from(whole.subarray(0, 1 + (cut % whole.length)));
        bytes.writeUInt8(bytes.readUInt8(at % bytes.length) ^ mask, at % bytes.length);
        const { values: read, validBytes, newer } = scanLog(bytes, CODEC);
        expect([read.map(({ value }) => value), newer]).toEqual([values.slice(0, read.length), undefined]);
        expect(bytes.subarray(0, validBytes).equals(whole.subarray(0, validBytes))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("keeps apart what stands behind a line that cannot be believed", () => {
    const [one, two, three] = [1, 2, 3].map((n) => encodeLine({ n, value: null }));
    expect(scanLog(Buffer.from(`${one}${three}${two}`), CODEC)).toMatchObject({
      values: [{ n: 1 }],
      behind: [{ n: 2 }],
      tail: { kind: "damaged", detail: "3 follows 1", goodRecordsBehind: 1 },
    });
  });

  test("believes a codec that something is newer, and takes what it throws for damage", () => {
    const [later, wrong] = [Buffer.from(encodeLine({ n: "later" })), Buffer.from(encodeLine({ value: 1 }))];
    expect([scanLog(later, CODEC).newer, scanLog(wrong, CODEC).tail]).toEqual([
      { detail: "of later" },
      { kind: "torn", bytes: wrong.length, detail: "it has no number" },
    ]);
  });

  test("needs no rule of what follows what", () => {
    const { decode } = CODEC;
    expect(scanLog(Buffer.from(encodeLine({ n: 7 })), { decode }).values).toEqual([{ n: 7, value: null }]);
  });

  test("is read from within a larger buffer, and from an empty one", () => {
    const bytes = logOf([1, 2]);
    const large = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("behind")]);
    expect(scanLog(new Uint8Array(large.buffer, large.byteOffset + 6, bytes.length), CODEC).values).toHaveLength(2);
    expect(scanLog(new Uint8Array(), CODEC)).toEqual({
      values: [],
      behind: [],
      validBytes: 0,
      tail: { kind: "clean" },
    });
  });
});

test("a line that is longer or shorter than it says is bad, also where its checksum is right", () => {
  const lines = [6, 7, 8]
    .map((len) => `"len":${len},"n":1}`)
    .map((body) => `{"crc":"${crc32(body).toString(16).padStart(8, "0")}",${body}`);
  expect(lines.map((line) => decodeLine(Buffer.from(line), CODEC).kind)).toEqual(["ok", "bad", "bad"]);
});
