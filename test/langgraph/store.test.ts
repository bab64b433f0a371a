/** The store for LangGraph on files and in memory: its promises, what stands on disk, and what becomes of damage. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getStore, MessagesAnnotation, START, StateGraph, type LangGraphRunnableConfig } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";
import { DraftstateSaver, DraftstateStore, type StoreOptions } from "../../src/langgraph/index.js";
import { storeContract } from "../contracts/store-contract.js";
import { encodeLine } from "../../src/journal/framing.js";
import { codeRejected } from "../doubles/error-code.js";
import { memory } from "../doubles/managers.js";

async function onFiles(): Promise<StoreOptions & { readonly stateDir: string }> {
  const root = await mkdtemp(join(tmpdir(), "draftstate-store-"));
  return { stateDir: join(root, "state"), backupDir: join(root, "backup"), telemetry: false };
}

const inMemory = (): Promise<StoreOptions> => {
  const storage = memory();
  return Promise.resolve({ storage });
};

storeContract("in memory", inMemory);
storeContract("on files", onFiles);

async function filesOf(stateDir: string): Promise<string[]> {
  return (await readdir(stateDir)).filter((name) => !name.startsWith("."));
}

describe("on disk", () => {
  test("a namespace is lines of JSON that a person can read", async () => {
    const options = await onFiles();
    const store = new DraftstateStore(options);
    await store.put(["memories", "User 1"], "likes", { food: "ramen" });
    await store.close();
    expect(await filesOf(options.stateDir)).toEqual(["memories.%55ser%201.changes"]);
    const lines = (await readFile(join(options.stateDir, "memories.%55ser%201.changes"), "utf8")).trim().split("\n");
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { changes: 1, namespace: ["memories", "User 1"], base: 0 },
      { rev: 1, of: [{ put: "likes", value: { food: "ramen" } }] },
      { end: true },
    ]);
  });

  test("a long namespace has a short name, and is found by its labels", async () => {
    const options = await onFiles();
    const store = new DraftstateStore(options);
    const labels = ["users", "x".repeat(200), "memories"];
    await store.put(labels, "a", { n: 1 });
    await store.close();
    const again = new DraftstateStore(options);
    expect(await again.listNamespaces({ prefix: ["users"] })).toEqual([labels]);
    expect(await again.search(["users"])).toMatchObject([{ namespace: labels, key: "a" }]);
    await again.close();
  });

  test("changes are folded into a snapshot, so that a namespace has the size of its items", async () => {
    const options: StoreOptions & { stateDir: string } = { ...(await onFiles()), durability: "relaxed" };
    const store = new DraftstateStore(options);
    for (let at = 0; at < 200; at += 1) await store.put(["n"], `k${at % 10}`, { at, text: "x".repeat(1000) });
    await store.close();
    expect(await filesOf(options.stateDir)).toEqual(["n.changes", "n.items"]);
    const bytes = (await readFile(join(options.stateDir, "n.changes"))).length;
    expect(bytes).toBeLessThan(70_000);
    const again = new DraftstateStore(options);
    const found = await again.search(["n"], { limit: 100 });
    expect(found.map(({ value }): unknown => value["at"])).toEqual(Array.from({ length: 10 }, (_, at) => 190 + at));
    await again.close();
  });
});

describe("damage", () => {
  /** A namespace with a snapshot and a journal behind it. */
  async function made(): Promise<StoreOptions & { readonly stateDir: string }> {
    const options = await onFiles();
    const store = new DraftstateStore({ ...options, durability: "relaxed" });
    await store.put(["n"], "big", { text: "x".repeat(70_000) });
    await store.put(["n"], "a", { n: 1 });
    await store.put(["n"], "b", { n: 2 });
    await store.close();
    return options;
  }

  async function change(stateDir: string, name: string, edit: (text: string) => string): Promise<void> {
    const file = join(stateDir, name);
    await writeFile(file, edit(await readFile(file, "utf8")));
  }

  const cases: readonly [string, string, (text: string) => string, string][] = [
    ["a changed value of the snapshot", "n.items", (text) => text.replace("xxx", "xxy"), "CORRUPT"],
    ["a snapshot that lacks an item", "n.items", (text) => text.split("\n").slice(0, 1).join("\n") + "\n", "CORRUPT"],
    ["an empty snapshot", "n.items", () => "", "CORRUPT"],
    ["a changed line of the journal", "n.changes", (text) => text.replace('"n":1', '"n":3'), "CORRUPT"],
    ["a missing line of the journal", "n.changes", (text) => text.replace(/^.*"put":"a".*\n/m, ""), "CORRUPT"],
    ["an empty journal", "n.changes", () => "", "CORRUPT"],
    ["a snapshot of a newer version", "n.items", () => line('"items":2'), "NEWER_VERSION"],
    ["a journal of a newer version", "n.changes", (text) => text + line('"sealed":true'), "NEWER_VERSION"],
  ];

  function line(inside: string): string {
    return encodeLine(JSON.parse(`{${inside}}`) as object);
  }

  for (const [what, name, edit, code] of cases)
    test(`${what} is ${code}, for reading and for writing, and nothing is changed`, async () => {
      const options = await made();
      await change(options.stateDir, name, edit);
      const before = await readFile(join(options.stateDir, name), "utf8");
      const store = new DraftstateStore(options);
      expect(await codeRejected(store.get(["n"], "a"))).toBe(code);
      expect(await codeRejected(store.put(["n"], "c", {}))).toBe(code);
      expect(await codeRejected(store.search([]))).toBe(code);
      await store.put(["other"], "a", { n: 1 });
      await store.close();
      expect(await readFile(join(options.stateDir, name), "utf8")).toBe(before);
    });

  test("a missing snapshot is never taken for an earlier history, also where nothing follows it", async () => {
    const options = await made();
    await rm(join(options.stateDir, "n.items"));
    await change(options.stateDir, "n.changes", (text) => text.slice(0, text.indexOf("\n") + 1));
    const store = new DraftstateStore(options);
    expect(await codeRejected(store.get(["n"], "a"))).toBe("CORRUPT");
    await store.close();
  });

  for (const [what, name, edit, code] of cases)
    test(`${what} is told by verify, and repaired unless it is of a newer version`, async () => {
      const options = await made();
      await change(options.stateDir, name, edit);
      const before = await readFile(join(options.stateDir, name), "utf8");
      const store = new DraftstateStore(options);
      const kind = code === "CORRUPT" ? "items-damaged" : "items-newer";
      expect((await store.manager.verify()).problems).toMatchObject([{ conversationId: "n", kind }]);
      if (code === "NEWER_VERSION") {
        expect(await codeRejected(store.repair(["n"]))).toBe(code);
        expect(await readFile(join(options.stateDir, name), "utf8")).toBe(before);
      } else {
        const { repaired, quarantined } = await store.repair(["n"]);
        expect([repaired, await Promise.all(quarantined.map((path) => readFile(path, "utf8")))]).toEqual([
          true,
          expect.arrayContaining([before]),
        ]);
        expect((await store.manager.verify()).problems).toEqual([]);
        // Those whose lines are whole: of the others at least the rest.
        const found = (await store.search(["n"])).map(({ key }) => key);
        expect(found).toEqual(expect.arrayContaining(name === "n.items" ? ["b"] : ["big"]));
        await store.put(["n"], "c", { n: 3 });
        expect((await store.get(["n"], "c"))?.value).toEqual({ n: 3 });
        expect(await store.repair(["n"])).toMatchObject({ repaired: false });
      }
      await store.close();
    });

  test("the end that a crash cut off is left out, told, and kept in quarantine", async () => {
    const options = await made();
    await change(options.stateDir, "n.changes", (text) =>
      text.slice(0, text.indexOf('{"crc"', text.indexOf('"b"')) - 9),
    );
    const store = new DraftstateStore(options);
    const warnings: string[] = [];
    store.manager.on("warning", ({ message }) => warnings.push(message));
    expect(await store.get(["n"], "b")).toBeNull();
    expect((await store.get(["n"], "a"))?.value).toEqual({ n: 1 });
    await store.put(["n"], "c", { n: 3 });
    expect(warnings).toHaveLength(1);
    expect(await store.manager.storage.list("quarantine")).toHaveLength(1);
    await store.close();
    const again = new DraftstateStore(options);
    expect((await again.get(["n"], "c"))?.value).toEqual({ n: 3 });
    await again.close();
  });
});

describe("several writers", () => {
  test("one writes a namespace, another is refused by name, and reading never waits", async () => {
    const options = await onFiles();
    const first = new DraftstateStore({ ...options, command: "first" });
    const second = new DraftstateStore({ ...options, command: "second" });
    await first.put(["n"], "a", { n: 1 });
    expect((await second.get(["n"], "a"))?.value).toEqual({ n: 1 });
    await second.put(["other"], "a", { n: 1 });
    const refused = expect(second.put(["n"], "a", { n: 2 })).rejects.toThrow(/"n"\] of the store is locked: first/);
    await new Promise((resolve) => setTimeout(resolve, 50));
    // A store that is closed waits no longer.
    await second.close();
    await refused;
    await first.close();
    const third = new DraftstateStore(options);
    await third.put(["n"], "a", { n: 3 });
    await third.close();
  });

  test("closing the manager closes what was built on it", async () => {
    const saver = new DraftstateSaver(await inMemory());
    const store = new DraftstateStore({ manager: saver.manager });
    await store.put(["n"], "a", { n: 1 });
    await saver.close();
    expect(await saver.manager.storage.locks()).toEqual([]);
    expect(await codeRejected(store.put(["n"], "a", { n: 2 }))).toBe("USAGE");
  });
});

test("a compiled graph keeps its memory in it", async () => {
  const options = await onFiles();
  const saver = new DraftstateSaver(options);
  const store = new DraftstateStore({ manager: saver.manager });
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("remember", async (_, config: LangGraphRunnableConfig) => {
      await config.store?.put(["memories", "ann"], "likes", { food: "ramen" });
      const found = await getStore()?.search(["memories"], { filter: { food: "ramen" } });
      return { messages: [{ role: "ai", content: `I know ${found?.length ?? 0} thing` }] };
    })
    .addEdge(START, "remember")
    .compile({ checkpointer: saver, store });
  const { messages } = await graph.invoke({ messages: [] }, { configurable: { thread_id: "t" } });
  expect(messages.at(-1)?.content).toBe("I know 1 thing");
  await saver.close();
  const again = new DraftstateStore(options);
  expect((await again.get(["memories", "ann"], "likes"))?.value).toEqual({ food: "ramen" });
  await again.close();
});
