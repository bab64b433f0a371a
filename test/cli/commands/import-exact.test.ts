/** What parsing JSON would change without a word is refused, with its place, whatever the format of the file. */
import { describe, expect } from "vitest";
import type { Workspace } from "../../e2e/cli.js";
import { test, TIMEOUT } from "../world.js";

const AT = '"2026-01-14T21:30:00.000Z"';

async function errorOf(workspace: Workspace, text: string): Promise<[number | null, unknown]> {
  const { status, stdout } = await workspace.run(["import", "-", "--id", "tale", "--json"], { stdin: text });
  return [status, (JSON.parse(stdout) as { error?: { path?: string } }).error?.path];
}

const chatGpt = (extra: string): string =>
  `[{"title":"t","create_time":1,"current_node":"a","mapping":{"a":{"id":"a","message":{"id":"a","author":{"role":"user"},"content":{"content_type":"text","parts":["hi"]},${extra}},"parent":null,"children":[]}}}]`;

describe.concurrent("an import", TIMEOUT, () => {
  const lossy = {
    "a key that is there twice": ['[{"role":"user","content":"a","content":"b"}]', "[0].content"],
    "a key that is there twice, once with an escape": [
      '[{"role":"user","content":"a","c\\u006fntent":"b"}]',
      "[0].content",
    ],
    "an integer that no double holds": [
      '[{"role":"user","content":"a","n":{"m":[1, 12345678901234567890]}}]',
      "[0].n.m[1]",
    ],
    "a negative one": ['[{"role":"user","content":"a","n":-9007199254740993}]', "[0].n"],
    "such an integer in an export of ChatGPT's": [
      chatGpt('"metadata":{"n":9007199254740993}'),
      "[0].mapping.a.message.metadata.n",
    ],
    "such a key in an export of ChatGPT's": [chatGpt('"weight":1,"weight":2'), "[0].mapping.a.message.weight"],
    "such a key in a log of llm's": [
      `[{"id":"x","conversation_id":"c","model":"m","prompt":"p","response":"r","response":"s","datetime_utc":${AT}}]`,
      "[0].response",
    ],
    "such a key in one of our files": ['{"messages":[],"a":1,"a":2,"_metadata":{"version":"1.0.0"}}', "a"],
  } as const;
  for (const [name, [text, path]] of Object.entries(lossy)) {
    test(`refuses ${name}, with its path, exit 4`, async ({ workspace }) => {
      expect(await errorOf(workspace, text)).toEqual([4, `-: ${path}`]);
    });
  }

  test("names such a key on a line with its path, exit 4, and takes the other lines", async ({ workspace }) => {
    const text = '{"role":"user","content":"a"}\n{"role":"user","content":"a","content":"b"}\n';
    const { status, stdout } = await workspace.run(["import", "-", "--id", "tale", "--json"], { stdin: text });
    expect([status, JSON.parse(stdout)]).toMatchObject([
      4,
      { imported: [{ conversationId: "tale", messageCount: 1 }], problems: [{ place: "line 2: content" }] },
    ]);
  });

  test("takes numbers that come back, and long digits in texts and fractions", async ({ workspace }) => {
    const numbers =
      "[0.1,1e3,1.0,9007199254740992,-9007199254740991,92578439081268260,1000000000000000000000,3.14159265358979323846,1700000000.1234567]";
    expect(
      await errorOf(
        workspace,
        `[{"role":"user","content":"12345678901234567890 \\\\\\" {\\"a\\":1,\\"a\\":2}","n":${numbers}}]`,
      ),
    ).toEqual([0, undefined]);
  });
});
