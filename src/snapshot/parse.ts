/**
 * The JSON of a snapshot's bytes. Of a large one the messages are parsed in pieces, so that beside bytes and state not the
 * whole text is held as well. The pieces are found by the layout of `JSON.stringify(…, null, 2)`, and believed only where each
 * part is JSON by itself: a newline is never inside a JSON text's strings, and what is balanced alone is balanced together.
 */
import { isAscii, isUtf8 } from "node:buffer";

const BYTE_ORDER_MARK = "\ufeff";
const LIST_START = '\n  "messages": [';
const LIST_END = "\n  ]";
const BETWEEN_MESSAGES = ",\n    {";

/** In bytes: less is parsed at once. */
const LARGE = 8 * 1024 * 1024;
const PIECE = 1024 * 1024;

export interface ParseSizes {
  readonly large: number;
  readonly piece: number;
}

/** Throws a `SyntaxError` for what is no JSON, a `TypeError` for what is no UTF-8. */
export function parseBytes(bytes: Buffer, { large, piece }: ParseSizes = { large: LARGE, piece: PIECE }): unknown {
  // Text of ASCII alone is taken as it is, many times faster than it is decoded.
  const encoding = isAscii(bytes) ? "latin1" : "utf8";
  if (encoding === "utf8" && !isUtf8(bytes)) throw new TypeError("its bytes are not UTF-8");
  const textOf = (start: number, end?: number): string => bytes.toString(encoding, start, end);
  return (bytes.length >= large ? parseInPieces(bytes, piece, textOf) : undefined) ?? parseWhole(textOf(0));
}

function parseWhole(text: string): unknown {
  return JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
}

/** Undefined where it is laid out in another way. */
function parseInPieces(
  bytes: Buffer,
  piece: number,
  textOf: (start: number, end?: number) => string,
): object | undefined {
  const before = bytes.indexOf(LIST_START);
  const start = before + LIST_START.length;
  const end = before === -1 ? -1 : bytes.indexOf(LIST_END, start);
  if (end === -1) return undefined;
  try {
    const first = JSON.parse(`${textOf(0, before)}${LIST_START}]}`) as object;
    const behind = textOf(end + LIST_END.length);
    const last = JSON.parse(`{${behind.replace(/^,/, "")}`) as object;
    // Of two fields of one name the last counts; and a comma stands before another field, and only there.
    if (Object.hasOwn(last, "messages") || behind.startsWith(",") !== Object.keys(last).length > 0) return undefined;
    const messages: unknown[] = [];
    for (let from = start; from < end;) {
      const found = bytes.indexOf(BETWEEN_MESSAGES, from + piece);
      const to = found === -1 || found > end ? end : found;
      const parsed = JSON.parse(`[${textOf(from, to)}]`) as unknown[];
      // A comma with nothing before it.
      if (parsed.length === 0) return undefined;
      for (const message of parsed) messages.push(message);
      from = to + 1;
    }
    return { ...first, ...last, messages };
  } catch {
    return undefined;
  }
}
