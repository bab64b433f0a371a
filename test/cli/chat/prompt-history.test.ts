/** What was said, kept over runs: bounded, shared by two terminals, and never in the way. */
import { describe, expect, test } from "vitest";
import { PromptHistory } from "../../../src/cli/chat/prompt-history.js";
import { MemoryStorage } from "../../../src/storage/memory.js";

const KEY = { area: "history", name: "prompts.jsonl" } as const;

function memory(): MemoryStorage {
  return new MemoryStorage({ now: () => new Date(0), command: "test" });
}

describe("the history of prompts", () => {
  test("is there in the next run, lines kept together, the newest last, each once", async () => {
    const storage = memory();
    const history = await PromptHistory.load(storage);
    for (const text of ["one", "two\nlines", "one"]) await history.add(text);
    expect((await PromptHistory.load(storage)).entries).toEqual(["two\nlines", "one"]);
  });

  test("of two terminals at once holds what both said", async () => {
    const storage = memory();
    const [first, second] = [await PromptHistory.load(storage), await PromptHistory.load(storage)];
    await first.add("one");
    await second.add("two");
    expect((await PromptHistory.load(storage)).entries).toEqual(["one", "two"]);
  });

  test("leaves out what begins with a space, and what is very long", async () => {
    const history = await PromptHistory.load(memory());
    for (const text of [" secret", "x".repeat(20_000), "  "]) await history.add(text);
    expect(history.entries).toEqual([]);
  });

  test("that is damaged is what can be read of it", async () => {
    const storage = memory();
    await storage.replace(KEY, Buffer.from('"one"\n{torn\n12\n"two"\n'));
    expect((await PromptHistory.load(storage)).entries).toEqual(["one", "two"]);
  });

  test("is bounded", async () => {
    const storage = memory();
    await storage.replace(KEY, Buffer.from(Array.from({ length: 3000 }, (_, index) => `"${index}"\n`).join("")));
    const history = await PromptHistory.load(storage);
    await history.add("new");
    expect((await PromptHistory.load(storage)).entries).toHaveLength(1000);
  });
});
