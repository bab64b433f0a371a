/** A snapshot is plain pretty-printed JSON that anyone can read, and it comes back exactly. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { freezeJson, type JsonObject } from "../../src/model/json.js";
import { decodeSnapshot } from "../../src/snapshot/decode.js";
import { encodeSnapshot, SnapshotParts } from "../../src/snapshot/encode.js";
import { AREAS } from "../../src/storage/storage.js";
import { contents } from "../doubles/contents.js";
import { codeRejected, codeThrown } from "../doubles/error-code.js";
import { memory } from "../doubles/managers.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";
import { anyObject } from "../doubles/json-values.js";
import { sampleMetadata } from "../doubles/snapshots.js";

function bytesOf(state: JsonObject): Buffer {
  return encodeSnapshot(freezeJson(state) as JsonObject, sampleMetadata());
}

/** Entries that one snapshot after another holds, each time in other places. */
const POOL = Array.from({ length: 6 }, (_, index) => freezeJson({ id: `m${index}`, content: "ü".repeat(index) }));

/** From what is copied to what stands alone. */
const LARGE = Array.from({ length: 6 }, (_, index) =>
  freezeJson({ id: `l${index}`, content: "ü".repeat(8 ** index % 40_000) }),
) as JsonObject[];

describe("encodeSnapshot", () => {
  test("gives what JSON.stringify gives, with two spaces and a newline", () => {
    fc.assert(
      fc.property(anyObject, (state) => {
        const text = bytesOf(state).toString("utf8");
        expect(text).toBe(`${JSON.stringify(JSON.parse(text), null, 2)}\n`);
      }),
      { numRuns: 500 },
    );
  });

  test("gives it also for what it has encoded before", () => {
    const message = freezeJson({ id: "m", content: ["a", { b: [] }], empty: {} }) as JsonObject;
    const state = freezeJson({ messages: [message, [], {}, [message], null, "x"], other: [message] }) as JsonObject;
    const [first, second] = [encodeSnapshot(state, sampleMetadata()), encodeSnapshot(state, sampleMetadata())];
    expect(second.toString()).toBe(first.toString());
    expect(first.toString()).toBe(`${JSON.stringify(JSON.parse(first.toString()), null, 2)}\n`);
  });

  test("gives it also for entries that were moved, taken out and put between others since", () => {
    const entry = fc.oneof(fc.constantFrom(...POOL), fc.string(), anyObject);
    const lists = fc.record({ a: fc.array(entry), ä: fc.array(entry) });
    fc.assert(
      fc.property(lists, (state) => {
        const text = bytesOf(state).toString("utf8");
        const { _metadata: metadata, ...rest } = JSON.parse(text) as Record<string, unknown>;
        expect(rest).toEqual(JSON.parse(JSON.stringify(state)));
        expect(text).toBe(`${JSON.stringify({ ...rest, _metadata: metadata }, null, 2)}\n`);
      }),
      { numRuns: 500 },
    );
  });

  test("gives it in parts, the same where others are made between them", () => {
    const lists = fc.array(fc.array(fc.constantFrom(...LARGE), { maxLength: 8 }), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(lists, fc.array(fc.nat()), (entries, turns) => {
        const states = entries.map((list) => freezeJson({ list, after: "x" }) as JsonObject);
        const made = states.map((state) => ({
          parts: new SnapshotParts(state, sampleMetadata())[Symbol.iterator](),
          bytes: [] as Buffer[],
        }));
        const goOn = ({ parts, bytes }: (typeof made)[number]): boolean => {
          const { done, value } = parts.next();
          if (done !== true) bytes.push(value);
          return done !== true;
        };
        for (const turn of turns)
          goOn(
            made[turn % made.length] ?? {
              parts: new SnapshotParts({}, sampleMetadata())[Symbol.iterator](),
              bytes: [],
            },
          );
        for (const each of made) while (goOn(each));
        for (const [index, { bytes }] of made.entries()) {
          const text = Buffer.concat(bytes).toString("utf8");
          expect(text).toBe(
            `${JSON.stringify({ ...states[index], _metadata: (JSON.parse(text) as JsonObject)["_metadata"] }, null, 2)}\n`,
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  test("gives entries that are where they were as they were, without a copy", () => {
    const state = freezeJson({ list: LARGE }) as JsonObject;
    const whole = (): Buffer[] => [...new SnapshotParts(state, sampleMetadata())];
    whole();
    const [first, second] = [whole(), whole()];
    const shared = second.filter((part) =>
      first.some((other) => other.buffer === part.buffer && other.byteOffset === part.byteOffset),
    );
    expect(shared.reduce((sum, part) => sum + part.length, 0)).toBeGreaterThan(0.8 * Buffer.concat(second).length);
  });

  test("has no part that is as large as the whole of much", () => {
    const state = freezeJson({
      list: Array.from({ length: 4000 }, (_, index) => ({ index, content: "x".repeat(1000) })),
    }) as JsonObject;
    expect(Math.max(...[...new SnapshotParts(state, sampleMetadata())].map((part) => part.length))).toBeLessThanOrEqual(
      1024 * 1024,
    );
  });

  test("stays in few parts, and keeps few bytes for the next, however often a little is added", () => {
    const list: JsonObject[] = [];
    let parts: Buffer[] = [];
    let before: Buffer[] = [];
    for (let index = 0; index < 1500; index += 1) {
      list.push(freezeJson({ index, content: "x".repeat(200) }) as JsonObject);
      before = parts;
      parts = [...new SnapshotParts(freezeJson({ list: [...list] }) as JsonObject, sampleMetadata())];
    }
    const whole = Buffer.concat(parts).length;
    const kept = [...new Set(parts.map((part) => part.buffer))].reduce((sum, buffer) => sum + buffer.byteLength, 0);
    const earlier = new Set(before.map((part) => part.buffer));
    const taken = parts.filter((part) => earlier.has(part.buffer)).reduce((sum, part) => sum + part.length, 0);
    expect([parts.length < whole / 8192, kept < 4 * whole, taken > 0.8 * whole]).toEqual([true, true, true]);
  });

  test("keeps nothing of what is beyond 32 MB", () => {
    const list = Array.from({ length: 40 }, (_, index) =>
      freezeJson({ index, content: "x".repeat(1024 * 1024) }),
    ) as JsonObject[];
    const state = freezeJson({ list }) as JsonObject;
    const first = new Set([...new SnapshotParts(state, sampleMetadata())].map((part) => part.buffer));
    const again = [...new SnapshotParts(state, sampleMetadata())].filter((part) => first.has(part.buffer));
    expect(Math.round(again.reduce((sum, part) => sum + part.length, 0) / (1024 * 1024))).toBe(31);
  });

  test("puts _metadata last", () => {
    fc.assert(
      fc.property(anyObject, (state) => {
        expect(Object.keys(JSON.parse(bytesOf(state).toString("utf8")) as object).at(-1)).toBe("_metadata");
      }),
    );
  });

  test("any state comes back equal, whatever its Unicode", () => {
    fc.assert(
      fc.property(anyObject, (state) => {
        const decoded = decodeSnapshot(bytesOf(state), "chat");
        expect(decoded.kind === "valid" ? decoded.state : decoded).toEqual(state);
      }),
      { numRuns: 1000 },
    );
  });

  test("the metadata comes back equal", () => {
    const decoded = decodeSnapshot(bytesOf({}), "chat");
    expect(decoded.kind === "valid" ? { ...decoded.metadata, checksum: "" } : decoded).toEqual({
      ...sampleMetadata(),
      checksum: "",
    });
  });
});

describe("what could not be read back", () => {
  const state = freezeJson({
    messages: Array.from({ length: 40 }, (_, index) => ({ index, content: "ü".repeat(2000) })),
    after: "x",
  }) as JsonObject;
  const { length } = encodeSnapshot(state, sampleMetadata());

  test("is refused from the first byte beyond the limit on, and not before", () => {
    expect(encodeSnapshot(state, sampleMetadata(), { maxBytes: length })).toHaveLength(length);
    for (const maxBytes of [length - 1, length / 2, 10])
      expect(codeThrown(() => encodeSnapshot(state, sampleMetadata(), { maxBytes }))).toBe("INVALID_STATE");
  });

  test("is refused in place of the part that goes beyond: no more is made", () => {
    const maxBytes = Math.floor(length / 2);
    let made = 0;
    expect(
      codeThrown(() => {
        for (const part of new SnapshotParts(state, sampleMetadata(), { maxBytes })) made += part.length;
      }),
    ).toBe("INVALID_STATE");
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThanOrEqual(maxBytes);
  });

  test("is refused also where its metadata alone goes beyond", () => {
    const extra = { theirs: "x".repeat(1000) };
    const metadata = { ...sampleMetadata(), extra };
    expect(codeThrown(() => encodeSnapshot({}, metadata, { maxBytes: 900 }))).toBe("INVALID_STATE");
  });

  test("is refused where one text of it is too long for the runtime", () => {
    const long = freezeJson({ text: "\u0001".repeat(100 * 1024 * 1024) }) as JsonObject;
    expect(codeThrown(() => encodeSnapshot(long, sampleMetadata()))).toBe("INVALID_STATE");
  });

  test("leaves what is in its place as it was, and no file behind", async () => {
    const disk = new SimulatedFileSystem();
    for (const storage of [memory(), storageOver(disk)]) {
      await storage.prepare();
      const key = { area: "state", name: "chat.json" } as const;
      await storage.replace(key, encodeSnapshot({}, sampleMetadata()));
      const before = await contents(storage, AREAS);
      expect(
        await codeRejected(
          storage.replace(key, new SnapshotParts(state, sampleMetadata(), { maxBytes: Math.floor(length / 2) })),
        ),
      ).toBe("INVALID_STATE");
      expect(await contents(storage, AREAS)).toEqual(before);
    }
    expect([...disk.image.entries.keys()].filter((path) => path.includes(".tmp-"))).toEqual([]);
  });
});
