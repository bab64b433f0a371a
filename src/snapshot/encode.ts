/**
 * State and metadata as the bytes of a snapshot: what `JSON.stringify(…, null, 2)` gives, `_metadata` last, sealed.
 * Messages that stood in an earlier snapshot are copied from it, so a snapshot of a long conversation costs little.
 */
import type { Metadata } from "../model/conversation.js";
import type { Json, JsonObject } from "../model/json.js";
import { Assembly } from "./assembly.js";
import { DIGITS, Seal } from "./checksum.js";
import { isTooLongText, MAX_FILE_BYTES, tooLarge } from "./size.js";

function encodeValue(value: Json): string {
  return JSON.stringify({ a: value }, null, 2).slice('{\n  "a": '.length, -"\n}".length);
}

/** Fields this version does not know come first, so that the checksum's field is the last of its name. */
function encodeMetadata(metadata: Metadata, fileBytes: number): string {
  const { extra, savedAt, version, conversationId, revision, ...rest } = metadata;
  return encodeValue({ ...extra, savedAt, version, conversationId, revision, ...rest, fileBytes, checksum: "sha256:" });
}

/** The end of the file, which tells how long the file is: a reader of the end alone sees that something was cut from it or put in. */
function encodeEnd(metadata: Metadata, bytesBefore: number): Buffer {
  const end = (fileBytes: number): Buffer => Buffer.from(`  "_metadata": ${encodeMetadata(metadata, fileBytes)}\n}\n`);
  const withoutIt = bytesBefore + end(0).length - 1 + DIGITS;
  let fileBytes = withoutIt;
  // Its own digits count, too.
  while (fileBytes !== withoutIt + String(fileBytes).length) fileBytes = withoutIt + String(fileBytes).length;
  return end(fileBytes);
}

const BETWEEN_ENTRIES = ",\n    ";

export interface SnapshotLimit {
  /** For tests: no other limit is read back. */
  readonly maxBytes?: number;
}

/**
 * The bytes of a snapshot in parts, each made when it is asked for: a caller that writes one part while the next is made holds
 * neither all of them nor up the event loop. Throws `INVALID_STATE` in place of the first part that could not be read back.
 */
export class SnapshotParts implements Iterable<Uint8Array> {
  /** Of the parts that were made, in bytes. */
  length = 0;

  readonly #maxBytes: number;

  constructor(
    private readonly state: JsonObject,
    private readonly metadata: Metadata,
    { maxBytes = MAX_FILE_BYTES }: SnapshotLimit = {},
  ) {
    this.#maxBytes = maxBytes;
  }

  *[Symbol.iterator](): Generator<Buffer> {
    this.length = 0;
    const seal = new Seal();
    for (const part of this.#readable()) {
      seal.update(part);
      yield this.#counted(part);
    }
    yield this.#counted(seal.close(encodeEnd(this.metadata, this.length)));
  }

  #counted(part: Buffer): Buffer {
    this.length += part.length;
    if (this.length > this.#maxBytes) throw tooLarge(this.#maxBytes);
    return part;
  }

  *#readable(): Generator<Buffer> {
    try {
      yield* this.#unsealed();
    } catch (error) {
      throw isTooLongText(error) ? tooLarge(this.#maxBytes, error) : error;
    }
  }

  *#unsealed(): Generator<Buffer> {
    const assembly = new Assembly();
    assembly.text("{\n");
    for (const [key, value] of Object.entries(this.state)) {
      if (key === "_metadata") continue;
      assembly.text(`  ${JSON.stringify(key)}: `);
      if (Array.isArray(value) && value.length > 0) yield* listInto(assembly, value as readonly Json[]);
      else assembly.text(encodeValue(value));
      assembly.text(",\n");
    }
    assembly.end();
    yield* assembly.takeReady();
  }
}

function* listInto(assembly: Assembly, values: readonly Json[]): Generator<Buffer> {
  assembly.text("[\n    ");
  for (const [index, entry] of values.entries()) {
    assembly.entry(entry, index === 0 ? "" : BETWEEN_ENTRIES);
    if (assembly.hasReady) yield* assembly.takeReady();
  }
  assembly.text("\n  ]");
}

export function encodeSnapshot(state: JsonObject, metadata: Metadata, limit: SnapshotLimit = {}): Buffer {
  return Buffer.concat([...new SnapshotParts(state, metadata, limit)]);
}
