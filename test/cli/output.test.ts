/** The only door to a terminal: whatever a message, an error or a stack holds, nothing in it acts on the terminal. */
import { describe, expect } from "vitest";
import { Output } from "../../src/cli/output.js";
import type { OutputStream } from "../../src/cli/io.js";
import { toSafeStyled, toSafeText } from "../../src/cli/terminal/text/safe-text.js";
import { errorOf } from "../e2e/cli.js";
import { test } from "./world.js";

const EVIL = "\u001b]0;PWN\u0007\u001b[2J\u009b31mPWN\rPWN\b\u202e\u2066\u200e\u061c\u007f\u2028";
const ACTING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const RED = "\u001b[31mred\u001b[39m";

function written(isTTY: boolean, write: (output: Output) => void): string {
  let text = "";
  const stream = { isTTY, write: (more: string) => (text += more), on: () => undefined } as unknown as OutputStream;
  const { stdout, stderr } = { stdout: stream, stderr: stream };
  write(new Output({ stdout, stderr, env: { TERM: "xterm" } }));
  return text;
}

const WAYS: Readonly<Record<string, (output: Output, text: string) => void>> = {
  message: (output, text) => output.message(text),
  warning: (output, text) => output.warning(text),
  error: (output, text) => output.error(text),
  raw: (output, text) => output.raw(text),
  draw: (output, text) => output.draw("", text),
};

describe.each(Object.entries(WAYS))("%s", (_, way) => {
  test("lets nothing act, on a terminal or in a pipe", () => {
    for (const isTTY of [true, false]) {
      const shown = written(isTTY, (output) => way(output, EVIL)).replaceAll(/\u001b\[(?:33|31|39)m/g, "");
      expect(shown).toContain("PWN");
      expect(shown).not.toMatch(ACTING);
    }
  });
});

test("data on a terminal is safe, in a pipe it is what the command says; our own styles are let through where there are colours", () => {
  expect(written(true, (output) => output.data(EVIL))).not.toMatch(ACTING);
  expect(written(false, (output) => output.data("a\u0007"))).toBe("a\u0007");
  expect(written(true, (output) => output.data(RED))).toBe(RED);
  expect(toSafeStyled(RED, { colored: false })).toBe("\\u{1b}[31mred\\u{1b}[39m");
});

test("what nobody sees is made visible: zero-width spaces, tags, invisible operators; joiners stay", () => {
  expect(toSafeText("a\u200bb\ufeffc\u2062d")).toBe("a\\u{200b}b\\u{feff}c\\u{2062}d");
  expect(toSafeText("hi\u{e0068}\u{e0069}")).toBe("hi\\u{e0068}\\u{e0069}");
  expect(toSafeText("👩‍👩‍👧 ن‌ا")).toBe("👩‍👩‍👧 ن‌ا");
});

describe("a command with hostile arguments", () => {
  test.for([
    ["show", EVIL],
    ["import", EVIL],
    ["search", EVIL],
    ["search", "(", "--regex", EVIL],
    [EVIL],
    ["ls", `--${EVIL}`],
    ["--config", EVIL, "ls"],
    ["--state-dir", EVIL.slice(0, 20), "ls"],
    ["trust", EVIL],
  ])("%j prints nothing that acts, with a stack or without", async (args, { workspace }) => {
    for (const more of [[], ["--verbose"], ["--json"]]) {
      const { stdout, stderr } = await workspace.run([...args, ...more]);
      expect(stdout + stderr).not.toMatch(ACTING);
    }
    expect(errorOf(await workspace.run(["show", EVIL, "--json"])).code).toBeDefined();
  });
});
