/** rename: a new title, of one word or many, whatever is in it. */
import { describe, expect } from "vitest";
import { conversationFiles } from "./conversation-files.js";
import { test, TIMEOUT } from "../cli/world.js";

const HOSTILE = "\u001b[2J\u001b]0;owned\u0007 red\u202e whale\r\nnext";

describe("rename", TIMEOUT, () => {
  test("takes all words, says the new title on stderr, and gives it with --json", async ({ workspace }) => {
    await workspace.run(["chat", "Tell me", "--id", "tale"]);
    const { status, stdout, stderr } = await workspace.run(["rename", "tale", "The", "whale,", "again"]);
    expect([status, stdout, stderr]).toEqual([
      0,
      "",
      "tale is now called: The whale, again\nundo it with: draftstate undo tale\n",
    ]);
    const { revision } = (await workspace.show("tale"))._metadata;
    expect(await workspace.json(["rename", "@last", "Another"])).toEqual({
      conversationId: "tale",
      title: "Another",
      revision: revision + 1,
    });
    expect((await workspace.show("ta"))._metadata.title).toBe("Another");
  });

  test("a title cannot drive the terminal, wherever it is shown", async ({ workspace }) => {
    await workspace.run(["chat", "Tell me", "--id", "tale"]);
    const shown = [
      await workspace.run(["rename", "tale", HOSTILE]),
      await workspace.run(["ls"]),
      await workspace.run(["show", "tale"]),
      await workspace.run(["undo", "--list"]),
    ];
    for (const { stdout, stderr } of shown)
      expect(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/.test(stdout + stderr)).toBe(false);
    expect((await workspace.show("tale"))._metadata.title).toContain("whale next");
  });

  test("is refused, and changes nothing, where it cannot be", async ({ workspace }) => {
    await workspace.run(["chat", "Tell me", "--id", "tale"]);
    await workspace.write("state/broken.json", "{ torn");
    const before = await conversationFiles(workspace);
    const refused: [string[], number][] = [
      [["nobody", "x"], 3],
      [["tale"], 2],
      [["tale", " "], 2],
      [["tale", "x".repeat(3000)], 2],
      [["broken", "x"], 4],
    ];
    for (const [args, status] of refused)
      expect([args, (await workspace.run(["rename", ...args])).status]).toEqual([args, status]);
    expect(await conversationFiles(workspace)).toEqual(before);
  });

  test("one that another process writes is locked", async ({ workspace }) => {
    const teller = workspace.start(["chat", "A long one", "--id", "tale", "--json"], {
      env: { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "400" },
    });
    await teller.printed("saved", 2);
    expect((await workspace.run(["rename", "tale", "Mine"])).status).toBe(5);
    await teller.end("SIGINT");
  });
});
