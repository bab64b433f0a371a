/** What `style.ts` promises: when there is colour, and that styles can be nested. */
import { describe, expect, test } from "vitest";
import { createStyle } from "../../../../src/cli/terminal/text/style.js";

type Env = Readonly<Record<string, string>>;
const CASES: readonly (readonly [name: string, isTerminal: boolean, env: Env, colored: boolean])[] = [
  ["a terminal", true, { TERM: "xterm-256color" }, true],
  ["a pipe", false, { TERM: "xterm-256color" }, false],
  ["NO_COLOR on a terminal", true, { NO_COLOR: "1" }, false],
  ["NO_COLOR=0, which is not empty", true, { NO_COLOR: "0" }, false],
  ["an empty NO_COLOR", true, { NO_COLOR: "" }, true],
  ["a dumb terminal", true, { TERM: "dumb" }, false],
  ["FORCE_COLOR into a pipe", false, { FORCE_COLOR: "1" }, true],
  ["FORCE_COLOR against NO_COLOR and a dumb terminal", true, { FORCE_COLOR: "1", NO_COLOR: "1", TERM: "dumb" }, true],
  ["an empty FORCE_COLOR into a pipe", false, { FORCE_COLOR: "" }, false],
  ["FORCE_COLOR=0 on a terminal", true, { FORCE_COLOR: "0" }, false],
  ["FORCE_COLOR=false on a terminal", true, { FORCE_COLOR: "false" }, false],
];

test.each(CASES)("%s", (_, isTerminal, env, colored) => {
  const style = createStyle({ isTerminal, env });
  expect(style.colored).toBe(colored);
  expect(style.red("x")).toBe(colored ? "\u001b[31mx\u001b[39m" : "x");
});

describe("on a terminal", () => {
  const style = createStyle({ isTerminal: true, env: {} });

  test("an inner colour that ends gives the outer one back", () => {
    expect(style.red(`a${style.green("b")}c`)).toBe("\u001b[31ma\u001b[32mb\u001b[39m\u001b[31mc\u001b[39m");
  });

  test("dim inside bold leaves bold on", () => {
    expect(style.bold(`a${style.dim("b")}c`)).toBe("\u001b[1ma\u001b[2mb\u001b[22m\u001b[1mc\u001b[22m");
  });

  test("nothing stays nothing", () => {
    expect(style.cyan("")).toBe("");
  });
});
