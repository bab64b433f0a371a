/** `json` and `jsonl`: whatever a state holds comes back equal, and what was cut short is known as such. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ConversationDocument } from "../../src/formats/document.js";
import { toJson, toJsonLines } from "../../src/formats/json-export.js";
import { readImport } from "../../src/formats/import/read-import.js";
import { metadataOf, type Info } from "../../src/model/conversation.js";
import { freezeJson, type JsonObject } from "../../src/model/json.js";
import { anyJson, anyObject } from "../doubles/json-values.js";

const OPTIONS = { at: "2026-01-14T21:30:00.000Z", acceptEdited: false };
const INFO: Info = {
  createdAt: "2025-01-14T21:30:00.000Z",
  title: "A title",
  model: "openai:x",
  baseUrl: "http://localhost:1/v1",
  extra: { theirs: [1, { draftstateExports: null }] },
};

function documentOf(state: JsonObject): ConversationDocument {
  const metadata = metadataOf({ state, info: INFO, revision: 7 }, "tale", "2026-01-14T21:30:00.000Z");
  const point = {
    timestamp: "2026-01-14T21-29-00-000Z",
    state: { messages: [], seed: 1 },
    metadata: { ...metadata, revision: 5, backup: { reason: "manual", tag: "x", pinned: true } as const },
  };
  return { conversationId: "tale", state, metadata, asOf: undefined, backups: [point] };
}

for (const [name, encode] of [
  ["json", toJson],
  ["jsonl", toJsonLines],
] as const) {
  describe(name, () => {
    test("loses nothing: state, metadata, backups", () => {
      fc.assert(
        fc.property(anyObject, fc.option(fc.array(anyJson, { maxLength: 5 })), (fields, messages) => {
          const { _metadata: _none, ...rest } = fields;
          let state: JsonObject;
          try {
            state = freezeJson(messages === null ? rest : { before: 1, messages, ...rest }) as JsonObject;
          } catch {
            return;
          }
          const document = documentOf(state);
          const [read] = readImport(Buffer.from(encode(document)), OPTIONS).conversations;
          expect(read?.version).toEqual({ state, info: INFO, revision: 7 });
          expect(Object.keys(read?.version.state ?? {})).toEqual(Object.keys(state));
          expect(read?.points).toMatchObject([
            {
              timestamp: "2026-01-14T21-29-00-000Z",
              version: { state: { messages: [], seed: 1 }, revision: 5 },
              note: { reason: "manual", tag: "x", pinned: true },
            },
          ]);
        }),
      );
    });

    test("holds no character that acts on a terminal", () => {
      const text = "\u001b]0;x\u0007 \u009b31m \u202e \u2066 \u2028 \u007f";
      const encoded = encode(documentOf({ messages: [{ role: "user", content: text }] }));
      expect(encoded.match(/(?!\n)\p{Cc}|\p{Bidi_Control}|\u2028/u)).toBeNull();
      expect(
        (
          readImport(Buffer.from(encoded), OPTIONS).conversations[0]?.version.state["messages"] as
            JsonObject[] | undefined
        )?.[0]?.["content"],
      ).toBe(text);
    });
  });
}

test("jsonl that was cut short, at a line's end too, is refused", () => {
  const lines = toJsonLines(
    documentOf({
      messages: [
        { role: "user", content: "a" },
        { role: "user", content: "b" },
      ],
    }),
  );
  expect(() => readImport(Buffer.from(lines.split("\n").slice(0, 2).join("\n")), OPTIONS)).toThrow(/cut short/);
});
