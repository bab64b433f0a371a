/**
 * What LangGraph's own stores promise, on any storage. Cases marked with a file are those of langchain-ai/langgraphjs
 * (libs/…/src/tests): checkpoint/store.test.ts, checkpoint-postgres/store.int.test.ts, checkpoint-redis/store.int.test.ts,
 * checkpoint-mongodb/store.test.ts.
 */
import { InvalidNamespaceError, type Operation } from "@langchain/langgraph-checkpoint";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DraftstateStore, type Embedder, type StoreOptions } from "../../src/langgraph/index.js";
import { codeRejected } from "../doubles/error-code.js";

const keysOf = (items: readonly { readonly key: string }[]): string[] => items.map(({ key }) => key).sort();

/** Likeness by letters: texts with the same words are near. */
export class LetterEmbeddings implements Embedder {
  readonly calls: string[][] = [];

  embedDocuments(texts: string[]): Promise<number[][]> {
    this.calls.push(texts);
    return Promise.resolve(texts.map(lettersOf));
  }

  embedQuery(text: string): Promise<number[]> {
    return Promise.resolve(lettersOf(text));
  }
}

function lettersOf(text: string): number[] {
  const counts = Array.from({ length: 26 }, () => 0);
  for (const letter of text.toLowerCase()) {
    const at = letter.charCodeAt(0) - 97;
    if (at >= 0 && at < 26) counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}

/** `make` gives the options of a store of its own, over the same storage at each call. */
export function storeContract(name: string, make: () => Promise<StoreOptions>): void {
  describe(`a LangGraph store ${name}`, () => {
    let options: StoreOptions;
    let store: DraftstateStore;

    beforeEach(async () => {
      options = { ...(await make()), durability: "relaxed", telemetry: false };
      store = new DraftstateStore(options);
    });
    afterEach(async () => {
      vi.useRealTimers();
      await store.close();
    });

    /** The clock alone: a slow machine does not let an item live for less than its time. */
    function stopClock(): (ms: number) => void {
      vi.useFakeTimers({ toFake: ["Date"] });
      return (ms) => {
        vi.setSystemTime(Date.now() + ms);
      };
    }

    /** Another process would see the same. */
    async function again(more: StoreOptions = {}): Promise<DraftstateStore> {
      await store.close();
      return (store = new DraftstateStore({ ...options, ...more }));
    }

    // checkpoint, postgres, redis, mongodb: put, get, update, delete
    test("gives back what was put, with its times, and null for what is not there", async () => {
      await store.put(["test"], "123", { value: 1 });
      const expected = {
        value: { value: 1 },
        key: "123",
        namespace: ["test"],
        createdAt: expect.any(Date) as Date,
        updatedAt: expect.any(Date) as Date,
      };
      expect(await store.get(["test"], "123")).toEqual(expected);
      expect(await (await again()).get(["test"], "123")).toEqual(expected);
      expect(await store.get(["test"], "none")).toBeNull();
      expect(await store.get(["none"], "123")).toBeNull();
      expect(await store.get([], "123")).toBeNull();
    });

    test("an update keeps when it was created", async () => {
      await store.put(["test"], "a", { n: 1 });
      const first = await store.get(["test"], "a");
      await store.put(["test"], "a", { n: 2 });
      const second = await (await again()).get(["test"], "a");
      expect(second?.value).toEqual({ n: 2 });
      expect(second?.createdAt).toEqual(first?.createdAt);
      expect(Number(second?.updatedAt)).toBeGreaterThanOrEqual(Number(first?.updatedAt));
    });

    test("a deleted item is gone, and so it stays", async () => {
      await store.put(["test"], "123", { value: 1 });
      await store.delete(["test"], "123");
      await store.delete(["test"], "never");
      expect(await store.get(["test"], "123")).toBeNull();
      expect(await (await again()).get(["test"], "123")).toBeNull();
    });

    // postgres: "should handle complex JSON values"; redis: "should handle complex nested JSON values", "… large …"
    test("nested, large and odd values come back exactly", async () => {
      const value = {
        nested: { array: [1, "two", { three: [null, true] }], deep: { deeper: { deepest: "✓ 你好 \u0000\n" } } },
        large: "x".repeat(100_000),
        list: Array.from({ length: 1000 }, (_, id) => ({ id })),
        ["with.dots"]: 1,
      };
      await store.put(["Test", "ÄÖ ü/", "con"], "key/../ \u2028", value);
      expect((await (await again()).get(["Test", "ÄÖ ü/", "con"], "key/../ \u2028"))?.value).toEqual(value);
      expect(await store.listNamespaces()).toEqual([["Test", "ÄÖ ü/", "con"]]);
    });

    test("what the program does with a value afterwards changes nothing", async () => {
      const value = { list: [1] };
      await store.put(["test"], "a", value);
      value.list.push(2);
      const read = await store.get(["test"], "a");
      (read?.value["list"] as number[] | undefined)?.push(3);
      expect((await store.get(["test"], "a"))?.value).toEqual({ list: [1] });
    });

    test("refuses a value that JSON cannot carry exactly, and keeps the old", async () => {
      await store.put(["test"], "a", { n: 1 });
      expect(await codeRejected(store.put(["test"], "a", { n: new Date() }))).toBe("INVALID_STATE");
      expect(await codeRejected(store.put(["test"], "a", [1] as never))).toBe("INVALID_STATE");
      expect((await store.get(["test"], "a"))?.value).toEqual({ n: 1 });
    });

    // checkpoint: "Should block invalid namespaces in put"; postgres, redis, mongodb: the same
    test("refuses namespaces that LangGraph refuses", async () => {
      const doc = { foo: "bar" };
      for (const bad of [[], ["the", "thing.about"], ["some", "fun", ""], ["langgraph", "foo"], ["a:b"], [1 as never]])
        await expect(store.put(bad, "foo", doc)).rejects.toThrow(InvalidNamespaceError);
      await store.put(["foo", "langgraph", "foo"], "bar", doc);
      expect((await store.get(["foo", "langgraph", "foo"], "bar"))?.value).toEqual(doc);
      expect((await store.search(["foo", "langgraph", "foo"]))[0]?.value).toEqual(doc);
      await store.delete(["foo", "langgraph", "foo"], "bar");
      expect(await store.get(["foo", "langgraph", "foo"], "bar")).toBeNull();
      await store.batch([{ namespace: ["langgraph", "foo"], key: "bar", value: doc }]);
      expect((await store.get(["langgraph", "foo"], "bar"))?.value).toEqual(doc);
      expect((await store.search(["langgraph", "foo"]))[0]?.value).toEqual(doc);
      await store.delete(["langgraph", "foo"], "bar");
      expect(await store.get(["langgraph", "foo"], "bar")).toBeNull();
    });

    // postgres: "batch put and get", "mixed valid and invalid"; redis: "in correct order", "all operation types"
    test("a batch runs in its order, and none of it where a part is invalid", async () => {
      await store.put(["test", "foo"], "key1", { data: "value1" });
      const operations: Operation[] = [
        { namespace: ["test", "foo"], key: "key1" },
        { namespace: ["test", "baz"], key: "key3", value: { data: "value3" } },
        { namespace: ["test", "baz"], key: "key3" },
        { namespace: ["test", "baz"], key: "key3", value: null },
        { namespacePrefix: ["test"], limit: 10, offset: 0 },
        { matchConditions: [{ matchType: "prefix", path: ["test"] }], limit: 10, offset: 0 },
      ];
      const [first, put, second, removed, found, namespaces] = await store.batch(operations);
      expect(first).toMatchObject({ value: { data: "value1" } });
      expect([put, removed]).toEqual([undefined, undefined]);
      expect(second).toMatchObject({ value: { data: "value3" } });
      expect(found).toMatchObject([{ key: "key1" }]);
      expect(namespaces).toEqual([["test", "foo"]]);
      const invalid = [
        { namespace: ["batch"], key: "item1", value: { data: "first" } },
        { namespace: [], key: "item2", value: { data: "invalid" } },
      ];
      await expect(store.batch(invalid)).rejects.toThrow("Namespace cannot be empty");
      expect(await store.get(["batch"], "item1")).toBeNull();
    });

    // redis: "should search all items in namespace", "filter by namespace prefix", "pagination"; postgres: "limit and offset"
    test("searches below a prefix, in pages", async () => {
      for (let at = 0; at < 12; at += 1) await store.put(["s", "a"], `k${at}`, { at });
      await store.put(["s", "ab"], "other", { at: 99 });
      await store.put(["sx"], "outside", { at: 100 });
      expect(await store.search(["s", "a"])).toHaveLength(10);
      expect((await store.search(["s", "a"], { limit: 5, offset: 10 })).map(({ key }) => key)).toEqual(["k10", "k11"]);
      expect(await store.search(["s"], { limit: 100 })).toHaveLength(13);
      expect(await store.search([], { limit: 100 })).toHaveLength(14);
      expect(await store.search(["nothing"])).toEqual([]);
    });

    // redis: "Advanced Search Operators", "Complex Filter Combinations", "Search with Complex Filters"; postgres: the same
    test("filters by equality, operators and paths", async () => {
      const products: [string, string, Record<string, unknown>][] = [
        [
          "electronics",
          "laptop1",
          { name: "Laptop Pro", price: 1200, active: true, specs: { ram: 16 }, at: "2026-01-02" },
        ],
        [
          "electronics",
          "laptop2",
          { name: "Laptop Air", price: 800, active: false, specs: { ram: 8 }, tags: ["a", "b"] },
        ],
        ["electronics", "phone1", { name: "Phone X", price: 600, active: true, specs: { ram: 6 }, at: "2026-01-01" }],
        ["furniture", "chair1", { name: "Office Chair", price: 250, active: true, material: "leather" }],
      ];
      for (const [kind, key, value] of products) await store.put(["products", kind], key, value);
      const found = async (filter: Record<string, unknown>): Promise<string[]> =>
        keysOf(await store.search(["products"], { filter }));
      expect(await found({ price: { $gt: 700 } })).toEqual(["laptop1", "laptop2"]);
      expect(await found({ price: { $gte: 800 } })).toEqual(["laptop1", "laptop2"]);
      expect(await found({ price: { $lt: 600 } })).toEqual(["chair1"]);
      expect(await found({ price: { $lte: 600 } })).toEqual(["chair1", "phone1"]);
      expect(await found({ price: { $eq: 600 } })).toEqual(["phone1"]);
      expect(await found({ price: { $ne: 600 } })).toEqual(["chair1", "laptop1", "laptop2"]);
      expect(await found({ name: { $in: ["Laptop Pro", "Phone X", "Unknown"] } })).toEqual(["laptop1", "phone1"]);
      expect(await found({ name: { $nin: ["Laptop Pro", "Phone X"] } })).toEqual(["chair1", "laptop2"]);
      expect(await found({ material: { $exists: true } })).toEqual(["chair1"]);
      expect(await found({ material: { $exists: false } })).toEqual(["laptop1", "laptop2", "phone1"]);
      expect(await found({ price: { $gte: 250, $lte: 600 }, active: true })).toEqual(["chair1", "phone1"]);
      expect(await found({ "specs.ram": 8 })).toEqual(["laptop2"]);
      expect(await found({ specs: { ram: 8 } })).toEqual(["laptop2"]);
      expect(await found({ tags: ["a", "b"] })).toEqual(["laptop2"]);
      expect(await found({ at: { $gt: "2026-01-01" } })).toEqual(["laptop1"]);
      expect(await found({ nothing: 1 })).toEqual([]);
      expect(await codeRejected(found({ price: { $bigger: 1 } }))).toBe("USAGE");
    });

    // checkpoint, redis, postgres, mongodb: listNamespaces
    test("lists namespaces by prefix, suffix, wildcard, depth and page", async () => {
      for (const [at, path] of ["a/b/c", "a/b/d", "a/c/e", "x/y/z"].entries())
        await store.put(path.split("/"), String(at), { value: at });
      const [abc, abd, ace, xyz] = [
        ["a", "b", "c"],
        ["a", "b", "d"],
        ["a", "c", "e"],
        ["x", "y", "z"],
      ];
      expect(await store.listNamespaces({})).toEqual([abc, abd, ace, xyz]);
      expect(await store.listNamespaces({ prefix: ["a"] })).toEqual([abc, abd, ace]);
      expect(await store.listNamespaces({ suffix: ["d"] })).toEqual([abd]);
      expect(await store.listNamespaces({ maxDepth: 2 })).toEqual([
        ["a", "b"],
        ["a", "c"],
        ["x", "y"],
      ]);
      expect(await store.listNamespaces({ limit: 2, offset: 1 })).toEqual([abd, ace]);
      expect(await store.listNamespaces({ prefix: ["a"], suffix: ["c"], maxDepth: 2 })).toEqual([["a", "b"]]);
      expect(await store.listNamespaces({ prefix: ["a", "*", "c"] })).toEqual([abc]);
      expect(await store.listNamespaces({ suffix: ["*", "z"] })).toEqual([xyz]);
      expect(await store.listNamespaces({ prefix: ["non", "existent"] })).toEqual([]);
      expect(await store.listNamespaces({ prefix: ["a", "b", "c", "d"] })).toEqual([]);
      await store.delete(["x", "y", "z"], "3");
      expect(await store.listNamespaces({})).toEqual([abc, abd, ace]);
    });

    // postgres: "should support TTL options", "TTL configuration and sweep"; redis: "should expire items with TTL"
    test("an item with a time to live is gone after it, and the sweep removes it", async () => {
      const pass = stopClock();
      await again({ ttl: { defaultTtl: 0.0005 } });
      await store.put(["ttl"], "short", { n: 1 });
      await store.put(["ttl"], "long", { n: 2 }, undefined, { ttl: 60 });
      expect((await store.get(["ttl"], "short"))?.value).toEqual({ n: 1 });
      pass(40);
      expect(await store.get(["ttl"], "short")).toBeNull();
      expect(keysOf(await store.search(["ttl"]))).toEqual(["long"]);
      expect(await store.sweepExpiredItems()).toBe(1);
      expect(await store.sweepExpiredItems()).toBe(0);
      expect(keysOf(await (await again()).search(["ttl"]))).toEqual(["long"]);
    });

    // postgres, redis: "should refresh TTL on read"
    test("reading lets an item live its time again where that is asked for", async () => {
      const pass = stopClock();
      await again({ ttl: { defaultTtl: 0.005, refreshOnRead: true } });
      await store.put(["ttl"], "read", { n: 1 });
      await store.put(["ttl"], "unread", { n: 2 });
      for (let at = 0; at < 3; at += 1) {
        pass(120);
        expect((await store.get(["ttl"], "read"))?.value).toEqual({ n: 1 });
      }
      expect(await store.get(["ttl"], "unread")).toBeNull();
    });

    // postgres, redis: "Vector Search", "Selective Field Indexing", "should update embeddings when document changes"
    test("finds by likeness through the program's embeddings, which are stored", async () => {
      const embeddings = new LetterEmbeddings();
      const index = { dims: 26, embeddings, fields: ["text", "list[*].name"] };
      await again({ index });
      await store.put(["docs"], "apple", { text: "red apple", color: "red" });
      await store.put(["docs"], "car", { text: "zzz", list: [{ name: "bus" }, { name: "car" }], color: "red" });
      await store.put(["docs"], "hidden", { text: "apple apple", color: "green" }, false);
      await store.put(["docs"], "title", { text: "zzz", title: "pear" }, ["title"]);
      expect(embeddings.calls).toEqual([["red apple"], ["zzz", "bus", "car"], ["pear"]]);
      await again({ index });
      const found = await store.search(["docs"], { query: "apple", limit: 10 });
      expect(found.map(({ key }) => key)).toEqual(["apple", "title", "car", "hidden"]);
      expect(found[0]?.score).toBeGreaterThan(0.8);
      expect(found[3]?.score).toBeUndefined();
      const red = await store.search(["docs"], { query: "apple", filter: { color: "red" } });
      expect(red.map(({ key }) => key)).toEqual(["apple", "car"]);
      await store.put(["docs"], "apple", { text: "qqq" });
      expect((await store.search(["docs"], { query: "apple", limit: 1 }))[0]?.key).toBe("title");
      expect(embeddings.calls).toHaveLength(4);
    });

    // mongodb, postgres refuse; LangGraph's own InMemoryStore gives the items unranked
    test("a query without an index gives the items as they stand", async () => {
      await store.put(["docs"], "a", { text: "a" });
      expect(await store.search(["docs"], { query: "anything" })).toMatchObject([{ key: "a" }]);
    });

    test("many puts at once are all there", async () => {
      await Promise.all(Array.from({ length: 50 }, (_, at) => store.put(["many"], `k${at}`, { at })));
      expect(await (await again()).search(["many"], { limit: 100 })).toHaveLength(50);
    });
  });
}
