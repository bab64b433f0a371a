/**
 * State and metadata as the bytes of a snapshot: what `JSON.stringify(…, null, 2)` gives, `_metadata` last, sealed.
 * A message's text is kept by identity: messages never change, so a snapshot of a long conversation costs little.
 */
import type { Metadata } from "../model/conversation.js";
import type { Json, JsonObject } from "../model/json.js";
import { seal } from "./checksum.js";

const encodedEntries = new WeakMap<object, string>();

/** An entry of a top-level list as it stands in the file: indented by four spaces. */
function encodeEntry(entry: Json): string {
  if (typeof entry !== "object" || entry === null) return JSON.stringify(entry);
  const known = encodedEntries.get(entry);
  if (known !== undefined) return known;
  const wrapped = JSON.stringify({ a: [entry] }, null, 2);
  const text = wrapped.slice('{\n  "a": [\n    '.length, -"\n  ]\n}".length);
  encodedEntries.set(entry, text);
  return text;
}

function encodeField(value: Json): string {
  if (Array.isArray(value) && value.length > 0) {
    return `[\n    ${(value as readonly Json[]).map(encodeEntry).join(",\n    ")}\n  ]`;
  }
  return JSON.stringify({ a: value }, null, 2).slice('{\n  "a": '.length, -"\n}".length);
}

/** Fields this version does not know come first, so that the checksum's field is the last of its name. */
function encodeMetadata(metadata: Metadata): string {
  const { extra, savedAt, version, conversationId, revision, ...rest } = metadata;
  return encodeField({ ...extra, savedAt, version, conversationId, revision, ...rest, checksum: "sha256:" });
}

export function encodeSnapshot(state: JsonObject, metadata: Metadata): Buffer {
  const fields = Object.entries(state)
    .filter(([key]) => key !== "_metadata")
    .map(([key, value]) => `  ${JSON.stringify(key)}: ${encodeField(value)},\n`);
  return seal(Buffer.from(`{\n${fields.join("")}  "_metadata": ${encodeMetadata(metadata)}\n}\n`, "utf8"));
}
