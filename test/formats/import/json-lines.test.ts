/** Lines as programs and power cuts leave them: what is whole is read, the rest is named, and no byte of it is repeated. */
import { describe, expect, test } from "vitest";
import { readJsonLines } from "../../../src/formats/import/text/json-lines.js";

const RECORD = '{"type":"user","uuid":"u1","text":"a \\"quoted\\" {brace"}';
const OTHER = '{"type":"user","uuid":"u2"}';

function read(...lines: readonly string[]) {
  const { lines: records, faults } = readJsonLines(Buffer.from(lines.join("\n")));
  return {
    uuids: records.map(({ value }) => (value as { uuid?: string }).uuid),
    numbers: records.map(({ number }) => number),
    faults,
  };
}

describe("lines of JSON", () => {
  test("two or three records on a line, the newline lost, are read as what they are", () => {
    expect(read(RECORD + OTHER, RECORD + " " + OTHER + RECORD)).toEqual({
      uuids: ["u1", "u2", "u1", "u2", "u1"],
      numbers: [1, 1, 2, 2, 2],
      faults: [],
    });
  });

  test.for([
    ["behind the last line", [RECORD, "\0".repeat(300)], ["u1"], 2],
    ["before a record", ["\0".repeat(300) + RECORD], ["u1"], 1],
    ["behind a record", [RECORD + "\0".repeat(300), OTHER], ["u1", "u2"], 1],
    ["between two records", [RECORD + "\0".repeat(300) + OTHER], ["u1", "u2"], 1],
  ] as const)("NUL bytes %s are named, and not printed", ([, lines, uuids, line]) => {
    const found = read(...lines);
    expect(found.uuids).toEqual(uuids);
    expect(found.faults).toMatchObject([{ place: `line ${line}` }]);
    expect(found.faults[0]?.found).toContain("300 NUL bytes");
    expect(JSON.stringify(found.faults)).not.toMatch(/\\u0000/);
  });

  test("a last line that was cut off is named as such, anywhere it was cut", () => {
    for (let length = 1; length < OTHER.length; length += 1) {
      const found = read(RECORD, OTHER.slice(0, length));
      expect(found.uuids).toEqual(["u1"]);
      expect(found.faults).toEqual([{ place: "line 2", found: "was cut off: the file ends in the middle of it" }]);
    }
  });

  test("a record that was cut off, and the next right behind it: the next is read", () => {
    for (const length of [3, 12, 30, 40]) {
      const found = read(RECORD.slice(0, length) + OTHER, RECORD);
      expect(found.uuids).toEqual(["u2", "u1"]);
      expect(found.faults).toMatchObject([{ place: "line 1" }]);
    }
  });

  test("bytes that are not UTF-8, keys that are twice and integers too long are faults of their line", () => {
    const bytes = Buffer.concat([
      Buffer.from(`${RECORD}\n`),
      Buffer.from([0x22, 0xff, 0x22, 0x0a]),
      Buffer.from('{"a":1,"a":2}\n{"a":12345678901234567890}\n'),
      Buffer.from(OTHER),
    ]);
    const { lines, faults } = readJsonLines(bytes);
    expect(lines.map(({ number }) => number)).toEqual([1, 5]);
    expect(faults.map(({ place }) => place.slice(0, 6))).toEqual(["line 2", "line 3", "line 4"]);
  });

  test("a message repeats nothing of the line", () => {
    const { faults } = readJsonLines(Buffer.from('{"type": \u001b]0;owned\u0007\n{"type":"a"}'));
    expect(JSON.stringify(faults)).not.toContain("owned");
  });
});
