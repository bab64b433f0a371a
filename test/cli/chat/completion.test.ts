/** What Tab inserts, and which name a wrong one is taken for. */
import { describe, expect, test } from "vitest";
import { completionsOf, nameMeantBy } from "../../../src/cli/chat/completion.js";

const NAMES = ["/help", "/retry", "/restore", "/exit"];
const complete = (before: string) => completionsOf(before, () => NAMES);

describe("Tab", () => {
  test("inserts what is sure, and shows what is not", () => {
    expect(complete("/h")).toEqual({ from: 0, insert: "/help ", choices: [] });
    expect(complete("/r")).toEqual({ from: 0, insert: "/re", choices: ["/retry", "/restore"] });
    expect(complete("/x")).toEqual({ from: 0, insert: undefined, choices: [] });
  });

  test("completes nothing in a message", () => {
    expect(complete("he").insert).toBeUndefined();
  });
});

describe("a wrong name", () => {
  test("is taken for one that is near, and for none that is not", () => {
    expect(
      ["hlep", "retyr", "resto", "banana", ""].map((name) => nameMeantBy(name, ["help", "retry", "restore", "exit"])),
    ).toEqual(["help", "retry", "restore", undefined, undefined]);
  });
});
