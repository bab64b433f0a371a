/** A spill says whose it is; what does not say so, or is of a newer format, is never taken for one. */
import { describe, expect, test } from "vitest";
import { infoOf, metadataOf } from "../../src/model/conversation.js";
import type { JsonObject } from "../../src/model/json.js";
import { MAX_MARKS } from "../../src/model/sessions.js";
import { seal } from "../../src/snapshot/checksum.js";
import { decodeSnapshot } from "../../src/snapshot/decode.js";
import { encodeSnapshot } from "../../src/snapshot/encode.js";
import { decodeSpill } from "../../src/snapshot/spill.js";
import { CREATED_AT, versionAt } from "../doubles/snapshots.js";

const NOTE = { format: 1, store: "files:/srv/state", session: "x9f2", base: 7 } as const;
const VERSION = versionAt(12, { n: 1 });
const SESSIONS = [{ session: "k3m1", revision: 7 }];
const BYTES = encodeSnapshot(VERSION.state, { ...metadataOf(VERSION, "chat", CREATED_AT, SESSIONS), spill: NOTE });

/** With fields of `_metadata` set, signed as if a version had written it so. */
function signed(fields: Record<string, unknown>): Buffer {
  const document = JSON.parse(BYTES.toString("utf8")) as { _metadata: JsonObject };
  return seal(
    Buffer.from(
      `${JSON.stringify({ ...document, _metadata: { ...document._metadata, ...fields, checksum: "sha256:" } }, null, 2)}\n`,
    ),
  );
}

function kindOf(fields: Record<string, unknown>): string {
  return decodeSpill(signed(fields), "chat").kind;
}

describe("a spill", () => {
  test("comes back with what it belongs to, and its own session as the last writer", () => {
    expect(decodeSpill(BYTES, "chat")).toMatchObject({
      kind: "valid",
      state: { n: 1 },
      note: NOTE,
      metadata: { revision: 12, sessions: [...SESSIONS, { session: "x9f2", revision: 12 }] },
    });
  });

  test("of a newer format or schema is newer", () => {
    expect([
      kindOf({ spill: { format: 2 } }),
      kindOf({ spill: { ...NOTE, format: 2 }, sessions: "another shape" }),
      kindOf({ version: "2.0.0" }),
    ]).toEqual(["newer", "newer", "newer"]);
  });

  test("of a newer format whose checksum is wrong is damaged", () => {
    expect(decodeSpill(Buffer.from(BYTES.toString().replace('"format": 1', '"format": 2')), "chat").kind).toBe(
      "damaged",
    );
  });

  test.each<[string, Record<string, unknown>]>([
    ["no note", { spill: undefined }],
    ["a note that is a list", { spill: [] }],
    ["format 0", { spill: { ...NOTE, format: 0 } }],
    ["a format that is a text", { spill: { ...NOTE, format: "2" } }],
    ["no store", { spill: { ...NOTE, store: undefined } }],
    ["a session that is a path", { spill: { ...NOTE, session: "../x" } }],
    ["a negative base", { spill: { ...NOTE, base: -1 } }],
    ["a base that is a text", { spill: { ...NOTE, base: "7" } }],
    ["another conversation", { conversationId: "other" }],
  ])("with %s is damaged", (_what, fields) => {
    expect(kindOf(fields)).toBe("damaged");
  });

  test("that was edited, cut or never sealed is damaged", () => {
    const unsealed = JSON.stringify({
      n: 1,
      _metadata: { version: "1.0.0-draft", conversationId: "chat", savedAt: CREATED_AT, revision: 1, spill: NOTE },
    });
    const bytes = [
      Buffer.from(BYTES.toString().replace('"n": 1', '"n": 2')),
      BYTES.subarray(0, -20),
      Buffer.from(unsealed),
    ];
    expect(bytes.map((each) => decodeSpill(each, "chat").kind)).toEqual(["damaged", "damaged", "damaged"]);
  });
});

describe("what is said of sessions in a snapshot", () => {
  const mark = { session: "a", revision: 3 };
  test.each<[string, unknown]>([
    ["a text", "a"],
    ["names alone", ["a"]],
    ["a name that is a path", [{ ...mark, session: "../a" }]],
    ["a name that is too long", [{ ...mark, session: "a".repeat(65) }]],
    ["no revision", [{ session: "a" }]],
    ["a fractional revision", [{ ...mark, revision: 1.5 }]],
    [
      "more than a file holds",
      Array.from({ length: MAX_MARKS + 1 }, (_, index) => ({ session: `s${index}`, revision: index })),
    ],
  ])("as %s makes it damaged", (_what, sessions) => {
    expect(decodeSnapshot(signed({ sessions }), "chat").kind).toBe("damaged");
  });

  test("comes back, and is no part of the conversation's info", () => {
    const decoded = decodeSnapshot(BYTES, "chat");
    expect(decoded).toMatchObject({ kind: "valid", metadata: { sessions: SESSIONS, spill: NOTE } });
    expect(decoded.kind === "valid" && infoOf(decoded.metadata)).toEqual({ createdAt: CREATED_AT, title: "Tell me" });
  });
});
