/** How a chat begins: where the prompt comes from, which conversation it goes to, and what is kept of it. */
import { describe, expect } from "vitest";
import { test, TIMEOUT } from "../../world.js";

const PROMPT = "Tell me a story";

describe.concurrent("a prompt", TIMEOUT, () => {
  test("may come from stdin alone", async ({ workspace }) => {
    await workspace.run(["chat", "--id", "tale"], { stdin: `${PROMPT}\n` });
    expect((await workspace.show("tale")).messages[0]).toMatchObject({ role: "user", content: PROMPT });
  });

  test("may come from both: stdin as context before the argument, which gives the title", async ({ workspace }) => {
    await workspace.run(["chat", "Review", "this", "--id", "tale"], { stdin: "a diff\n" });
    const shown = await workspace.show("tale");
    expect([shown.messages[0]?.content, shown._metadata.title]).toEqual(["a diff\n\nReview this", "Review this"]);
  });

  test("from stdin that is no text is asked, and one line says what became of it", async ({ workspace }) => {
    const { status, stderr } = await workspace.run(["chat", "Review", "--id", "tale", "--quiet"], { stdin: "a\0b" });
    expect([status, stderr]).toEqual([
      0,
      "warning: stdin is not text: 1 NUL character is in it; to use it, convert it first, for example with iconv\n",
    ]);
    expect((await workspace.show("tale")).messages[0]?.content).toBe("a\0b\n\nReview");
  });

  test("that is missing, stdin being empty, is wrong usage and leaves nothing behind", async ({ workspace }) => {
    const result = await workspace.run(["chat", "--id", "tale"]);
    expect([result.status, result.stdout, (await workspace.files()).size]).toEqual([2, "", 0]);
  });

  test("of white space only is wrong usage", async ({ workspace }) => {
    expect((await workspace.run(["chat", "  "], { stdin: " \n\t\n" })).status).toBe(2);
  });

  test("as argument is answered although the parent leaves stdin open without a word", async ({ workspace }) => {
    const result = await workspace.run(["chat", PROMPT, "--id", "tale"], { stdin: "open" });
    expect([result.status, (await workspace.show("tale")).messages[0]?.content]).toEqual([0, PROMPT]);
  });

  test("to a complete conversation must be given: resuming without one is wrong usage", async ({ workspace }) => {
    await workspace.run(["chat", PROMPT, "--id", "tale"]);
    expect((await workspace.run(["chat", "--resume", "tale"])).status).toBe(2);
  });
});

describe.concurrent("a conversation", TIMEOUT, () => {
  test("is begun under the id that was asked for, and never again under one that is taken", async ({ workspace }) => {
    expect((await workspace.run(["chat", PROMPT, "--id", "tale"])).status).toBe(0);
    const before = await workspace.read("state/tale.json");
    const again = await workspace.run(["chat", PROMPT, "--id", "tale"]);
    expect([again.status, again.stdout, again.stderr, await workspace.read("state/tale.json")]).toEqual([
      2,
      "",
      expect.stringMatching(/^error: .*--resume.*\n$/),
      before,
    ]);
  });

  for (const id of ["../escape", "", "con", "a/b", ".hidden"]) {
    test(`is not begun under the id ${JSON.stringify(id)}`, async ({ workspace }) => {
      const result = await workspace.run(["chat", PROMPT, "--id", id]);
      expect([result.status, (await workspace.files()).size]).toEqual([2, 0]);
    });
  }

  test("is resumed with -c where it was the last", async ({ workspace }) => {
    await workspace.run(["chat", "one", "--id", "first"]);
    await workspace.run(["chat", "two", "--id", "second"]);
    await workspace.run(["chat", "-c", "three"]);
    expect([(await workspace.row("first"))?.messageCount, (await workspace.row("second"))?.messageCount]).toEqual([
      2, 4,
    ]);
  });

  test("is resumed by a unique prefix of its id", async ({ workspace }) => {
    await workspace.run(["chat", "one", "--id", "lighthouse"]);
    expect((await workspace.run(["chat", "two", "--resume", "light"])).status).toBe(0);
    expect((await workspace.row("lighthouse"))?.messageCount).toBe(4);
  });

  test("is not guessed from a prefix of two", async ({ workspace }) => {
    const state = { messages: [], _metadata: { savedAt: "2026-01-14T21:30:00.000Z", version: "1.0.0-draft" } };
    for (const id of ["tale-1", "tale-2"])
      await workspace.write(
        `state/${id}.json`,
        JSON.stringify({ ...state, _metadata: { ...state._metadata, conversationId: id } }),
      );
    expect((await workspace.run(["chat", "two", "--resume", "tale"])).status).toBe(2);
  });

  test("is forked as it is, or as it was, and stays itself", async ({ workspace }) => {
    await workspace.run(["chat", "one", "--id", "tale"]);
    await workspace.run(["chat", "two", "--resume", "tale"]);
    const before = await workspace.read("state/tale.json");
    expect((await workspace.run(["chat", "three", "--fork", "tale", "--id", "copy"])).status).toBe(0);
    expect((await workspace.run(["chat", "other", "--fork", "tale@~1", "--id", "branch"])).status).toBe(0);
    const asked = async (id: string): Promise<unknown[]> =>
      (await workspace.show(id)).messages.filter(({ role }) => role === "user").map(({ content }) => content);
    expect([await asked("copy"), await asked("branch")]).toEqual([
      ["one", "two", "three"],
      ["one", "other"],
    ]);
    expect(await workspace.read("state/tale.json")).toBe(before);
  });

  test("cannot be forked and resumed at once", async ({ workspace }) => {
    expect((await workspace.run(["chat", "Hi", "--resume", "a", "--fork", "b"])).status).toBe(2);
  });

  test("leaves nothing on disk with --no-save", async ({ workspace }) => {
    const result = await workspace.run(["chat", PROMPT, "--no-save"]);
    expect([result.status, result.stdout.length > 100, (await workspace.files()).size]).toEqual([0, true, 0]);
  });

  test("is complete on disk with --no-save-on-token too", async ({ workspace }) => {
    const result = await workspace.run(["chat", PROMPT, "--id", "tale", "--no-save-on-token"]);
    const answer = (await workspace.show("tale")).messages.at(-1);
    expect([result.status, `${String(answer?.content)}\n`, answer?.status]).toEqual([0, result.stdout, "complete"]);
  });

  test("is the same story for the same seed, without a network", async ({ workspace }) => {
    const tell = async (seed: string): Promise<string> =>
      (await workspace.run(["chat", PROMPT, "--no-save", "--seed", seed])).stdout;
    const [first, same, other] = [await tell("7"), await tell("7"), await tell("8")];
    expect([same === first, other === first]).toEqual([true, false]);
  });
});
