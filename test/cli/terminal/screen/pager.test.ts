/** Text that does not fit the terminal goes to the pager; what fits, and all where there is none, is printed. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test.runIf(process.platform !== "win32")("a pager gets the environment, but for what opens the store", async () => {
  const directory = await mkdtemp(join(tmpdir(), "draftstate-pager-"));
  const seen = join(directory, "seen");
  await printed(LONG, {
    PATH: process.env["PATH"] ?? "",
    PAGER: `env > '${seen}'; cat > /dev/null`,
    KEPT: "kept",
    PGPASSWORD: "s3cret",
    DRAFTSTATE_STORE: "postgresql://agent:s3cret@db/agents",
  });
  const environment = await readFile(seen, "utf8");
  expect(environment).toMatch(/^KEPT=kept$/m);
  expect(environment).not.toContain("s3cret");
  await rm(directory, { recursive: true });
});
