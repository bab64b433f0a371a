/**
 * A spill's bytes: a snapshot whose `_metadata.spill` says to which store and session it belongs. Nothing is taken for a
 * spill that lacks either or its checksum, and one of a newer format is left alone.
 */
import { SPILL_FORMAT, type Metadata, type SpillNote } from "../model/conversation.js";
import { isJsonObject, ownValue, type JsonObject } from "../model/json.js";
import { withMark } from "../model/sessions.js";
import { verifySeal } from "./checksum.js";
import { decodeWithHeader, type Decoded } from "./decode.js";
import { spillNote } from "./metadata.js";

export type DecodedSpill =
  /** `metadata.sessions` ends with the spill's own session at the spill's revision. */
  | { readonly kind: "valid"; readonly state: JsonObject; readonly metadata: Metadata; readonly note: SpillNote }
  /** `store`: to which it says that it belongs, not believed by itself. */
  | { readonly kind: "damaged"; readonly detail: string; readonly store?: string }
  | { readonly kind: "newer"; readonly detail: string; readonly store?: string };

function formatOf(header: JsonObject | undefined): unknown {
  const spill = header === undefined ? undefined : ownValue(header, "spill");
  return isJsonObject(spill) ? spill["format"] : undefined;
}

function storeIn(header: JsonObject | undefined): { readonly store?: string } {
  const spill = header === undefined ? undefined : ownValue(header, "spill");
  const store = isJsonObject(spill) ? ownValue(spill, "store") : undefined;
  return typeof store === "string" ? { store } : {};
}

export function decodeSpill(bytes: Uint8Array, conversationId: string): DecodedSpill {
  const { decoded, header } = decodeWithHeader(bytes, conversationId);
  const read = decodeRead(bytes, decoded, header);
  return read.kind === "valid" ? read : { ...read, ...storeIn(header) };
}

function decodeRead(bytes: Uint8Array, decoded: Decoded, header: JsonObject | undefined): DecodedSpill {
  const format = formatOf(header);
  if (decoded.kind === "newer") return { kind: "newer", detail: `schema ${decoded.version}` };
  if (typeof format === "number" && format > SPILL_FORMAT && verifySeal(Buffer.from(bytes)) === "valid")
    return { kind: "newer", detail: `spill format ${format}` };
  if (decoded.kind !== "valid") return { kind: "damaged", detail: decoded.detail };
  if (decoded.migratedFrom !== undefined) return { kind: "damaged", detail: "it has no checksum" };
  const note = spillNote(header === undefined ? undefined : ownValue(header, "spill"));
  if (note === undefined) return { kind: "damaged", detail: "it does not say to which store and session it belongs" };
  const { state, metadata } = decoded;
  const sessions = withMark(metadata.sessions ?? [], { session: note.session, revision: metadata.revision });
  return { kind: "valid", state, metadata: { ...metadata, sessions }, note };
}
