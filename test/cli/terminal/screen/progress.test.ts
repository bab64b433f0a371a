/** Progress shows after a moment, on a terminal that can, and leaves nothing behind. */
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { Output } from "../../../../src/cli/output.js";
import { startProgress } from "../../../../src/cli/terminal/screen/progress.js";

function terminal(
  isTTY: boolean,
  env: Readonly<Record<string, string>> = {},
): { readonly output: Output; readonly written: string[] } {
  const written: string[] = [];
  const stream = Object.assign(
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        written.push(chunk.toString());
        done();
      },
    }),
    { isTTY },
  );
  return { written, output: new Output({ stdout: stream, stderr: stream, env: { NO_COLOR: "1", ...env } }) };
}

test("a long work says how far it is, and the line is gone at its end", () => {
  const { output, written } = terminal(true);
  let now = 0;
  const progress = startProgress(output, "checking", () => now);
  progress.update(1, 10_000);
  now = 1000;
  progress.update(2500, 10_000);
  progress.update(2501, 10_000);
  progress.end();
  expect(written).toEqual(["\r\u001b[Kchecking 2,500 of 10,000 (25 %)", "\r\u001b[K"]);
});

test("nothing is said of a short work, in a pipe, on a dumb terminal, or with --quiet", () => {
  for (const { output, written } of [terminal(false), terminal(true, { TERM: "dumb" })]) {
    let now = 0;
    const progress = startProgress(output, "checking", () => (now += 1000));
    progress.update(1, 2);
    progress.end();
    expect(written).toEqual([]);
  }
  const short = terminal(true);
  const progress = startProgress(short.output, "checking", () => 0);
  progress.update(1, 2);
  progress.end();
  expect(short.written).toEqual([]);
});
