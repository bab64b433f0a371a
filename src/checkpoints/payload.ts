/**
 * A serialised value as a serializer gives it: a type and bytes. JSON stands in a log as it is, so that a person can read it;
 * anything else is base64 with its type. Pure.
 */
import { isJsonObject, ownValue, type Json } from "../model/json.js";

export interface Payload {
  readonly type: string;
  /** With the type `json`: JSON on one line. */
  readonly bytes: Uint8Array;
}

export const JSON_TYPE = "json";

/** As the member of a line. */
export function encodePayload({ type, bytes }: Payload): readonly (string | Uint8Array)[] {
  return type === JSON_TYPE
    ? ['{"json":', bytes, "}"]
    : [`{"type":${JSON.stringify(type)},"base64":"${Buffer.from(bytes).toString("base64")}"}`];
}

/** Throws for what is no payload. */
export function decodePayload(value: Json | undefined): Payload {
  if (isJsonObject(value)) {
    const [json, type, base64] = [ownValue(value, "json"), ownValue(value, "type"), ownValue(value, "base64")];
    if (json !== undefined) return { type: JSON_TYPE, bytes: Buffer.from(JSON.stringify(json), "utf8") };
    if (typeof type === "string" && typeof base64 === "string") return { type, bytes: Buffer.from(base64, "base64") };
  }
  throw new TypeError("it holds no value");
}

/** Whether the member has the form of one, without copying it. */
export function isPayload(value: Json | undefined): boolean {
  if (!isJsonObject(value)) return false;
  return Object.hasOwn(value, "json") || (typeof value["type"] === "string" && typeof value["base64"] === "string");
}
