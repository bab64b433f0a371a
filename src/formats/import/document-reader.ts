/** A file that is not a list → the conversations in it: one JSON document, or lines of JSON. Pure. */
import { isDraftstateError } from "../../errors.js";
import { isJsonObject, ownValue, type Json } from "../../model/json.js";
import { ArrayReader } from "./array-reader.js";
import { fromChatGpt, isChatGptConversation } from "./chatgpt/conversation.js";
import { fromClaudeCode, isClaudeCodeSession } from "./claude-code/read-sessions.js";
import { fromClaudeAi, isClaudeAiConversation } from "./from-claude-ai.js";
import { fromDraftDocument, fromMessages, isDraftDocument, isMessage } from "./from-draft.js";
import { fromOurDocument, fromOurLines, isOurDocument, isOurHeader } from "./from-draftstate.js";
import { fromGeminiLines, fromGeminiSession, isGeminiSession } from "./from-gemini-cli.js";
import {
  faultOf,
  refuse,
  UnknownFormatError,
  type Fault,
  type ImportedConversation,
  type ImportItem,
  type ImportOptions,
  type SourceFormat,
} from "./imported.js";
import { KNOWN_FORMATS } from "./known-formats.js";
import {
  isWhole,
  mustBeWhole,
  nulsFound,
  readJsonLines,
  splitAtNuls,
  type Line,
  type Lines,
} from "./text/json-lines.js";
import { decodeText, parseJson } from "./text/parse.js";

function* items(
  format: SourceFormat,
  conversations: readonly ImportedConversation[],
  faults: readonly Fault[],
): Generator<ImportItem> {
  for (const conversation of conversations) yield { kind: "conversation", format, conversation };
  for (const fault of faults) yield { kind: "fault", fault };
}

/** Throws `CORRUPT`, `NEWER_VERSION`. */
export function* readDocument(file: Uint8Array, options: ImportOptions): Generator<ImportItem> {
  const { pieces, nuls } = splitAtNuls(file);
  const texts = pieces.filter((piece) => Buffer.from(piece).toString("latin1").trim() !== "");
  const [only] = texts;
  if (only === undefined) throw refuse("", nuls > 0 ? nulsFound(nuls) : "is empty");
  const value = texts.length === 1 ? documentIn(only) : undefined;
  if (value !== undefined) {
    yield* fromValue(value, only, options);
    if (nuls > 0) yield { kind: "fault", fault: { place: "the file", found: nulsFound(nuls) } };
    return;
  }
  yield* fromLines(readJsonLines(file), options);
}

/** Undefined for lines of JSON. Throws `CORRUPT` for a document that is damaged. */
function documentIn(bytes: Uint8Array): Json | undefined {
  const end = bytes.indexOf(0x0a);
  const firstLine = Buffer.from(bytes.subarray(0, end === -1 ? bytes.length : end)).toString("utf8");
  const hasMore = end !== -1 && Buffer.from(bytes.subarray(end)).toString("latin1").trim() !== "";
  if (hasMore && isWhole(firstLine.replace(/^\ufeff/, ""))) return undefined;
  try {
    return parseJson(decodeText(bytes, ""), "");
  } catch (error) {
    if (isDraftstateError(error, "CORRUPT") && isLines(bytes)) return undefined;
    throw error;
  }
}

/** Whether there is a record of a known program in lines of which the first is damaged. */
function isLines(bytes: Uint8Array): boolean {
  const { lines } = readJsonLines(bytes);
  return isClaudeCodeSession(lines) || lines.some(({ value }) => isGeminiSession(value));
}

function* fromValue(value: Json, bytes: Uint8Array, options: ImportOptions): Generator<ImportItem> {
  const line: Line = { number: 1, value };
  if (isOurHeader(value) || isClaudeCodeSession([line])) yield* fromLines({ lines: [line], faults: [] }, options);
  else if (isGeminiSession(value)) {
    const { conversation, faults } = fromGeminiSession(value, options);
    yield* items("gemini-cli", [conversation], faults);
  } else if (isDraftDocument(value)) yield* items("draft", [fromDraftDocument(value, options)], []);
  else if (isOurDocument(value)) yield* items("draftstate", [fromOurDocument(value, bytes, options)], []);
  else if (isChatGptConversation(value)) yield* items("chatgpt", [fromChatGpt(value, "", options)], []);
  else if (isClaudeAiConversation(value)) yield* items("claude-ai", [fromClaudeAi(value, "", options)], []);
  else yield* listIn(value, options);
}

/** An object around a list of conversations, whose other fields come first. */
function* listIn(value: Json, options: ImportOptions): Generator<ImportItem> {
  const list = isJsonObject(value) ? ownValue(value, "conversations") : undefined;
  if (!Array.isArray(list) || list.length === 0) throw unknown();
  yield* new ArrayReader("conversations", options).values(list as readonly Json[]);
}

function unknown(): UnknownFormatError {
  return new UnknownFormatError(`is of no known format: ${KNOWN_FORMATS}`);
}

function* fromLines(read: Lines, options: ImportOptions): Generator<ImportItem> {
  const { lines, faults } = read;
  const values = lines.map(({ value }) => value);
  if (isOurHeader(values[0])) yield* items("draftstate", [fromOurLines(mustBeWhole(read))], []);
  else if (isClaudeCodeSession(lines)) {
    const sessions = fromClaudeCode(lines, options);
    if (sessions.conversations.length === 0 && sessions.faults.length === 0)
      throw new UnknownFormatError("is a session of Claude Code in which nothing was said");
    yield* items("claude-code", sessions.conversations, [...faults, ...sessions.faults]);
  } else if (values.some(isGeminiSession)) {
    const session = fromGeminiLines(lines, options);
    yield* items("gemini-cli", [session.conversation], [...faults, ...session.faults]);
  } else if (values.some(isMessage)) {
    const placed = lines.map(({ number, value }) => ({ value, place: `line ${number}` }));
    const { conversation, faults: unread } = fromMessages(placed, options);
    yield* items("draft", conversation === undefined ? [] : [conversation], [...faults, ...unread]);
  } else if (values.some((value) => isChatGptConversation(value) || isClaudeAiConversation(value)))
    yield* conversationLines(read, options);
  else throw faults[0] === undefined ? unknown() : refuse(faults[0].place, faults[0].found);
}

/** A conversation a line. */
function* conversationLines({ lines, faults }: Lines, options: ImportOptions): Generator<ImportItem> {
  for (const { number, value } of lines) {
    const place = `line ${number}`;
    try {
      if (isChatGptConversation(value)) yield* items("chatgpt", [fromChatGpt(value, place, options)], []);
      else if (isClaudeAiConversation(value)) yield* items("claude-ai", [fromClaudeAi(value, place, options)], []);
      else throw refuse(place, isJsonObject(value) ? "is not a conversation" : "is not a record");
    } catch (error) {
      yield* items("chatgpt", [], [faultOf(error, place)]);
    }
  }
  yield* items("chatgpt", [], faults);
}
