/** What goes wrong before any model is asked: wrong usage, wrong settings, unknown ids, damaged files; each by its exit status. */
import { describe, expect } from "vitest";
import { createDraftStatePersistenceManager } from "../../../src/create-manager.js";
import { errorOf, type Workspace } from "../../e2e/cli.js";
import { test, TIMEOUT } from "../world.js";

const AT = "2026-01-14T21:30:00.000Z";

async function draft(
  workspace: Workspace,
  id: string,
  messages: readonly object[] = [
    { role: "user", content: "Hi" },
    { role: "assistant", content: "Hello" },
  ],
): Promise<void> {
  await workspace.write(
    `state/${id}.json`,
    JSON.stringify({ messages, _metadata: { savedAt: AT, version: "1.0.0-draft", conversationId: id } }),
  );
}

describe.concurrent("wrong usage", TIMEOUT, () => {
  for (const [name, args] of Object.entries({
    "an unknown command": ["lst"],
    "an unknown option": ["ls", "--frobnicate"],
    "no command": [],
    "a missing argument": ["show"],
    "an unknown sort": ["ls", "--sort", "colour"],
    "a count that is none": ["prune", "--max", "many"],
    "an empty config path": ["ls", "--config", "missing.json"],
  })) {
    test(`(${name}) exits with 2, nothing on stdout, one line on stderr`, async ({ workspace }) => {
      const result = await workspace.run(args);
      expect([result.status, result.stdout, result.stderr.trimEnd().split("\n").length]).toEqual([2, "", 1]);
    });
  }

  for (const [name, args, code] of [
    ["an unknown command", ["lst", "--json"], "USAGE"],
    ["an unknown option", ["ls", "--json", "--frobnicate"], "USAGE"],
    ["an unknown id", ["show", "nowhere", "--json"], "NOT_FOUND"],
  ] as const) {
    test(`(${name}) is a JSON error on stdout with --json`, async ({ workspace }) => {
      const error = errorOf(await workspace.run(args));
      expect([error.code, typeof error.message, Object.keys(error).sort()]).toEqual([
        code,
        "string",
        ["code", "message", "path"],
      ]);
    });
  }

  for (const command of [
    ["show"],
    ["backups"],
    ["diff"],
    ["restore", "--yes", "--backup", "latest"],
    ["chat", "Hi", "--resume"],
  ]) {
    test(`of an unknown id with ${command[0] ?? ""} exits with 3 and makes no conversation`, async ({ workspace }) => {
      await draft(workspace, "tale");
      const result = await workspace.run([...command, "nowhere"]);
      expect([result.status, (await workspace.ls()).map(({ conversationId }) => conversationId)]).toEqual([
        3,
        ["tale"],
      ]);
    });
  }

  test("of a state directory that is named and missing exits with 3", async ({ workspace }) => {
    expect((await workspace.run(["ls", "--state-dir", "missing"])).status).toBe(3);
  });

  test("is not to list nothing where no directory was named", async ({ workspace }) => {
    expect(await workspace.ls()).toEqual([]);
  });
});

describe.concurrent("a wrong setting", TIMEOUT, () => {
  for (const [name, value] of [
    ["DRAFTSTATE_MAX_BACKUPS", "ten"],
    ["DRAFTSTATE_DURABILITY", "perhaps"],
    ["DRAFTSTATE_MAX_BACKUP", "3"],
  ] as const) {
    test(`in the environment (${name}=${value}) exits with 2 and is named`, async ({ workspace }) => {
      const result = await workspace.run(["ls"], { env: { [name]: value } });
      expect([result.status, result.stderr.includes(name)]).toEqual([2, true]);
    });
  }

  for (const [key, value] of [
    ["maxBackups", "ten"],
    ["maxBackup", 3],
  ] as const) {
    test(`in draftstate.config.json (${key}) exits with 2 and is named`, async ({ workspace }) => {
      await workspace.write("draftstate.config.json", JSON.stringify({ [key]: value }));
      const result = await workspace.run(["ls", "--json"]);
      expect([result.status, errorOf(result).code, errorOf(result).message.includes(key)]).toEqual([
        2,
        "INVALID_CONFIG",
        true,
      ]);
    });
  }

  test("in a file that is no JSON exits with 2", async ({ workspace }) => {
    await workspace.write("draftstate.config.json", "{ maxBackups: ");
    expect((await workspace.run(["ls"])).status).toBe(2);
  });
});

describe.concurrent("a state that is no chat's", TIMEOUT, () => {
  for (const [place, state] of [
    ['"messages"', { messages: 5 }],
    ["messages[0]", { messages: [null] }],
    ["messages[0]", { messages: [{ role: "wizard", content: "Hi" }] }],
    ['"streamingProperties"', { messages: [], streamingProperties: 7 }],
    ['"currentNarrative"', { messages: [], currentNarrative: {} }],
  ] as const) {
    test(`(${JSON.stringify(state)}) is refused with 4, the place named, and stays as it was`, async ({
      workspace,
    }) => {
      const manager = createDraftStatePersistenceManager({
        stateDir: workspace.path("state"),
        backupDir: workspace.path("backup"),
      });
      await manager.saveState("app", state);
      await manager.close();
      const before = await workspace.read("state/app.json");
      const { status, stdout, stderr } = await workspace.run(["chat", "--resume", "app", "Hi"]);
      expect([status, stdout, stderr.includes(place), stderr.includes("saved as")]).toEqual([4, "", true, false]);
      expect(await workspace.read("state/app.json")).toBe(before);
    });
  }
});

describe.concurrent("a damaged conversation", TIMEOUT, () => {
  async function damaged(workspace: Workspace): Promise<void> {
    await draft(workspace, "good");
    await workspace.run(["chat", "Hi", "--id", "tale"], { env: { DRAFTSTATE_MAX_BACKUPS: "0" } });
    const whole = await workspace.read("state/tale.json");
    await workspace.write("state/tale.json", whole.slice(0, whole.length / 2));
  }

  test("without a backup exits with 4 when shown or resumed, and its file stays as it is", async ({ workspace }) => {
    await damaged(workspace);
    const before = await workspace.read("state/tale.json");
    expect([
      (await workspace.run(["show", "tale"])).status,
      (await workspace.run(["chat", "--resume", "tale", "Hi"])).status,
    ]).toEqual([4, 4]);
    expect(await workspace.read("state/tale.json")).toBe(before);
  });

  test("is a row of ls that says so, beside the others, exit 0", async ({ workspace }) => {
    await damaged(workspace);
    const rows = await workspace.ls();
    expect(rows.map(({ conversationId, status }) => [conversationId, status]).sort()).toEqual([
      ["good", "complete"],
      ["tale", "corrupt"],
    ]);
    expect(rows.find(({ conversationId }) => conversationId === "tale")?.error?.code).toBe("CORRUPT");
  });

  test("with a backup is shown from it, and continues", async ({ workspace }) => {
    await workspace.run(["chat", "Hi", "--id", "tale"]);
    const whole = await workspace.show("tale");
    await workspace.write("state/tale.json", "{");
    expect((await workspace.show("tale")).messages).toEqual(whole.messages);
    expect((await workspace.run(["chat", "--resume", "tale", "And then?"])).status).toBe(0);
    expect((await workspace.row("tale"))?.messageCount).toBe(4);
  });

  test("whose text was edited by hand is shown, but not gone on with: exit 4, and verify finds it", async ({
    workspace,
  }) => {
    await workspace.run(["chat", "Hello there", "--id", "tale"]);
    await workspace.write(
      "state/tale.json",
      (await workspace.read("state/tale.json")).replaceAll("Hello there", "Hullo there"),
    );
    const [resumed, verified, shown] = [
      await workspace.run(["chat", "--resume", "tale", "Hi"]),
      await workspace.run(["verify"]),
      await workspace.run(["show", "tale"]),
    ];
    expect([resumed.status, verified.status, shown.status, shown.stdout.includes("Hullo there")]).toEqual([
      4,
      4,
      0,
      true,
    ]);
  });

  test("whose checksum was edited by hand is not gone on with: exit 4", async ({ workspace }) => {
    await workspace.run(["chat", "Hello there", "--id", "tale"]);
    const text = await workspace.read("state/tale.json");
    const edited = text.replace(/"sha256:[0-9a-f]{4}/, '"sha256:0000');
    expect(edited).not.toBe(text);
    await workspace.write("state/tale.json", edited);
    expect((await workspace.run(["chat", "--resume", "tale", "Hi"])).status).toBe(4);
  });

  test("of a newer version is refused with 4, and never written to", async ({ workspace }) => {
    const text = JSON.stringify({
      messages: [],
      _metadata: { savedAt: AT, version: "2.0.0", conversationId: "tale", revision: 1, checksum: "sha256:0" },
    });
    await workspace.write("state/tale.json", text);
    expect((await workspace.run(["chat", "--resume", "tale", "Hi"])).status).toBe(4);
    expect(await workspace.read("state/tale.json")).toBe(text);
  });
});

describe.concurrent("a file of the draft", TIMEOUT, () => {
  const serialised = (name: string, kwargs: object): object => ({
    lc: 1,
    type: "constructor",
    id: ["langchain_core", "messages", name],
    kwargs,
  });
  const FORMS = {
    "role and content": [
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Hello" },
    ],
    "type and content": [
      { type: "human", content: "Hi" },
      { type: "ai", content: "Hello" },
    ],
    "LangChain's serialised form": [
      serialised("HumanMessage", { content: "Hi" }),
      serialised("AIMessageChunk", { content: "Hello", tool_calls: [] }),
    ],
  };

  for (const [form, messages] of Object.entries(FORMS)) {
    test(`with messages as ${form} is listed, shown, and continues after a backup of what it was`, async ({
      workspace,
      serve,
    }) => {
      const server = await serve((answer) => {
        answer.whole(["Fine"]);
      });
      await draft(workspace, "old", messages);
      expect(await workspace.ls()).toMatchObject([{ conversationId: "old", status: "complete", messageCount: 2 }]);
      expect((await workspace.show("old")).messages).toMatchObject([
        { role: "user", content: "Hi" },
        { role: "assistant", content: "Hello" },
      ]);
      expect((await workspace.run(["chat", "--resume", "old", "And you?", "--base-url", server.url])).status).toBe(0);
      expect(server.lastMessages.map(({ role, content }) => [role, content])).toEqual([
        ["user", "Hi"],
        ["assistant", "Hello"],
        ["user", "And you?"],
      ]);
      expect((await workspace.backups("old")).map(({ messageCount }) => messageCount)).toEqual([4, 2]);
    });
  }
});
