/** Lists of conversations, as ChatGPT and claude.ai export them: what was seen, and every element by itself. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ImportReader } from "../../../src/formats/import/reader.js";
import { readImport, type Imported } from "../../../src/formats/import/read-import.js";
import type { JsonObject } from "../../../src/model/json.js";

const OPTIONS = { at: "2026-01-14T21:30:00.000Z", acceptEdited: false };
const FIXTURES = fileURLToPath(new URL("../../fixtures/import/", import.meta.url));

function file(name: string): Buffer {
  return readFileSync(`${FIXTURES}${name}`);
}

function read(value: unknown): Imported {
  return readImport(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)), OPTIONS);
}

function said(imported: Imported, index = 0): unknown[] {
  const messages = imported.conversations[index]?.version.state["messages"] as unknown as JsonObject[];
  return messages.map(({ role, content }) => [role, content]);
}

interface Said {
  readonly type?: string;
  readonly text?: string;
  readonly weight?: number;
  readonly hidden?: boolean;
  readonly role?: string;
  readonly model?: string;
  readonly content?: object;
}

/** A conversation of ChatGPT's with one branch. */
function chat(id: string, said: readonly Said[], more: object = {}): JsonObject {
  const mapping = Object.fromEntries(
    said.map(({ type = "text", text = "", weight = 1, hidden = false, role = "assistant", model, content }, index) => [
      `n${index}`,
      {
        id: `n${index}`,
        parent: index === 0 ? null : `n${index - 1}`,
        children: index + 1 < said.length ? [`n${index + 1}`] : [],
        message: {
          id: `n${index}`,
          author: { role },
          create_time: 1_750_000_000 + index,
          content: content ?? { content_type: type, parts: [text] },
          weight,
          metadata: {
            ...(hidden ? { is_visually_hidden_from_conversation: true } : {}),
            ...(model === undefined ? {} : { model_slug: model }),
          },
        },
      },
    ]),
  );
  return {
    conversation_id: id,
    title: id,
    create_time: 1_750_000_000,
    mapping,
    current_node: `n${said.length - 1}`,
    ...more,
  } as never;
}

const HELLO: Said[] = [{ role: "user", text: "Hello" }, { text: "Hi" }];

describe("a conversation of ChatGPT", () => {
  test.for<[string, Said, string]>([
    ["hidden context", { role: "system", text: "You are careful.", hidden: true }, "hidden context"],
    ["what weighs nothing", { text: "A draft", weight: 0 }, "hidden context"],
    [
      "what the user told of himself",
      { role: "user", content: { content_type: "user_editable_context", user_profile: "x" } },
      "hidden context",
    ],
    [
      "what the model noted",
      { content: { content_type: "model_editable_context", model_set_context: "x" } },
      "hidden context",
    ],
    ["thoughts", { content: { content_type: "thoughts", thoughts: [{ content: "Hm." }] } }, "reasoning"],
    [
      "how long it thought",
      { content: { content_type: "reasoning_recap", content: "Thought for 3 seconds" } },
      "reasoning",
    ],
  ])("keeps %s aside, counts it, and loses nothing of it", ([, hidden, reason]) => {
    const [first, last] = HELLO as [Said, Said];
    const imported = read([chat("a", [first, hidden, last])]);
    expect(said(imported)).toEqual([
      ["user", "Hello"],
      ["assistant", "Hi"],
    ]);
    expect(imported.conversations[0]?.aside).toEqual([{ reason, count: 1 }]);
    expect(JSON.stringify(imported.conversations[0]?.version.state["importedFrom"])).toContain('"n1"');
  });

  test.for<[string, Said[], object, string | undefined]>([
    ["names none, the default", HELLO, { default_model_slug: "gpt-5-thinking" }, "openai:gpt-5-thinking"],
    [
      "names one, the last named",
      [...HELLO, { text: "x", model: "gpt-4o" }],
      { default_model_slug: "gpt-5" },
      "openai:gpt-4o",
    ],
    ["leaves the choice to the program, none", HELLO, { default_model_slug: "auto" }, undefined],
  ])("has, where an answer %s, as its model", ([, messages, more, model]) => {
    expect(read([chat("a", messages, more)]).conversations[0]?.version.info.model).toBe(model);
  });

  test("counts branches that were left", () => {
    const conversation = chat("a", HELLO) as { mapping: object };
    const other = {
      id: "x",
      parent: "n0",
      children: [],
      message: { author: { role: "assistant" }, content: { content_type: "text", parts: ["Other"] } },
    };
    const imported = read([{ ...conversation, mapping: { ...conversation.mapping, x: other } }]);
    expect(imported.conversations[0]?.aside).toEqual([{ reason: "abandoned branch", count: 1 }]);
  });

  test("whose link leads nowhere keeps what can be reached", () => {
    const conversation = chat("a", HELLO) as { mapping: { n0: object } };
    const { n0, ...rest } = conversation.mapping;
    expect(said(read([{ ...conversation, mapping: { ...rest, n0: { ...n0, parent: "gone" } } }]))).toHaveLength(2);
  });

  test("bears the dates it had", () => {
    const [conversation] = read([chat("a", HELLO, { update_time: 1_750_000_900.5 })]).conversations;
    expect([conversation?.version.info.createdAt, conversation?.updatedAt]).toEqual([
      "2025-06-15T15:06:40.000Z",
      "2025-06-15T15:21:40.500Z",
    ]);
  });
});

describe("one bad entry", () => {
  const good = (id: string): string => JSON.stringify(chat(id, HELLO));
  test.for<[string, string, string, string[]]>([
    ["without a mapping", `[${good("a")},{"title":"x"},${good("b")}]`, "[1]", ["chatgpt-a", "chatgpt-b"]],
    ["first of all", `[{"title":"x"},${good("a")}]`, "[0]", ["chatgpt-a"]],
    ["that is no object", `[${good("a")},7]`, "[1]", ["chatgpt-a"]],
    ["that is no JSON", `[${good("a")},{"mapping":{},},${good("b")}]`, "[1]", ["chatgpt-a", "chatgpt-b"]],
    ["with a key twice", `[{"a":1,"a":2},${good("b")}]`, "[0].a", ["chatgpt-b"]],
    [
      "with a role that is unknown",
      `[${good("a").replace('"role":"user"', '"role":"wizard"')},${good("b")}]`,
      "[0].mapping.n0.message.author.role",
      ["chatgpt-b"],
    ],
    ["that was cut off", `[${good("a")},${good("b").slice(0, -20)}`, "[1]", ["chatgpt-a"]],
    ["missing behind a comma", `[${good("a")},`, "the end", ["chatgpt-a"]],
    ["of NUL bytes", `[${good("a")},\0\0\0`, "[1]", ["chatgpt-a"]],
    [
      "in a field of an object",
      `{"conversations":[{"title":"x"},${good("a")}],"next":null}`,
      "conversations[0]",
      ["chatgpt-a"],
    ],
    [
      "in a field behind others",
      `{"total":2,"conversations":[{"title":"x"},${good("a")}]}`,
      "conversations[0]",
      ["chatgpt-a"],
    ],
  ])("(%s) is named, and keeps no other out", ([, text, place, names]) => {
    const imported = read(text);
    expect(imported.conversations.map(({ name }) => name)).toEqual(names);
    expect(imported.faults.map((fault) => fault.place)).toEqual([place]);
    expect(JSON.stringify(imported.faults)).not.toContain("\\u0000");
  });

  test("more behind the list is named", () => {
    expect(read(`[${good("a")}] {}`).faults).toMatchObject([{ place: "the end" }]);
    expect(read(`{"conversations":[${good("a")}]}`).faults).toEqual([]);
  });

  test("where all are bad, the file is refused with the first of them", () => {
    expect(() => read('[{"mapping":{"a":{}},"current_node":"b","create_time":1},{"title":"x"}]')).toThrow(
      /\[0\]\.mapping\.b/,
    );
  });
});

test("however the bytes of a list are cut up, the same is read, element by element", () => {
  const bytes = Buffer.from(
    ` [${[chat("a", [{ role: "user", text: 'ü "\\[{,' }]), { title: "x" }, chat("b", HELLO)].map((each) => JSON.stringify(each)).join(" , ")}]`,
  );
  const whole = readImport(bytes, OPTIONS);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
      const reader = new ImportReader(OPTIONS);
      const places = [0, ...[...cuts].sort((left, right) => left - right), bytes.length];
      const items = places.flatMap((place, index) => [...reader.push(bytes.subarray(places[index - 1] ?? 0, place))]);
      const all = [...items, ...reader.end()];
      expect(all.flatMap((item) => (item.kind === "conversation" ? [item.conversation] : []))).toEqual(
        whole.conversations,
      );
      expect(all.flatMap((item) => (item.kind === "fault" ? [item.fault] : []))).toEqual(whole.faults);
    }),
  );
});

test("a conversation is given as soon as it is whole, before the rest of the list is there", () => {
  const reader = new ImportReader(OPTIONS);
  const items = [...reader.push(Buffer.from(`[${JSON.stringify(chat("a", HELLO))}, {"mapping`))];
  expect(items.map(({ kind }) => kind)).toEqual(["conversation"]);
});

describe("claude.ai", () => {
  const imported = readImport(file("claude-ai.json"), OPTIONS);

  test("gives the way to the last message, calls and results in turns of their own, and files with their text", () => {
    expect(imported.format).toBe("claude-ai");
    expect(said(imported)).toMatchObject([
      [
        "user",
        [{ text: "Read it" }, { type: "attachment", extracted_content: "Flour, salt" }, { file_name: "loaf.png" }],
      ],
      ["assistant", "Let me look."],
      ["tool", [{ type: "knowledge", text: "Bread is baked." }]],
      ["assistant", "It is bread."],
    ]);
    expect(imported.conversations[0]).toMatchObject({
      name: "claude-ai-5b1c",
      updatedAt: "2025-02-01T09:00:00.000Z",
      aside: [{ reason: "abandoned branch", count: 1 }],
    });
  });

  test("of an older export, without parents, gives every message", () => {
    const messages = [
      { uuid: "m1", text: "Hi", sender: "human", created_at: "2025-01-01T00:00:00Z" },
      { uuid: "m2", text: "Hello!", sender: "assistant", created_at: "2025-01-01T00:00:01Z" },
    ];
    expect(said(read([{ uuid: "a", name: "x", created_at: "2025-01-01T00:00:00Z", chat_messages: messages }]))).toEqual(
      [
        ["user", "Hi"],
        ["assistant", "Hello!"],
      ],
    );
  });
});

describe("Gemini CLI", () => {
  const imported = readImport(file("gemini-cli.jsonl"), OPTIONS);

  test("gives what was said and not rewound; thoughts and notices stay in the state", () => {
    expect(imported.format).toBe("gemini-cli");
    expect(said(imported)).toMatchObject([
      [
        "user",
        [{ type: "text", text: "List " }, { type: "text", text: "files" }, { inlineData: { mimeType: "image/png" } }],
      ],
      ["assistant", ""],
      ["tool", "a.txt"],
      ["assistant", "One file."],
      ["user", "Keep it"],
    ]);
    expect(imported.conversations[0]).toMatchObject({
      name: "gemini-cli-g-1",
      updatedAt: "2025-11-01T10:00:08.000Z",
      version: { info: { title: "Listing files", model: "google:gemini-3-pro" } },
      aside: [
        { reason: "abandoned branch", count: 1 },
        { reason: "notice", count: 1 },
      ],
    });
    for (const kept of ["Hidden", "Request cancelled", "Delete it"])
      expect(JSON.stringify(imported.conversations[0]?.version.state)).toContain(kept);
  });

  test("as one document, with a message that is none of them", () => {
    const messages = [
      { id: "1", timestamp: "2025-10-01T00:00:01.000Z", type: "user", content: "Hi" },
      { timestamp: "2025-10-01T00:00:02.000Z", type: "gemini", content: "Lost" },
    ];
    const document = read({ sessionId: "s", projectHash: "h", startTime: "2025-10-01T00:00:00.000Z", messages });
    expect(said(document)).toEqual([["user", "Hi"]]);
    expect(document.faults).toMatchObject([{ place: "messages[1]" }]);
  });
});

describe("llm", () => {
  test("gives fragments as the text that they are, attachments as blocks", () => {
    expect(said(readImport(file("llm-fragments.json"), OPTIONS))).toMatchObject([
      ["system", "You explain code"],
      ["user", "def bake(): ..."],
      ["assistant", "It bakes bread."],
      [
        "user",
        [
          { type: "text", text: "line one\nand this?" },
          { type: "attachment", path: "/home/u/loaf.png" },
          { url: "https://x.example/loaf.jpg" },
        ],
      ],
      ["assistant", "A loaf."],
    ]);
  });

  test("leaves out a response that cannot be read, and names it", () => {
    const row = { model: "m", conversation_id: "c" };
    const log = read([
      { ...row, id: "a", prompt: "one", response: "1" },
      { ...row, id: "b", prompt: 7, response: "2" },
    ]);
    expect([said(log), log.faults]).toEqual([
      [
        ["user", "one"],
        ["assistant", "1"],
      ],
      [{ place: "[1].prompt", found: "is not text" }],
    ]);
  });
});
