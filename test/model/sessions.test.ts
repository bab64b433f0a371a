/** Marks tell which history a file holds: by session and revision, never by a session's name alone. */
import { describe, expect, test } from "vitest";
import { metadataOf } from "../../src/model/conversation.js";
import { holdsMark, isSessionName, lastMark, MAX_MARKS, withMark, type SessionMark } from "../../src/model/sessions.js";
import { CREATED_AT, versionAt } from "../doubles/snapshots.js";

const MARKS: readonly SessionMark[] = [
  { session: "a", revision: 3 },
  { session: "b", revision: 8 },
];
const MANY = Array.from({ length: 40 }, (_, index): SessionMark => ({ session: `s${index}`, revision: index + 1 }));

describe("marks", () => {
  test("name the last writer last, once", () => {
    expect(withMark(MARKS, { session: "c", revision: 9 })).toEqual([...MARKS, { session: "c", revision: 9 }]);
    expect(withMark(MARKS, { session: "b", revision: 9 })).toEqual([MARKS[0], { session: "b", revision: 9 }]);
  });

  test("hold what a session had written by an earlier revision, not what it wrote later", () => {
    expect([2, 3, 4].map((revision) => holdsMark(MARKS, { session: "a", revision }))).toEqual([true, true, false]);
    expect(holdsMark(MARKS, { session: "c", revision: 1 })).toBe(false);
  });

  test("tell nothing of the last writer where the file has a later revision than they", () => {
    expect([lastMark(MARKS, 8), lastMark(MARKS, 9), lastMark([], 0)]).toEqual([MARKS[1], undefined, undefined]);
  });

  test("are bounded: the oldest go first, also on their way into a file", () => {
    const marks = MANY.reduce<readonly SessionMark[]>(withMark, []);
    expect(marks).toEqual(MANY.slice(-MAX_MARKS));
    expect(metadataOf(versionAt(40), "chat", CREATED_AT, MANY).sessions).toEqual(MANY.slice(-MAX_MARKS));
  });

  test("name sessions that a file can carry: any other is refused before it is written", () => {
    expect(["x9f2", "A".repeat(64), "", "A".repeat(65), "a b", "é", 7].map(isSessionName)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
    expect(() => withMark([], { session: "a b", revision: 1 })).toThrow(RangeError);
  });

  test("are left out of _metadata where there are none", () => {
    expect(metadataOf(versionAt(1), "chat", CREATED_AT)).not.toHaveProperty("sessions");
  });
});
