/** Sessions of Claude Code as they are on people's disks: links that are missing or wrong, forks, copies, several sessions in a file. */
import { describe, expect, test } from "vitest";
import { readImport, type Imported } from "../../../src/formats/import/read-import.js";
import type { JsonObject } from "../../../src/model/json.js";

const OPTIONS = { at: "2026-01-14T21:30:00.000Z", acceptEdited: false };
const SESSION = "0d3c5a4e-8f0b-4a57-9d0c-3b1f6c2d7e11";

type Fields = Readonly<Record<string, unknown>>;

/** Numbers lines as they are written, so that each has a time of its own. */
class Session {
  readonly lines: Fields[] = [];

  line(type: string, uuid: string, parentUuid: string | null | undefined, more: Fields): this {
    const timestamp = new Date(Date.UTC(2026, 1, 1, 10, 0, this.lines.length)).toISOString();
    this.lines.push({ parentUuid, isSidechain: false, sessionId: SESSION, type, uuid, timestamp, ...more });
    return this;
  }

  user(uuid: string, parent: string | null | undefined, more: Fields = {}): this {
    return this.line("user", uuid, parent, { message: { role: "user", content: `says ${uuid}` }, ...more });
  }

  assistant(
    uuid: string,
    parent: string | null | undefined,
    content: readonly object[] = text(uuid),
    more: Fields = {},
  ): this {
    const message = { id: `msg_${uuid}`, type: "message", role: "assistant", model: "claude-x", content };
    return this.line("assistant", uuid, parent, { message, ...more });
  }

  call(uuid: string, parent: string | null, id: string, answerId?: string): this {
    const content = [{ type: "tool_use", id, name: "Bash", input: { command: "ls" } }];
    const message = { id: answerId ?? `msg_${uuid}`, type: "message", role: "assistant", model: "claude-x", content };
    return this.line("assistant", uuid, parent, { message });
  }

  result(uuid: string, parent: string | null, callId: string): this {
    return this.user(uuid, parent, {
      message: { role: "user", content: [{ type: "tool_result", tool_use_id: callId, content: `result ${uuid}` }] },
    });
  }

  progress(uuid: string, parent: string | null): this {
    return this.line("progress", uuid, parent, { data: { type: "hook_progress" }, toolUseID: "t" });
  }

  read(): Imported {
    return readImport(Buffer.from(this.lines.map((line) => JSON.stringify(line)).join("\n") + "\n"), OPTIONS);
  }
}

function text(uuid: string): readonly object[] {
  return [{ type: "text", text: `answers ${uuid}` }];
}

function messages(imported: Imported, index = 0): JsonObject[] {
  return imported.conversations[index]?.version.state["messages"] as unknown as JsonObject[];
}

/** The uuids of the messages, in order. */
function order(imported: Imported, index = 0): unknown[] {
  return messages(imported, index).map(({ id }) => id);
}

function aside(imported: Imported): unknown {
  return imported.conversations.map((conversation) => conversation.aside);
}

describe("broken links", () => {
  test.for([
    ["null", null],
    ["missing", undefined],
    ["to what was never written", "never-written"],
    ["empty", ""],
  ] as const)("that are %s leave the order of the file", ([, parent]) => {
    const session = new Session().user("u1", null).assistant("a1", "u1").user("u2", parent).assistant("a2", parent);
    session.user("u3", parent).assistant("a3", "u3");
    expect(order(session.read())).toEqual(["u1", "a1", "u2", "a2", "u3", "a3"]);
    expect(aside(session.read())).toEqual([[]]);
  });

  test.for([
    ["to itself", "u2"],
    ["to a later line", "a3"],
  ] as const)("that lead around in a ring (%s) leave it too", ([, parent]) => {
    const session = new Session().user("u1", null).assistant("a1", "u1").user("u2", parent).assistant("a2", "u2");
    session.user("u3", "a2").assistant("a3", "u3");
    expect(order(session.read())).toEqual(["u1", "a1", "u2", "a2", "u3", "a3"]);
    expect(aside(session.read())).toEqual([[]]);
  });

  test("of hooks that form a ring, or share a uuid, lead nowhere", () => {
    const session = new Session().progress("h1", "h2").user("u1", "h1").assistant("a1", "u1").progress("h2", "h1");
    session.user("u2", "h2").assistant("a2", "u2").progress("h1", "a2").user("u3", "h1").assistant("a3", "u3");
    expect(order(session.read())).toEqual(["u1", "a1", "u2", "a2", "u3", "a3"]);
    expect(aside(session.read())).toEqual([[]]);
  });

  test("whose parent was written later keep the order of the links", () => {
    const session = new Session().user("u1", null).assistant("a2", "a1").assistant("a1", "u1").user("u2", "a2");
    expect(order(session.read())).toEqual(["u1", "a1", "a2", "u2"]);
  });
});

describe("copies", () => {
  test("of a history that was written again count once, the first", () => {
    const session = new Session().user("u1", null).assistant("a1", "u1").call("t1", "a1", "toolu_1");
    session.result("r1", "t1", "toolu_1").assistant("a2", "r1");
    session.lines.push(...session.lines);
    session.user("u2", "a2").assistant("a3", "u2");
    const imported = session.read();
    expect(order(imported)).toEqual(["u1", "a1", "t1", "r1", "a2", "u2", "a3"]);
    expect(messages(imported).flatMap(({ toolCalls }) => toolCalls ?? [])).toHaveLength(1);
    expect(aside(imported)).toEqual([[{ reason: "repeated", count: 5 }]]);
  });

  test("under new uuids count once too, and links to them are links to the first", () => {
    const session = new Session().user("u1", null).assistant("a1", "u1").call("t1", "a1", "toolu_1");
    session.result("r1", "t1", "toolu_1");
    const again = session.lines.map((line) => ({ ...line, uuid: `${String(line["uuid"])}-again`, parentUuid: null }));
    session.lines.push(...again);
    session.user("u2", "r1-again").assistant("a2", "u2");
    expect(order(session.read())).toEqual(["u1", "a1", "t1", "r1", "u2", "a2"]);
  });

  test("that say something else stay in the state", () => {
    const session = new Session().user("u1", null).assistant("a1", "u1");
    session.user("u1", "a1", { message: { role: "user", content: "other words" } });
    const imported = session.read();
    expect(order(imported)).toEqual(["u1", "a1"]);
    expect(JSON.stringify(imported.conversations[0]?.version.state["importedFrom"])).toContain("other words");
  });
});

describe("forks", () => {
  test("at a message that the user wrote anew leave the branch aside, and it is counted", () => {
    const session = new Session().user("u1", null).assistant("a1", "u1").user("u2", "a1").assistant("a2", "u2");
    session.user("u3", "a2").user("u2b", "a1").assistant("a2b", "u2b");
    const imported = session.read();
    expect(order(imported)).toEqual(["u1", "a1", "u2b", "a2b"]);
    expect(aside(imported)).toEqual([[{ reason: "abandoned branch", count: 3 }]]);
    expect(JSON.stringify(imported.conversations[0]?.version.state["importedFrom"])).toContain("says u3");
  });

  test("leave aside what hangs on such a branch by the order of the file alone", () => {
    const session = new Session().user("u1", null).assistant("a1", "u1").user("u2", "a1").assistant("a2", "lost");
    session.user("u2b", "a1").assistant("a2b", "u2b");
    expect(order(session.read())).toEqual(["u1", "a1", "u2b", "a2b"]);
  });

  test("at hooks and progress lines leave nothing aside", () => {
    const session = new Session().user("u1", null).call("t1", "u1", "toolu_1").progress("p1", "t1");
    session.progress("p2", "p1").result("r1", "t1", "toolu_1").assistant("a1", "p2").user("u2", "p2");
    session.assistant("a2", "u2").progress("p3", "a1").user("u3", "p3").assistant("a3", "u3").progress("p4", "a1");
    const imported = session.read();
    expect(order(imported)).toEqual(["u1", "t1", "r1", "a1", "u2", "a2", "u3", "a3"]);
    expect(aside(imported)).toEqual([[]]);
  });

  test("between a message and a hook, as a hook that lags behind makes them, leave nothing aside", () => {
    const session = new Session().user("u1", null).assistant("a1", "u1").progress("p1", "a1").user("u2", "a1");
    session.assistant("a2", "u2").progress("p2", "p1").user("u3", "p2").assistant("a3", "u3");
    const imported = session.read();
    expect(order(imported)).toEqual(["u1", "a1", "u2", "a2", "u3", "a3"]);
    expect(aside(imported)).toEqual([[]]);
  });

  test("of parallel calls belong to one answer", () => {
    const session = new Session()
      .user("u1", null)
      .call("t1", "u1", "toolu_1", "msg_t")
      .call("t2", "t1", "toolu_2", "msg_t");
    session.result("r1", "t1", "toolu_1").result("r2", "t2", "toolu_2").assistant("a1", "r2");
    const imported = session.read();
    expect(order(imported)).toEqual(["u1", "t1", "r1", "r2", "a1"]);
    expect(messages(imported)[1]?.["toolCalls"]).toMatchObject([{ id: "toolu_1" }, { id: "toolu_2" }]);
  });

  test("of answers keep the one from which a tool was called, though another was given later", () => {
    const session = new Session().user("u1", null).call("t1", "u1", "toolu_1").result("r1", "t1", "toolu_1");
    session.assistant("a1", "r1").assistant("a2", "u1");
    expect(order(session.read())).toEqual(["u1", "t1", "r1", "a1", "a2"]);
  });
});

describe("what belongs to one conversation", () => {
  test("is also what stands before an older compaction, which began a new root", () => {
    const session = new Session().user("u1", null).assistant("a1", "u1");
    session.user("s1", null, {
      isCompactSummary: true,
      message: { role: "user", content: "This session is continued" },
    });
    session.assistant("a2", "s1").user("u2", "a2");
    expect(order(session.read())).toEqual(["u1", "a1", "s1", "a2", "u2"]);
  });

  test("is also what stands before a newer one, which names the turn before it", () => {
    const session = new Session().user("u1", null).assistant("a1", "u1");
    session.line("system", "c1", null, { subtype: "compact_boundary", content: "compacted", logicalParentUuid: "a1" });
    session.user("s1", "c1", { isCompactSummary: true }).assistant("a2", "s1");
    const imported = session.read();
    expect(order(imported)).toEqual(["u1", "a1", "s1", "a2"]);
    expect(messages(imported).some(({ role }) => role === "system")).toBe(false);
  });

  test("is one session: two ids in a file are two conversations", () => {
    const other = { sessionId: "second" };
    const session = new Session().user("u1", null).assistant("a1", "u1").user("u2", "a1", other);
    session.assistant("a2", "u2", text("a2"), other).user("u3", "a1").line("summary", "", null, { summary: "Tea" });
    const imported = session.read();
    expect(imported.conversations.map(({ name }) => name)).toEqual([`claude-code-${SESSION}`, "claude-code-second"]);
    expect([order(imported, 0), order(imported, 1)]).toEqual([
      ["u1", "a1", "u3"],
      ["u2", "a2"],
    ]);
    expect(imported.conversations.map(({ version }) => version.info.title)).toEqual(["Tea", undefined]);
  });

  test("is what was said: side chains and hidden context are set aside and counted", () => {
    const session = new Session().user("u1", null).user("m1", "u1", { isMeta: true }).assistant("a1", "m1");
    session.user("s1", null, { isSidechain: true }).assistant("s2", "s1", text("s2"), { isSidechain: true });
    session.user("u2", "s2");
    const imported = session.read();
    expect(order(imported)).toEqual(["u1", "a1", "u2"]);
    expect(aside(imported)).toEqual([
      [
        { reason: "side chain", count: 2 },
        { reason: "hidden context", count: 1 },
      ],
    ]);
  });

  test("takes its dates from its turns", () => {
    const session = new Session().user("u1", null).assistant("a1", "u1").user("u2", "a1", { timestamp: undefined });
    const [conversation] = session.read().conversations;
    expect([conversation?.version.info.createdAt, conversation?.updatedAt]).toEqual([
      "2026-02-01T10:00:00.000Z",
      "2026-02-01T10:00:01.000Z",
    ]);
  });

  test("of failures says them as errors, not as words of the model", () => {
    const failed = { isApiErrorMessage: true };
    const session = new Session()
      .user("u1", null)
      .assistant("a1", "u1", [{ type: "text", text: "API Error: 500" }], failed);
    expect(messages(session.read())[1]).toMatchObject({
      content: "",
      status: "error",
      error: { code: "MODEL", message: "API Error: 500" },
    });
  });
});

describe("bad lines", () => {
  test("do not keep the others out, and are named with their place", () => {
    const session = new Session()
      .user("u1", null)
      .assistant("a1", "u1")
      .user("u2", "a1", { message: { content: 7 } });
    session.user("u3", "u2", { timestamp: "yesterday" }).assistant("a3", "u3");
    const imported = session.read();
    expect(order(imported)).toEqual(["u1", "a1", "a3"]);
    expect(imported.faults.map(({ place }) => place)).toEqual(["line 3.message.content", "line 4.timestamp"]);
  });

  test("of a file in which nothing was said are none: it holds no conversation", () => {
    const session = new Session().line("summary", "", null, { summary: "Tea", leafUuid: "x" });
    expect(() => session.read()).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  });

  test("many as they are, they are read in time that grows with their number", () => {
    const session = new Session();
    for (let index = 0; index < 20_000; index += 1)
      session
        .progress(`p${index}`, index === 0 ? null : `p${index - 1}`)
        .user(`u${index}`, index % 2 ? `p${index}` : null);
    const begun = performance.now();
    expect(order(session.read())).toHaveLength(20_000);
    expect(performance.now() - begun).toBeLessThan(20_000);
  });
});
