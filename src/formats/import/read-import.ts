/** The bytes of any file that can be imported → what it is, and the conversations in it. */
import type { Json } from "../../model/json.js";
import { fromChatGpt, isChatGptConversation, isChatGptExport } from "./from-chatgpt.js";
import { fromClaudeCode, isClaudeCodeSession } from "./from-claude-code.js";
import { fromDraftDocument, fromMessages, isDraftDocument, isMessageList } from "./from-draft.js";
import { fromOurDocument, fromOurLines, isOurDocument, isOurHeader } from "./from-draftstate.js";
import { fromLlm, isLlmLog } from "./from-llm.js";
import { at, refuse, type ImportedConversation, type ImportOptions, type SourceFormat } from "./imported.js";
import { readSource, type Line } from "./read-text.js";

export interface Imported {
  readonly format: SourceFormat;
  readonly conversations: readonly ImportedConversation[];
}

const KNOWN =
  "known are exports and files of draftstate, files of its draft, lists of messages, llm logs --json, ChatGPT's conversations.json and Claude Code's sessions";

export function readImport(bytes: Uint8Array, options: ImportOptions): Imported {
  const source = readSource(bytes);
  return source.kind === "lines" ? fromLines(source.lines, options) : fromValue(source.value, bytes, options);
}

function fromValue(value: Json, bytes: Uint8Array, options: ImportOptions): Imported {
  if (isOurHeader(value) || isClaudeCodeSession([{ number: 1, value }]))
    return fromLines([{ number: 1, value }], options);
  if (isDraftDocument(value)) return { format: "draft", conversations: [fromDraftDocument(value, options)] };
  if (isOurDocument(value)) return { format: "draftstate", conversations: [fromOurDocument(value, bytes, options)] };
  if (isChatGptConversation(value)) return { format: "chatgpt", conversations: fromChatGpt([value], options) };
  if (isChatGptExport(value)) return { format: "chatgpt", conversations: fromChatGpt(value, options) };
  if (isLlmLog(value)) return { format: "llm", conversations: fromLlm(value, options) };
  if (isMessageList(value))
    return { format: "draft", conversations: [fromMessages(value, (index) => at("", index), options)] };
  throw refuse("", `is of no known format: ${KNOWN}`);
}

function fromLines(lines: readonly Line[], options: ImportOptions): Imported {
  if (isOurHeader(lines[0]?.value)) return { format: "draftstate", conversations: [fromOurLines(lines)] };
  if (isClaudeCodeSession(lines)) return { format: "claude-code", conversations: [fromClaudeCode(lines, options)] };
  const values = lines.map((line) => line.value);
  if (isMessageList(values))
    return {
      format: "draft",
      conversations: [fromMessages(values, (index) => `line ${lines[index]?.number ?? index + 1}`, options)],
    };
  throw refuse("", `is of no known format: ${KNOWN}`);
}
