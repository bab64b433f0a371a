/** Bytes that are not what was written are never taken for it: each bit counts, and each cut shows. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { freezeJson, type Json, type JsonObject } from "../../src/model/json.js";
import { seal, verifySeal } from "../../src/snapshot/checksum.js";
import { decodeMetadataEnd, decodeSnapshot } from "../../src/snapshot/decode.js";
import { encodeSnapshot } from "../../src/snapshot/encode.js";
import { anyObject } from "../doubles/json-values.js";
import { sampleMetadata, snapshotBytes, versionAt } from "../doubles/snapshots.js";

const STATE = {
  messages: [{ id: "m1", role: "user", content: "Où est l’été? 🎈" }],
  count: 12,
  flag: true,
  none: null,
};
const BYTES = encodeSnapshot(freezeJson(STATE) as JsonObject, sampleMetadata());

function kindOf(bytes: Uint8Array, id = "chat"): string {
  return decodeSnapshot(bytes, id).kind;
}

/** The document with fields of `_metadata` set, signed as if a version had written it so. */
function signed(fields: JsonObject): Buffer {
  const document = JSON.parse(BYTES.toString("utf8")) as { _metadata: JsonObject };
  return seal(
    Buffer.from(
      `${JSON.stringify({ ...document, _metadata: { ...document._metadata, ...fields, checksum: "sha256:" } }, null, 2)}\n`,
    ),
  );
}

describe("damage", () => {
  test("no flipped bit is believed to be another state", () => {
    let flipped = 0;
    for (let at = 0; at < BYTES.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const bytes = Buffer.from(BYTES);
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
        const decoded = decodeSnapshot(bytes, "chat");
        if (decoded.kind === "valid") expect(decoded.state, `byte ${at}, bit ${bit}`).toEqual(STATE);
        flipped += 1;
      }
    }
    expect(flipped).toBe(BYTES.length * 8);
  });

  test("no byte can be any other", () => {
    for (let at = 0; at < BYTES.length; at += 1) {
      for (const value of [0, 0x20, 0x22, 0x30, 0x7d, 0xff]) {
        if (BYTES.readUInt8(at) === value) continue;
        const bytes = Buffer.from(BYTES);
        bytes.writeUInt8(value, at);
        expect(kindOf(bytes), `byte ${at} as ${value}`).not.toBe("valid");
      }
    }
  });

  test("each truncation is damaged, but for the last newline, which is edited", () => {
    for (let length = 0; length < BYTES.length - 1; length += 1)
      expect(kindOf(BYTES.subarray(0, length)), `cut at ${length}`).toBe("damaged");
    expect(kindOf(BYTES.subarray(0, -1))).toBe("edited");
  });

  test.each<[string, Uint8Array]>([
    ["nothing", Buffer.alloc(0)],
    ["zeros", Buffer.alloc(BYTES.length)],
    ["a list", Buffer.from("[]")],
    ["a text", Buffer.from('"chat"')],
    ["no metadata", Buffer.from("{}")],
    ["metadata that is a list", Buffer.from('{"_metadata":[]}')],
    ["bytes that are no UTF-8", Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')])],
    ["a __proto__ key", Buffer.from('{"__proto__":{},"_metadata":{"version":"1.0.0"}}')],
    ["nesting without end", Buffer.from(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`)],
  ])("%s is damaged", (_name, bytes) => {
    expect(kindOf(bytes)).toBe("damaged");
  });

  test("another conversation's id inside is damaged", () => {
    expect(kindOf(BYTES, "chat2")).toBe("damaged");
  });

  test("a revision that is no whole number is damaged", () => {
    expect([-1, 1.5, "7"].map((revision) => kindOf(signed({ revision })))).toEqual(["damaged", "damaged", "damaged"]);
  });
});

describe("what is not damage", () => {
  test("an edit by hand is told from damage, and shown", () => {
    const decoded = decodeSnapshot(Buffer.from(BYTES.toString("utf8").replace("12", "13")), "chat");
    expect([decoded.kind, decoded.kind === "edited" ? decoded.state["count"] : undefined]).toEqual(["edited", 13]);
  });

  test("a file whose checksum was taken out is edited", () => {
    const document = JSON.parse(BYTES.toString("utf8")) as { _metadata: Record<string, unknown> };
    delete document._metadata["checksum"];
    expect(kindOf(Buffer.from(JSON.stringify(document, null, 2)))).toBe("edited");
  });

  test("a newer major version is newer, a newer minor one is read", () => {
    expect([
      kindOf(signed({ version: "2.0.0" })),
      kindOf(signed({ version: "10.0.0" })),
      kindOf(signed({ version: "1.7.0" })),
    ]).toEqual(["newer", "newer", "valid"]);
  });

  test("a newer version is told also where the checksum is wrong, which it may make in another way", () => {
    const text = signed({}).toString();
    expect(decodeSnapshot(Buffer.from(text.replace('"1.0.0"', '"2.0.0"')), "chat")).toEqual({
      kind: "newer",
      version: "2.0.0",
      revision: 7,
    });
  });

  test("a newer version may have any other shape", () => {
    expect(
      decodeSnapshot(Buffer.from('{"_metadata":{"version":"2.0.0","conversationId":["chat"],"revision":"7"}}'), "chat"),
    ).toEqual({ kind: "newer", version: "2.0.0" });
  });

  test("a version that is none is newer where the checksum is right, and no guess where it is wrong", () => {
    const versions: Json[] = ["next", "", "v1.0.0", "-1.0.0", 2, null, ["1.0.0"]];
    expect(versions.map((version) => kindOf(signed({ version })))).toEqual(versions.map(() => "newer"));
    const wrong = versions.map((version) => Buffer.from(signed({ version }).toString().replace("12", "13")));
    expect(wrong.map((bytes) => kindOf(bytes)).filter((kind) => kind === "newer" || kind === "valid")).toEqual([]);
  });

  test("a version is named in few words, whatever it is", () => {
    const decoded = decodeSnapshot(signed({ version: `9${"x".repeat(10_000)}` }), "chat");
    expect(decoded.kind === "newer" && decoded.version.length).toBeLessThan(100);
  });

  test("unknown metadata fields are kept", () => {
    const decoded = decodeSnapshot(signed({ "x-mine": { deep: 1 } }), "chat");
    expect(decoded.kind === "valid" ? decoded.metadata.extra : decoded).toEqual({
      theirs: { deep: [1] },
      "x-mine": { deep: 1 },
    });
  });

  test("fields that look like the checksum leave the seal valid", () => {
    const state = freezeJson({
      checksum: "sha256:00",
      a: '"checksum": "sha256:',
      '"checksum": "sha256:': { checksum: "sha256:" },
    }) as JsonObject;
    const bytes = encodeSnapshot(state, {
      ...sampleMetadata(),
      extra: { a: { checksum: "sha256:1" } },
      title: '"checksum": "sha256:',
    });
    expect([verifySeal(bytes), kindOf(bytes)]).toEqual(["valid", "valid"]);
  });
});

describe("decodeMetadataEnd", () => {
  test("agrees with a full parse, whatever the state", () => {
    fc.assert(
      fc.property(anyObject, (state) => {
        const bytes = encodeSnapshot(freezeJson(state) as JsonObject, sampleMetadata());
        const decoded = decodeSnapshot(bytes, "chat");
        expect(decodeMetadataEnd(bytes.subarray(-4096))).toEqual(decoded.kind === "valid" ? decoded.metadata : decoded);
      }),
      { numRuns: 500 },
    );
  });

  test("is not fooled by texts and fields that look like the marker", () => {
    const marker = '\n  "_metadata": {';
    const state = {
      [marker]: marker,
      deep: { _metadata: { revision: 99 } },
      list: [{ _metadata: {} }],
      text: `${marker}"revision": 99}`,
    };
    const bytes = encodeSnapshot(freezeJson(state) as JsonObject, {
      ...sampleMetadata(),
      title: marker,
      extra: { _metadata: { revision: 98 } },
    });
    expect(decodeMetadataEnd(bytes)?.revision).toBe(7);
  });

  test("gives nothing where the end does not hold all of it", () => {
    const bytes = snapshotBytes(versionAt(3));
    const lengths = Array.from({ length: 80 }, (_, index) => index * 4);
    expect(
      lengths
        .map((length) => decodeMetadataEnd(bytes.subarray(bytes.length - length)))
        .filter((found) => found !== undefined),
    ).toEqual([]);
  });
});
