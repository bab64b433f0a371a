/** What the saver promises beyond LangGraph's own suite: names, forks, locks, formats, classes. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AIMessage, HumanMessage, type BaseMessage } from "@langchain/core/messages";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { emptyCheckpoint, uuid6, type Checkpoint, type CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { describe, expect, test } from "vitest";
import { DraftstateSaver, type SaverOptions } from "../../src/langgraph/index.js";
import { encodeLine } from "../../src/journal/framing.js";
import { codeRejected } from "../doubles/error-code.js";
import { memory } from "../doubles/managers.js";

const META = { source: "loop", step: 1, parents: {} } as const;

async function root(): Promise<SaverOptions> {
  const directory = await mkdtemp(join(tmpdir(), "draftstate-saver-"));
  return { stateDir: join(directory, "state"), backupDir: join(directory, "backup"), telemetry: false };
}

function inMemory(): SaverOptions {
  return { storage: memory(), telemetry: false };
}

function checkpointOf(values: Record<string, unknown>, version = 1): Checkpoint {
  return {
    ...emptyCheckpoint(),
    id: uuid6(version),
    channel_values: values,
    channel_versions: Object.fromEntries(Object.keys(values).map((channel) => [channel, version])),
  };
}

async function put(
  saver: DraftstateSaver,
  threadId: string,
  values: Record<string, unknown>,
  version = 1,
  parent?: string,
) {
  const checkpoint = checkpointOf(values, version);
  const config = { configurable: { thread_id: threadId, checkpoint_ns: "", checkpoint_id: parent } };
  await saver.put(config, checkpoint, META, checkpoint.channel_versions);
  return checkpoint.id;
}

async function valuesAt(saver: DraftstateSaver, threadId: string, id?: string): Promise<unknown> {
  const configurable = { thread_id: threadId, checkpoint_ns: "", ...(id === undefined ? {} : { checkpoint_id: id }) };
  return (await saver.getTuple({ configurable }))?.checkpoint.channel_values;
}

async function all(saver: DraftstateSaver, threadId?: string): Promise<CheckpointTuple[]> {
  const found: CheckpointTuple[] = [];
  const configurable = threadId === undefined ? {} : { thread_id: threadId };
  for await (const tuple of saver.list({ configurable })) found.push(tuple);
  return found;
}

describe("names", () => {
  const ids = [
    "a",
    "A",
    "../../etc/passwd",
    "con",
    "nul.txt",
    ".hidden",
    "tale",
    "x.000001",
    "a/b",
    "ä€😀",
    "%61",
    "é".repeat(300),
    "é".repeat(301),
  ];

  test("any text is a thread of its own, in the state directory alone", async () => {
    const options = await root();
    const saver = new DraftstateSaver(options);
    for (const id of ids) await put(saver, id, { who: id });
    await saver.close();
    const other = new DraftstateSaver(options);
    for (const id of ids) expect(await valuesAt(other, id)).toEqual({ who: id });
    expect((await all(other)).map(({ config }) => config.configurable?.["thread_id"] as unknown).sort()).toEqual(
      ids.toSorted(),
    );
    const names = (await readdir(options.stateDir ?? "")).filter((name) => name.endsWith(".thread"));
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(ids.length);
    await other.close();
  });

  test.each(["__proto__", "constructor", "prototype", "", "\ud800"])("%j is refused", async (id) => {
    const saver = new DraftstateSaver(inMemory());
    expect(await codeRejected(put(saver, id, {}))).toBe("INVALID_ID");
    expect(await codeRejected(saver.getTuple({ configurable: { thread_id: id } }))).toBe("INVALID_ID");
    await saver.close();
  });

  test("a namespace or checkpoint that is a reserved name is refused", async () => {
    const saver = new DraftstateSaver(inMemory());
    const ns = { configurable: { thread_id: "t", checkpoint_ns: "__proto__" } };
    expect(await codeRejected(saver.put(ns, checkpointOf({}), META, {}))).toBe("INVALID_ID");
    const id = { configurable: { thread_id: "t", checkpoint_ns: "", checkpoint_id: "x" } };
    expect(await codeRejected(saver.put(id, { ...checkpointOf({}), id: "__proto__" }, META, {}))).toBe("INVALID_ID");
    expect(await codeRejected(saver.putWrites(id, [["a", 1]], "__proto__"))).toBe("INVALID_ID");
    await saver.close();
  });
});

describe("forks", () => {
  test("two branches that give a channel the same version keep their own values", async () => {
    const options = inMemory();
    const saver = new DraftstateSaver(options);
    const base = await put(saver, "t", { messages: ["a"] });
    const left = await put(saver, "t", { messages: ["a", "left"] }, 2, base);
    const right = await put(saver, "t", { messages: ["a", "right"] }, 2, base);
    const config = { configurable: { thread_id: "t", checkpoint_ns: "", checkpoint_id: left } };
    const child = { ...checkpointOf({}, 2), channel_versions: { messages: 2 } };
    await saver.put(config, child, META, {});
    expect(await valuesAt(saver, "t", left)).toEqual({ messages: ["a", "left"] });
    expect(await valuesAt(saver, "t", right)).toEqual({ messages: ["a", "right"] });
    expect(await valuesAt(saver, "t", child.id)).toEqual({ messages: ["a", "left"] });
    await saver.close();
  });

  test("a channel that was emptied is not filled by another branch", async () => {
    const saver = new DraftstateSaver(inMemory());
    const base = await put(saver, "t", { once: 1 });
    await put(saver, "t", { once: 2 }, 2, base);
    const emptied = { ...checkpointOf({}, 3), channel_versions: { once: 2 } };
    const config = (id: string) => ({ configurable: { thread_id: "t", checkpoint_ns: "", checkpoint_id: id } });
    await saver.put(config(base), emptied, META, { once: 2 });
    const child = { ...checkpointOf({}, 4), channel_versions: { once: 2 } };
    await saver.put(config(emptied.id), child, META, {});
    expect(await valuesAt(saver, "t", child.id)).toEqual({});
    await saver.close();
  });
});

describe("one writer", () => {
  test("a second writer waits for one that no longer writes, and sees all of it", async () => {
    const options = await root();
    const [one, two] = [new DraftstateSaver(options), new DraftstateSaver(options)];
    const first = await put(one, "t", { messages: ["a"] });
    const second = await put(two, "t", { messages: ["a", "b"] }, 2, first);
    expect((await all(one, "t")).map(({ checkpoint }) => checkpoint.id)).toEqual([second, first]);
    const third = await put(one, "t", { messages: ["a", "b", "c"] }, 3, second);
    expect(await valuesAt(two, "t", third)).toEqual({ messages: ["a", "b", "c"] });
    await Promise.all([one.close(), two.close()]);
  });

  test("while one writes, another is LOCKED by name and still reads", async () => {
    const options = await root();
    const [one, two] = [new DraftstateSaver(options), new DraftstateSaver(options)];
    let last = await put(one, "t", { n: 0 });
    let isWriting = true;
    const writing = (async () => {
      for (let n = 1; isWriting; n += 1) {
        last = await put(one, "t", { n }, n + 1, last);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    expect(await codeRejected(put(two, "t", { n: -1 }, 9))).toBe("LOCKED");
    expect(await valuesAt(two, "t")).toEqual({ n: expect.any(Number) });
    isWriting = false;
    await writing;
    expect(await valuesAt(two, "t")).toEqual(await valuesAt(one, "t"));
    await Promise.all([one.close(), two.close()]);
  });

  test("a closed saver refuses, and leaves no lock", async () => {
    const options = await root();
    const saver = new DraftstateSaver(options);
    await put(saver, "t", { n: 1 });
    await saver.close();
    expect(await codeRejected(put(saver, "t", { n: 2 }))).toBe("USAGE");
    expect(await readdir(join(options.stateDir ?? "", ".draftstate", "locks"))).toEqual([]);
  });

  test("of a task that writes a channel twice, the first write stands; of an error, the last", async () => {
    const options = await root();
    const saver = new DraftstateSaver(options);
    const id = await put(saver, "t", {});
    const config = { configurable: { thread_id: "t", checkpoint_ns: "", checkpoint_id: id } };
    await Promise.all([
      saver.putWrites(config, [["a", 1]], "task"),
      saver.putWrites(config, [["a", "at the same time"]], "task"),
    ]);
    await saver.putWrites(
      config,
      [
        ["a", 2],
        ["b", 3],
      ],
      "task",
    );
    await saver.putWrites(config, [["__error__", "one"]], "task");
    await saver.putWrites(config, [["__error__", "two"]], "task");
    const expected = [
      ["task", "__error__", "two"],
      ["task", "a", 1],
      ["task", "b", 3],
    ];
    expect((await saver.getTuple(config))?.pendingWrites).toEqual(expected);
    await saver.close();
    const reader = new DraftstateSaver(options);
    expect((await reader.getTuple(config))?.pendingWrites).toEqual(expected);
    await reader.close();
  });
});

describe("files", () => {
  async function written(): Promise<{ options: SaverOptions; file: string }> {
    const options = await root();
    const saver = new DraftstateSaver(options);
    const id = await put(saver, "t", { messages: [new HumanMessage({ id: "1", content: "hello there" })] });
    await put(
      saver,
      "t",
      { messages: [new HumanMessage({ id: "1", content: "hello there" }), new AIMessage("hi")] },
      2,
      id,
    );
    await saver.close();
    return { options, file: join(options.stateDir ?? "", "t.000001.thread") };
  }

  test("a person can read them, and what was added to a list is all that was stored", async () => {
    const { file } = await written();
    const text = await readFile(file, "utf8");
    // Behind it stands what a list shows.
    expect(text.slice(0, text.indexOf('"end":true')).match(/hello there/g)).toHaveLength(1);
    expect(text).toContain('"threadId":"t"');
  });

  test("bytes are base64 with their type, and come back", async () => {
    const options = await root();
    const saver = new DraftstateSaver(options);
    await put(saver, "t", { image: new Uint8Array([1, 2, 255]), nothing: undefined, map: new Map([["a", 1]]) });
    await saver.close();
    expect(await readFile(join(options.stateDir ?? "", "t.000001.thread"), "utf8")).toContain(
      '{"type":"bytes","base64":"AQL/"}',
    );
    const reader = new DraftstateSaver(options);
    const values = (await valuesAt(reader, "t")) as Record<string, unknown>;
    expect(values["image"]).toEqual(new Uint8Array([1, 2, 255]));
    expect(values["map"]).toEqual(new Map([["a", 1]]));
    await reader.close();
  });

  test("any byte that is flipped in a closed log is damage: nothing earlier stands in for it", async () => {
    const { options, file } = await written();
    const bytes = await readFile(file);
    for (let at = 0; at < bytes.length; at += 7) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
      await writeFile(file, flipped);
      const reader = new DraftstateSaver(options);
      const found = await reader.getTuple({ configurable: { thread_id: "t" } }).catch((error: unknown) => error);
      // Of the last line nothing is needed but that it was there.
      const isTail = at >= bytes.lastIndexOf('{"crc":');
      if (isTail && !(found instanceof Error))
        expect(found).toMatchObject({ checkpoint: { channel_versions: { messages: 2 } } });
      else expect(found).toMatchObject({ code: "CORRUPT" });
      expect(await readFile(file)).toEqual(flipped);
      await reader.close();
    }
  });

  test("a missing segment is damage", async () => {
    const options = await root();
    const big = "x".repeat(70_000);
    const one = new DraftstateSaver(options);
    const id = await put(one, "t", { big });
    await one.close();
    const two = new DraftstateSaver(options);
    await put(two, "t", { big: `${big}2` }, 2, id);
    await two.close();
    const names = (await readdir(options.stateDir ?? "")).filter((name) => name.endsWith(".thread")).sort();
    expect(names).toEqual(["t.000001.thread", "t.000002.thread"]);
    const { rm } = await import("node:fs/promises");
    await rm(join(options.stateDir ?? "", "t.000001.thread"));
    const reader = new DraftstateSaver(options);
    expect(await codeRejected(reader.getTuple({ configurable: { thread_id: "t" } }))).toBe("CORRUPT");
    expect(await codeRejected(put(reader, "t", {}, 3))).toBe("CORRUPT");
    await reader.close();
  });

  test.each([
    ["another version of the log", { thread: 2, threadId: "t" }],
    ["a record of another kind", { surprise: 1 }],
  ])("%s is refused as newer, and stays as it is", async (_, fields) => {
    const { options, file } = await written();
    const text = await readFile(file, "utf8");
    await writeFile(file, "thread" in fields ? encodeLine(fields) : text + encodeLine(fields));
    const before = await readFile(file, "utf8");
    const saver = new DraftstateSaver(options);
    expect(await codeRejected(saver.getTuple({ configurable: { thread_id: "t" } }))).toBe("NEWER_VERSION");
    expect(await codeRejected(put(saver, "t", {}, 3))).toBe("NEWER_VERSION");
    expect(await readFile(file, "utf8")).toBe(before);
    await saver.close();
  });

  test("a log under another thread's name is damage", async () => {
    const { options, file } = await written();
    await writeFile(join(options.stateDir ?? "", "other.000001.thread"), await readFile(file));
    const saver = new DraftstateSaver(options);
    expect(await codeRejected(saver.getTuple({ configurable: { thread_id: "other" } }))).toBe("CORRUPT");
    await saver.close();
  });
});

describe("classes", () => {
  test("messages come back as what they were", async () => {
    const options = inMemory();
    const saver = new DraftstateSaver(options);
    await put(saver, "t", { messages: [new HumanMessage("hi"), new AIMessage({ content: "yes", tool_calls: [] })] });
    const { messages } = (await valuesAt(saver, "t")) as { messages: BaseMessage[] };
    expect(messages.map((message) => message.constructor)).toEqual([HumanMessage, AIMessage]);
    await saver.close();
  });

  test("an object that would not be read back is refused before it is stored, unless it is allowed", async () => {
    const template = ChatPromptTemplate.fromMessages([["human", "{question}"]]);
    const refusing = new DraftstateSaver(inMemory());
    expect(await codeRejected(put(refusing, "t", { template }))).toBe("INVALID_STATE");
    expect(await valuesAt(refusing, "t")).toBeUndefined();
    await refusing.close();
    const allow = [
      ["langchain_core", "prompts", "chat", "ChatPromptTemplate"],
      ["langchain_core", "prompts", "chat", "HumanMessagePromptTemplate"],
      ["langchain_core", "prompts", "prompt", "PromptTemplate"],
    ];
    const allowing = new DraftstateSaver({ ...inMemory(), allow });
    await put(allowing, "t", { template });
    const { template: read } = (await valuesAt(allowing, "t")) as { template: unknown };
    expect(read).toBeInstanceOf(ChatPromptTemplate);
    await allowing.close();
  });

  test("a class that a file names is not constructed", async () => {
    const planted = { lc: 1, type: "constructor", id: ["langchain_core", "prompts", "PromptTemplate"], kwargs: {} };
    const { JsonPlusSerializer } = await import("@langchain/langgraph-checkpoint");
    const storage = memory();
    const careless = new DraftstateSaver({ storage, serde: new JsonPlusSerializer(), telemetry: false });
    await put(careless, "t", { planted });
    await careless.close();
    const saver = new DraftstateSaver({ storage, telemetry: false });
    expect(await codeRejected(saver.getTuple({ configurable: { thread_id: "t" } }))).toBe("CORRUPT");
    await saver.close();
  });
});
