import { expect, test } from "vitest";
import { chosen, lettersOf } from "../../../src/cli/chat/choices.js";

const CALL = { yes: "run", no: "refuse", always: "always", view: "view", stop: "stop" };

test.each([
  ["y", "run"],
  ["Yes", "run"],
  [" a ", "always"],
  ["STOP", "stop"],
])("%j is an answer", (typed, expected) => {
  expect(chosen(CALL, typed)).toBe(expected);
});

test.each([
  "",
  "yikes, no, do not run that",
  "are you sure about this?",
  "acall files",
  "ye",
  "yes please",
  "constructor",
])("%j decides nothing", (typed) => {
  expect(chosen(CALL, typed)).toBeUndefined();
});

test("the letters are those of the words", () => {
  expect(lettersOf(CALL)).toBe("y, n, a, v, s");
});
