/** Text that does not fit the terminal goes to the pager; what fits, and all where there is none, is printed. */
import { expect, test } from "vitest";
import { printPaged } from "../../../../src/cli/terminal/screen/pager.js";
import type { ProcessControl } from "../../../../src/cli/io.js";

const control = { on: () => undefined, off: () => undefined } as unknown as ProcessControl;

async function printed(text: string, env: Readonly<Record<string, string>>): Promise<string[]> {
  const lines: string[] = [];
  await printPaged(text, {
    output: { width: 20, height: 5, line: (line) => void lines.push(line) },
    io: { env, control },
  });
  return lines;
}

const LONG = "a row\n".repeat(9);
const TAKES_ALL = { PAGER: "cat > /dev/null" };

test.runIf(process.platform !== "win32").for([
  ["what fits", "a row", TAKES_ALL, ["a row"]],
  ["rows that do not fit", LONG, TAKES_ALL, []],
  ["one line that wraps past the end", "word ".repeat(30), TAKES_ALL, []],
  ["with a pager that is not there", LONG, { PAGER: "no-such-pager-anywhere 2> /dev/null" }, [LONG]],
  ["without a pager", LONG, { PAGER: "" }, [LONG]],
] as const)("%s", async ([, text, env, expected]) => {
  expect(await printed(text, { PATH: process.env["PATH"] ?? "", ...env })).toEqual(expected);
});
