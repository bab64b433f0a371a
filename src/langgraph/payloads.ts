/** Values ↔ what a log holds, through the saver's serializer. */
import { JsonPlusSerializer, type SerializerProtocol } from "@langchain/langgraph-checkpoint";
import type { Payload } from "../checkpoints/payload.js";

/** What another serializer calls JSON, and is not, or not on one line. */
const OTHER_JSON = "json/other";
const NEWLINE = 0x0a;

export async function dump(serde: SerializerProtocol, value: unknown): Promise<Payload> {
  const [type, bytes] = await serde.dumpsTyped(value);
  const isOther = type === "json" && !(serde instanceof JsonPlusSerializer) && !isJsonLine(bytes);
  // Bytes may be the program's own, which it may change.
  return { type: isOther ? OTHER_JSON : type, bytes: type === "json" ? bytes : Uint8Array.from(bytes) };
}

export async function load(serde: SerializerProtocol, { type, bytes }: Payload): Promise<unknown> {
  if (type === "json") return (await serde.loadsTyped(type, bytes)) as unknown;
  return (await serde.loadsTyped(type === OTHER_JSON ? "json" : type, Uint8Array.from(bytes))) as unknown;
}

function isJsonLine(bytes: Uint8Array): boolean {
  if (bytes.includes(NEWLINE)) return false;
  try {
    JSON.parse(Buffer.from(bytes).toString("utf8"));
    return true;
  } catch {
    return false;
  }
}
