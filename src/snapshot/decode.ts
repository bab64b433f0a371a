/**
 * The bytes of a snapshot or backup as what they are: valid, edited, damaged or from a newer version. Damage is a
 * case that callers must look at, never an exception and never a guess.
 */
import { infoOf, SCHEMA_VERSION, type Metadata, type Version } from "../model/conversation.js";
import { freezeJson, freezeNode, freezeParsed, isJsonObject, ownValue, type JsonObject } from "../model/json.js";
import { migrate } from "../model/migrations/index.js";
import { isDraftstateError, messageOf } from "../errors.js";
import { verifySeal } from "./checksum.js";
import { count, isNewer, isVersion, parseMetadata, text } from "./metadata.js";
import { parseBytes } from "./parse.js";

export { isNewer, parseMetadata } from "./metadata.js";

/** In characters: it is any text. */
const MAX_NAMED_VERSION = 64;

export type Decoded =
  | { readonly kind: "valid"; readonly state: JsonObject; readonly metadata: Metadata; readonly migratedFrom?: string }
  | { readonly kind: "edited"; readonly state: JsonObject; readonly metadata: Metadata; readonly detail: string }
  | { readonly kind: "damaged"; readonly detail: string }
  /** `revision` where it can be read as this version would. */
  | { readonly kind: "newer"; readonly version: string; readonly revision?: number };

function parseDocument(bytes: Buffer): JsonObject | string {
  let value: unknown;
  try {
    value = parseBytes(bytes);
  } catch (error) {
    return bytes.length === 0 ? "it is empty" : `it is not valid JSON (${messageOf(error).split("\n")[0] ?? ""})`;
  }
  if (!isJsonObject(value)) return "it is not a JSON object";
  try {
    return freezeParsed(value) as JsonObject;
  } catch (error) {
    return messageOf(error);
  }
}

export function decodeSnapshot(bytes: Uint8Array, conversationId: string): Decoded {
  return decodeWithHeader(bytes, conversationId).decoded;
}

/** Also the file's own `_metadata`, as it stands there and not believed by itself. */
export function decodeWithHeader(
  bytes: Uint8Array,
  conversationId: string,
): { readonly decoded: Decoded; readonly header?: JsonObject } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const document = parseDocument(buffer);
  if (typeof document === "string") return { decoded: { kind: "damaged", detail: document } };
  const { _metadata: header, ...rest } = document;
  freezeNode(rest);
  if (!isJsonObject(header)) return { decoded: { kind: "damaged", detail: "its _metadata names no version" } };
  return { decoded: decodeParts(buffer, conversationId, header, rest), header };
}

/**
 * A higher major version is believed whatever the checksum, which it may compute in another way: such a file is left alone.
 * What is no version here is one of a newer version only where the checksum is right.
 */
function newerVersionIn(buffer: Buffer, header: JsonObject): string | undefined {
  const version = ownValue(header, "version");
  if (typeof version === "string" && isVersion(version)) return isNewer(version) ? version : undefined;
  return version !== undefined && verifySeal(buffer) === "valid" ? JSON.stringify(version) : undefined;
}

function decodeParts(buffer: Buffer, conversationId: string, header: JsonObject, rest: JsonObject): Decoded {
  const newer = newerVersionIn(buffer, header);
  if (newer !== undefined) {
    const revision = count(header, "revision");
    return {
      kind: "newer",
      version: newer.slice(0, MAX_NAMED_VERSION),
      ...(revision === undefined ? {} : { revision }),
    };
  }
  const version = text(header, "version");
  if (version === undefined) return { kind: "damaged", detail: "its _metadata names no version" };
  const inside = text(header, "conversationId");
  if (inside !== conversationId) {
    return {
      kind: "damaged",
      detail: `it belongs to conversation ${JSON.stringify(inside ?? "")}, not to ${JSON.stringify(conversationId)}`,
    };
  }
  return version === SCHEMA_VERSION || ownValue(header, "checksum") !== undefined
    ? decodeCurrent(buffer, header, rest)
    : decodeOlder(version, header, rest);
}

function decodeCurrent(buffer: Buffer, header: JsonObject, rest: JsonObject): Decoded {
  const metadata = parseMetadata(header);
  if (typeof metadata === "string") return { kind: "damaged", detail: metadata };
  if (verifySeal(buffer) === "valid") return { kind: "valid", state: rest, metadata };
  return {
    kind: "edited",
    state: rest,
    metadata,
    detail: "its checksum differs from its content: it was edited by hand, or damaged",
  };
}

function decodeOlder(version: string, header: JsonObject, rest: JsonObject): Decoded {
  try {
    const migrated = migrate(version, { ...rest, _metadata: header });
    const metadata = parseMetadata(ownValue(migrated, "_metadata"));
    if (typeof metadata === "string") return { kind: "damaged", detail: metadata };
    const { _metadata: _dropped, ...state } = migrated;
    return { kind: "valid", state: freezeJson(state) as JsonObject, metadata, migratedFrom: version };
  } catch (error) {
    if (!isDraftstateError(error)) throw error;
    return { kind: "damaged", detail: error.message };
  }
}

const METADATA_START = '\n  "_metadata": {';

/** `_metadata` from the end of a file alone; undefined when the end does not hold all of it. Not verified. */
export function decodeMetadataEnd(end: Uint8Array): Metadata | undefined {
  return decodeEnd(end)?.metadata;
}

export interface DecodedEnd {
  readonly metadata: Metadata;
  /** How long the file was when it was written; undefined where it does not tell. */
  readonly fileBytes: number | undefined;
}

export function decodeEnd(end: Uint8Array): DecodedEnd | undefined {
  const bytes = Buffer.from(end.buffer, end.byteOffset, end.byteLength);
  // A text has its newlines escaped, and only fields of the outermost object are indented by two.
  const start = bytes.lastIndexOf(METADATA_START);
  if (start === -1) return undefined;
  try {
    const parsed: unknown = JSON.parse(`{${bytes.toString("utf8", start)}`);
    const header = isJsonObject(parsed) ? ownValue(parsed, "_metadata") : undefined;
    const metadata = parseMetadata(header);
    if (typeof metadata === "string" || !isJsonObject(header)) return undefined;
    return { metadata, fileBytes: count(header, "fileBytes") };
  } catch {
    return undefined;
  }
}

export function versionOf({ state, metadata }: Extract<Decoded, { kind: "valid" }>): Version {
  return { state, info: infoOf(metadata), revision: metadata.revision };
}
