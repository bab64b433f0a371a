/** What people have elsewhere, read without loss; what cannot be read, refused with its place in the file. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readImport, type Imported } from "../../../src/formats/import/read-import.js";
import { IdChooser, safeId } from "../../../src/formats/import/ids.js";
import type { JsonObject } from "../../../src/model/json.js";

const OPTIONS = { at: "2026-01-14T21:30:00.000Z", acceptEdited: false };

function fixture(name: string): Imported {
  return readImport(readFileSync(fileURLToPath(new URL(`../../fixtures/import/${name}`, import.meta.url))), OPTIONS);
}

function read(value: unknown): Imported {
  return readImport(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)), OPTIONS);
}

interface Said {
  readonly role: string;
  readonly content: unknown;
  readonly toolCalls?: readonly JsonObject[];
  readonly toolCallId?: string;
  readonly source: JsonObject;
}

function said(imported: Imported, index = 0): Said[] {
  return imported.conversations[index]?.version.state["messages"] as unknown as Said[];
}

function origin(imported: Imported, index = 0): JsonObject {
  return imported.conversations[index]?.version.state["importedFrom"] as JsonObject;
}

/** Every text and number of the file is somewhere in what was made of it. */
function leavesOf(value: unknown): string[] {
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(leavesOf);
  return value === null || value === "" || typeof value === "boolean" ? [] : [JSON.stringify(value).slice(1, -1)];
}

describe("llm logs --json", () => {
  const imported = fixture("llm-logs.json");

  test("gives a conversation for each conversation_id", () => {
    expect([imported.format, imported.conversations.map(({ name }) => name)]).toEqual([
      "llm",
      ["llm-01jw8c1r2hzzz3n5p9q0s1t2v3", "llm-01jw8d0000000000000000000b"],
    ]);
  });

  test("gives system prompt, prompts, calls, results and answers as messages in order", () => {
    expect(said(imported).map(({ role, content }) => [role, content])).toEqual([
      ["system", "Answer briefly"],
      ["user", "Three names for a pet pelican"],
      ["assistant", "Gulp, Bill, Percy"],
      ["user", "What time is it in Lima?"],
      ["assistant", ""],
      ["tool", '{"time": "04:15"}'],
      ["assistant", "A quarter past four."],
    ]);
    expect(said(imported)[4]?.toolCalls).toMatchObject([
      { id: "call_9", name: "llm_time", args: { zone: "America/Lima" } },
    ]);
    expect(said(imported)[5]?.toolCallId).toBe("call_9");
  });

  test("keeps title, time, model and usage in their places", () => {
    expect(imported.conversations[0]?.version.info).toEqual({
      createdAt: "2025-05-27T09:14:11.618Z",
      title: "Three names for a pet pelican",
    });
    expect(said(imported)[2]).toMatchObject({
      model: "gpt-4o-mini",
      usage: { inputTokens: 21, outputTokens: 8 },
      source: {
        duration_ms: 1210,
        datetime_utc: "2025-05-27T09:14:11.618354+00:00",
        options_json: { temperature: 0.7 },
      },
    });
  });

  test("whose prompt is no text is refused with its place", () => {
    expect(() => read([{ id: "a", model: "m", prompt: 7, response: "x" }])).toThrow(/\[0\]\.prompt/);
  });
});

describe("ChatGPT's conversations.json", () => {
  const imported = fixture("chatgpt-conversations.json");

  test("gives the way to the current node", () => {
    expect(imported.conversations.map(({ name }) => name)).toEqual([
      "chatgpt-67860b18-1f2c-8004-a1b2-0c3d4e5f6a7b",
      "chatgpt-weird id/../x",
    ]);
    expect(said(imported).map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant", "user"]);
    expect(said(imported)[3]?.content).toBe("It is six degrees too cold.");
  });

  test("keeps every node beside it, whole", () => {
    const nodes = origin(imported)["otherNodes"] as JsonObject;
    expect(Object.keys(nodes)).toEqual(["root", "n1", "n3"]);
    expect(nodes["n3"]).toMatchObject({ parent: "n2", message: { content: { parts: ["Because it is tired."] } } });
  });

  test("links a tool's result with its call", () => {
    expect(said(imported)[1]?.toolCalls).toEqual([
      { id: "call-n3b", name: "python", args: { input: "print(18 - 24)" } },
    ]);
    expect(said(imported)[2]?.toolCallId).toBe("call-n3b");
  });

  test("keeps pictures as blocks, and times to the microsecond", () => {
    expect(said(imported)[0]?.content).toMatchObject([
      { type: "image_asset_pointer", asset_pointer: "file-service://file-abc" },
      { type: "text", text: "Why is my starter so slow?" },
    ]);
    expect(origin(imported)["create_time"]).toBe(1736890200.123456);
  });

  test("with a current node that is missing, or a loop, is refused with its place", () => {
    const conversation = (mapping: object): object => [{ mapping, current_node: "a", create_time: 1 }];
    expect(() => read(conversation({}))).toThrow(/\[0\]\.mapping\.a is named, and missing/);
    expect(() => read(conversation({ a: { parent: "a", children: [] } }))).toThrow(/its own ancestor/);
  });

  test("with an unknown role is refused, not guessed", () => {
    expect(() =>
      read([
        { mapping: { a: { message: { author: { role: "wizard" }, content: { parts: ["x"] } } } }, current_node: "a" },
      ]),
    ).toThrow(/\[0\]\.mapping\.a\.message\.author\.role/);
  });
});

describe("a session of Claude Code", () => {
  const imported = fixture("claude-code-session.jsonl");

  test("gives the way to the last message, the lines of one answer as one, with parallel results", () => {
    expect(said(imported).map(({ role, content }) => [role, content])).toEqual([
      ["user", "The parser test fails, why?"],
      ["assistant", "I will read both files."],
      ["tool", "     1→export const parse = JSON.parse;"],
      ["tool", "File does not exist."],
      ["assistant", "The test file is missing."],
    ]);
    expect(said(imported)[1]?.toolCalls?.map(({ id }) => id)).toEqual(["toolu_1", "toolu_2"]);
  });

  test("has its title from the summary, its id from the session", () => {
    expect([imported.conversations[0]?.version.info.title, imported.conversations[0]?.name]).toEqual([
      "Fix the failing parser test",
      "claude-code-3f0c9c1e-5a77-4b0e-9f52-2b6f6e1d8a11",
    ]);
  });

  test("keeps abandoned branches, side chains and other lines with their numbers", () => {
    expect((origin(imported)["otherLines"] as readonly JsonObject[]).map((line) => line["line"])).toEqual([
      1, 2, 10, 11,
    ]);
    expect(origin(imported)["session"]).toMatchObject({ cwd: "/home/dev/parser", gitBranch: "main" });
  });

  test("keeps thinking with its signature", () => {
    expect(JSON.stringify(said(imported)[1]?.source)).toContain('"thinking":"Let me look.","signature":"EqQB"');
  });

  test("that was cut in the middle of a line keeps what is whole, and names the line", () => {
    const cut = read(
      '{"type":"user","sessionId":"s","uuid":"u","message":{"role":"user","content":"a"}}\n{"type":"assi',
    );
    expect(said(cut).map(({ content }) => content)).toEqual(["a"]);
    expect(cut.faults).toEqual([{ place: "line 2", found: "was cut off: the file ends in the middle of it" }]);
  });
});

describe("without loss", () => {
  for (const name of ["llm-logs.json", "chatgpt-conversations.json", "claude-code-session.jsonl"]) {
    test(`every value in ${name} is in what was made of it`, () => {
      const text = readFileSync(fileURLToPath(new URL(`../../fixtures/import/${name}`, import.meta.url)), "utf8");
      const values = name.endsWith("l")
        ? text
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line) as unknown)
        : (JSON.parse(text) as unknown);
      const made = JSON.stringify(fixture(name).conversations.map(({ version, name: id }) => [version, id]));
      // What a message says of itself only once: structure that its place among the others tells.
      const structure = new Set(["text", "tool_use", "tool_result", "user", "assistant", "message", "multimodal_text"]);
      expect(leavesOf(values).filter((leaf) => !structure.has(leaf) && !made.includes(leaf))).toEqual([]);
    });
  }
});

describe("files of the draft and lists of messages", () => {
  test.for([
    ["a list", [{ role: "wizard", content: "x" }], '[0].role is no known role: "wizard"'],
    [
      "a file of the draft",
      {
        messages: [
          { role: "user", content: "x" },
          { role: "user", content: 1 },
        ],
      },
      "messages[1].content is neither a text nor a list of blocks",
    ],
    [
      "LangChain's form",
      [{ lc: 1, type: "constructor", id: ["AIMessage"], kwargs: { content: "x", tool_calls: [{}] } }],
      "[0].kwargs.tool_calls[0] is not a tool call: it has no name and args",
    ],
  ] as const)("that cannot be read are refused with the place as it is in %s", ([, file, message]) => {
    expect(() => read(file)).toThrow(expect.objectContaining({ code: "CORRUPT", message }));
  });

  test("in lines of which one cannot be read come in without it, and it is named", () => {
    const lines = read(
      '{"role":"user","content":"a"}\n\n{"type":"wizard","content":"x"}\n{"role":"user","content":"b"}',
    );
    expect(said(lines).map(({ content }) => content)).toEqual(["a", "b"]);
    expect(lines.faults).toEqual([{ place: "line 3.type", found: 'is no known role: "wizard"' }]);
  });

  const META = { savedAt: "2025-01-14T21:30:00.000Z", version: "1.0.0-draft", conversationId: "old" };
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
      { lc: 1, type: "constructor", id: ["langchain_core", "messages", "HumanMessage"], kwargs: { content: "Hi" } },
      { lc: 1, type: "constructor", id: ["langchain_core", "messages", "AIMessage"], kwargs: { content: "Hello" } },
    ],
  };

  for (const [form, messages] of Object.entries(FORMS)) {
    test(`as ${form}, with and without the rest of the file`, () => {
      for (const document of [{ messages, topic: "tea", _metadata: META }, { messages }, messages]) {
        expect(said(read(document)).map(({ role, content }) => [role, content])).toEqual([
          ["user", "Hi"],
          ["assistant", "Hello"],
        ]);
      }
      expect(read({ messages, topic: "tea", _metadata: META }).conversations[0]?.version.state["topic"]).toBe("tea");
    });
  }

  test("tool calls as providers send them become ours, the original kept", () => {
    const call = { id: "c1", type: "function", function: { name: "look", arguments: '{"at":"sky"}' } };
    const [message] = said(read([{ role: "assistant", content: null, tool_calls: [call] }]));
    expect(message).toMatchObject({
      content: "",
      toolCalls: [{ id: "c1", name: "look", args: { at: "sky" } }],
      source: { tool_calls: [call], content: null },
    });
  });

  test("a class that is not known is refused with its place", () => {
    expect(() =>
      read({
        messages: [{ lc: 1, type: "constructor", id: ["os", "System"], kwargs: { content: "rm" } }],
        _metadata: META,
      }),
    ).toThrow(/^messages\[0\]\.id is no known class/);
  });
});

describe("what is no such file", () => {
  for (const [name, bytes, message] of [
    ["invalid UTF-8", Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), /UTF-8/],
    ["UTF-16", Buffer.from("\ufeff[]", "utf16le"), /UTF-16/],
    ["NaN", Buffer.from('{"messages":[{"role":"user","content":NaN}]}'), /not valid JSON/],
    ["a __proto__ key", Buffer.from('[{"role":"user","content":"x","__proto__":{"a":1}}]'), /__proto__/],
    ["an empty file", Buffer.from(" \n"), /empty/],
    ["a number", Buffer.from("7"), /no known format/],
    ["an object of something else", Buffer.from('{"name":"package"}'), /no known format/],
    ["deep nesting", Buffer.from("[".repeat(100_000)), /deeper than 200/],
    [
      "a newer version",
      Buffer.from('{"messages":[],"_metadata":{"version":"2.0.0","conversationId":"a"}}'),
      /newer version/,
    ],
  ] as const) {
    test(`(${name}) is refused, and said why`, () => {
      expect(() => readImport(bytes, OPTIONS)).toThrow(message);
    });
  }

  test("a byte order mark and CRLF are no obstacle", () => {
    expect(said(read('\ufeff[{"role":"user",\r\n"content":"a\\r\\nb"}]\r\n'))[0]?.content).toBe("a\r\nb");
  });
});

describe("ids", () => {
  test("are safe as file names, whatever the source calls a conversation", () => {
    expect(["weird id/../x", "../../etc/passwd", "con", "", "ünï", "a".repeat(300), ".hidden"].map(safeId)).toEqual([
      "weird-id-..-x",
      "etc-passwd",
      "imported-con",
      "imported",
      "n",
      "a".repeat(128),
      "hidden",
    ]);
  });

  test("never differ by case alone, nor come twice", () => {
    const ids = new IdChooser();
    expect(["Tale", "tale", undefined, "tale", undefined].map((name) => ids.choose(name, "x"))).toEqual([
      "Tale",
      "tale-2",
      "x",
      "tale-3",
      "x-2",
    ]);
  });
});
