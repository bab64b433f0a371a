/** Times as typed: ages and dates mean what a person means by them, and what is neither is refused. */
import { describe, expect, test } from "vitest";
import { dateOf, parseWhen } from "../../../src/cli/arguments/parse.js";
import { isDraftstateError } from "../../../src/errors.js";

const NOW = new Date("2026-11-24T12:00:00.000Z");

function meant(text: string): string {
  return dateOf(parseWhen("--since")(text), NOW).toISOString();
}

describe("a time", () => {
  test("may be an age", () => {
    expect([meant("2h"), meant("7d")]).toEqual(["2026-11-24T10:00:00.000Z", "2026-11-17T12:00:00.000Z"]);
    expect(meant("999999y")).toBe("1970-01-01T00:00:00.000Z");
  });

  test("may be a date or a date with its time, local where no zone is said", () => {
    expect(meant("2026-11-01")).toBe(new Date(2026, 10, 1).toISOString());
    expect(meant("2026-07-01T14:30")).toBe(new Date(2026, 6, 1, 14, 30).toISOString());
    expect(meant("2026-07-01 14:30:15")).toBe(new Date(2026, 6, 1, 14, 30, 15).toISOString());
  });

  test("keeps to the zone that is said", () => {
    const expected = "2026-11-01T14:30:00.000Z";
    for (const text of [
      "2026-11-01T14:30Z",
      "2026-11-01T14:30:00.000Z",
      "2026-11-01t16:30+02:00",
      "2026-11-01 16:30+0200",
    ])
      expect(meant(text)).toBe(expected);
  });

  test.for([
    "",
    "soon",
    "2026",
    "2026-11",
    "2026-13-01",
    "2026-02-30",
    "2026-11-01T25:00",
    "2026-11-01Z",
    "7",
    "-7d",
    "1.5h",
  ])("is not %j", (text) => {
    const refused = (): unknown => {
      try {
        return parseWhen("--since")(text);
      } catch (error) {
        return error;
      }
    };
    expect(isDraftstateError(refused(), "USAGE")).toBe(true);
  });
});
