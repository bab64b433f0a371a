/**
 * State and metadata as the bytes of a snapshot: what `JSON.stringify(…, null, 2)` gives, `_metadata` last, sealed.
 * Messages that stood in an earlier snapshot are copied from it, so a snapshot of a long conversation costs little.
 */
import type { Metadata } from "../model/conversation.js";
import type { Json, JsonObject } from "../model/json.js";
import { Assembly } from "./assembly.js";
import { DIGITS, sealInPlace } from "./checksum.js";

function encodeValue(value: Json): string {
  return JSON.stringify({ a: value }, null, 2).slice('{\n  "a": '.length, -"\n}".length);
}

/** Fields this version does not know come first, so that the checksum's field is the last of its name. */
function encodeMetadata(metadata: Metadata): string {
  const { extra, savedAt, version, conversationId, revision, ...rest } = metadata;
  return encodeValue({ ...extra, savedAt, version, conversationId, revision, ...rest, checksum: "sha256:" });
}

export function encodeSnapshot(state: JsonObject, metadata: Metadata): Buffer {
  const assembly = new Assembly();
  assembly.text("{\n");
  for (const [key, value] of Object.entries(state)) {
    if (key === "_metadata") continue;
    assembly.text(`  ${JSON.stringify(key)}: `);
    if (Array.isArray(value) && value.length > 0) assembly.list(value as readonly Json[]);
    else assembly.text(encodeValue(value));
    assembly.text(",\n");
  }
  assembly.text(`  "_metadata": ${encodeMetadata(metadata)}\n}\n`);
  return sealInPlace(assembly.finish(DIGITS));
}
