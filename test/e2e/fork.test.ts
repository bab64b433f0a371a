/** fork: a copy under a new id, ready to go on with. */
import { describe, expect } from "vitest";
import { errorOf } from "./cli.js";
import { conversationFiles } from "./conversation-files.js";
import { test, TIMEOUT } from "../cli/world.js";

describe("fork", TIMEOUT, () => {
  test("prints the new id alone on stdout, and how to resume; chat resumes it", async ({ workspace }) => {
    await workspace.run(["chat", "Tell me", "--id", "tale"]);
    const { status, stdout, stderr } = await workspace.run(["fork", "tale"]);
    const id = stdout.trim();
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^draft_chat_\d+\n$/)]);
    expect(stderr).toBe(`resume it with: draftstate chat --resume ${id}\n`);
    await workspace.run(["chat", "And then?", "--resume", id]);
    expect([(await workspace.show(id)).messages.length, (await workspace.show("tale")).messages.length]).toEqual([
      4, 2,
    ]);
  });

  test("takes ids, prefixes and @last, and a backup behind an @ or by --backup", async ({ workspace }) => {
    await workspace.run(["chat", "Turn 1", "--id", "tale"]);
    await workspace.run(["chat", "Turn 2", "-c"]);
    const first = (await workspace.backups("tale"))[1]?.timestamp;
    const forks = [
      ["@last", "a"],
      ["ta", "--id", "b"],
      ["tale@~1", "c"],
      ["a@latest", "d"],
      ["tale", "e", "--backup", "~1"],
    ];
    const made = [];
    for (const args of forks) made.push(await workspace.json(["fork", ...args]));
    const of = (conversationId: string, forkedFrom: string, backup: unknown): object => ({
      conversationId,
      forkedFrom,
      backup,
      revision: expect.any(Number) as unknown,
    });
    expect(made).toEqual([
      of("a", "tale", null),
      of("b", "tale", null),
      of("c", "tale", first),
      of("d", "a", expect.any(String)),
      of("e", "tale", first),
    ]);
    expect(
      (await workspace.ls()).map(({ conversationId, messageCount }) => `${conversationId} ${messageCount}`).sort(),
    ).toEqual(["a 4", "b 4", "c 2", "d 4", "e 2", "tale 4"]);
  });

  test("is refused, and leaves nothing, where it cannot be", async ({ workspace }) => {
    await workspace.run(["chat", "Tell me", "--id", "tale"]);
    const before = await conversationFiles(workspace);
    const refused: [string[], number, string][] = [
      [["nobody"], 3, "NOT_FOUND"],
      [["tale@~9"], 3, "NOT_FOUND"],
      [["tale", "tale"], 2, "INVALID_ID"],
      [["tale", "TALE"], 2, "INVALID_ID"],
      [["tale", "a/b"], 2, "INVALID_ID"],
      [["tale@~1", "--backup", "~1"], 2, "USAGE"],
      [["tale", "a", "--id", "b"], 2, "USAGE"],
      [["tale@"], 2, "USAGE"],
      [[], 2, "USAGE"],
    ];
    for (const [args, status, code] of refused) {
      const result = await workspace.run(["fork", ...args, "--json"]);
      expect([args, result.status, errorOf(result).code]).toEqual([args, status, code]);
    }
    expect(await conversationFiles(workspace)).toEqual(before);
  });

  test("of a damaged one without a valid file exits with 4", async ({ workspace }) => {
    await workspace.write("state/tale.json", "{ torn");
    expect((await workspace.run(["fork", "tale"])).status).toBe(4);
  });

  test("of an answer that another process tells is interrupted, and leaves that process alone", async ({
    workspace,
  }) => {
    const teller = workspace.start(["chat", "A long one", "--id", "tale", "--json"], {
      env: { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "400" },
    });
    await teller.printed("saved", 3);
    await workspace.json(["fork", "tale", "idea"]);
    expect((await workspace.row("idea"))?.status).toBe("interrupted");
    expect((await workspace.row("tale"))?.status).toBe("streaming");
    expect((await teller.end("SIGINT")).status).toBe(130);
    expect((await workspace.row("tale"))?.status).toBe("interrupted");
  });
});
