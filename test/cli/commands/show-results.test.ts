/** Results of tools as `show` prints them: folded for a person, whole in a pipe, and an error once. */
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { render } from "../../../src/cli/commands/show/render.js";
import { Output } from "../../../src/cli/output.js";

const sink = (): NodeJS.WriteStream => {
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
  return Object.assign(stream, { isTTY: true, columns: 80, rows: 24 }) as unknown as NodeJS.WriteStream;
};
const output = (stream: Writable): Output => new Output({ stdout: stream, stderr: stream, env: { NO_COLOR: "1" } });

const LINES = Array.from({ length: 30 }, (_, index) => `line ${index + 1}`);
const SHOWN = {
  id: "tale",
  metadata: { title: "T", revision: 1, status: "complete" },
  state: {
    messages: [
      { id: "a", role: "assistant", content: "", toolCalls: [{ id: "c1", name: "look", args: {} }] },
      { id: "b", role: "tool", toolCallId: "c1", content: LINES.join("\n") },
      { id: "c", role: "tool", toolCallId: "c2", content: "It broke.", error: { code: "TOOL", message: "It broke." } },
    ],
  },
} as unknown as Parameters<typeof render>[0];

test("a long result is folded on a terminal, and whole with --full and in a pipe", () => {
  const folded = render(SHOWN, {}, output(sink()));
  expect(folded).toContain("line 8\n… 22 more lines: --full shows them");
  expect(folded).not.toContain("line 9");
  expect(render(SHOWN, { full: true }, output(sink()))).toContain("line 30");
  expect(render(SHOWN, {}, output(new Writable()))).toContain("line 30");
});

test("what a tool that failed told the model is printed once", () => {
  expect(render(SHOWN, {}, output(sink())).match(/It broke\./g)).toHaveLength(1);
});

test.each([
  ["fs__read", "fs/read"],
  ["my_fs__read__all", "my_fs/read__all"],
  ["read", "read"],
  ["__init", "__init"],
  ["a___b", "a___b"],
])("a call of %s is shown as %s, as in the chat", (name, path) => {
  const messages = [{ id: "a", role: "assistant", content: "", toolCalls: [{ id: "c1", name, args: {} }] }];
  expect(render({ ...SHOWN, state: { messages } }, {}, output(sink()))).toContain(`→ ${path}({})`);
});
