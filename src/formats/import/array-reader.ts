/**
 * A list of conversations, responses or messages, element by element. The first element that is known says what the list holds;
 * those of ChatGPT and claude.ai are given as they come, the others when the list ends. Pure.
 */
import { DraftstateError } from "../../errors.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../model/json.js";
import { MAX_FILE_BYTES } from "../../snapshot/size.js";
import { fromChatGpt, isChatGptConversation } from "./chatgpt/conversation.js";
import { fromClaudeAi, isClaudeAiConversation } from "./from-claude-ai.js";
import { fromMessages, isMessage } from "./from-draft.js";
import { fromLlm, isLlmRow } from "./from-llm.js";
import { KNOWN_FORMATS } from "./known-formats.js";
import {
  at,
  faultOf,
  refuse,
  UnknownFormatError,
  type Fault,
  type ImportedConversation,
  type ImportItem,
  type ImportOptions,
  type SourceFormat,
} from "./imported.js";
import { ArrayElements, type Element } from "./text/array-elements.js";
import { nulsFound, splitAtNuls } from "./text/json-lines.js";
import { decodeText, parseJson } from "./text/parse.js";

type ListKind = "chatgpt" | "claude-ai" | "llm" | "messages";

function kindOf(value: Json): ListKind | undefined {
  if (isChatGptConversation(value)) return "chatgpt";
  if (isClaudeAiConversation(value)) return "claude-ai";
  if (isLlmRow(value)) return "llm";
  return isMessage(value) ? "messages" : undefined;
}

interface Value {
  readonly index: number;
  readonly value: Json;
}

function conversationItem(format: SourceFormat, conversation: ImportedConversation): ImportItem {
  return { kind: "conversation", format, conversation };
}

function faultItem(fault: Fault): ImportItem {
  return { kind: "fault", fault };
}

export class ArrayReader {
  readonly #elements = new ArrayElements(MAX_FILE_BYTES);
  #kind: ListKind | undefined;
  /** Values whose turn comes when the list's kind is known, or when it ends. */
  #waiting: Value[] = [];
  #waitingBytes = 0;
  #isLastCut = false;
  #count = 0;

  /** `name`: of the field that holds the list; empty where the list is the file. */
  constructor(
    private readonly name: string,
    private readonly options: ImportOptions,
  ) {}

  *push(bytes: Uint8Array): Generator<ImportItem> {
    for (const element of this.#elements.push(bytes)) yield* this.#element(element);
  }

  *end(): Generator<ImportItem> {
    for (const element of this.#elements.end()) yield* this.#element(element);
    if (this.#count === 0) throw new UnknownFormatError("holds no conversation");
    yield* this.#rest();
    // After a list that is a field, the object continues.
    if (this.#elements.ending === "followed by more" && this.name === "")
      yield faultItem({ place: "the end", found: "has more behind the list: it was left out" });
    if (this.#elements.ending === "cut off" && !this.#isLastCut)
      yield faultItem({ place: "the end", found: "is missing: the file ends before its list does" });
  }

  /** Of a list that was read already. */
  *values(values: readonly Json[]): Generator<ImportItem> {
    for (const [index, value] of values.entries()) yield* this.#value({ index, value });
    yield* this.#rest();
  }

  *#element(element: Element): Generator<ImportItem> {
    this.#count += 1;
    const place = at(this.name, element.index);
    const { pieces, nuls } = splitAtNuls(element.bytes);
    if (nuls > 0) yield faultItem({ place, found: nulsFound(nuls) });
    const bytes = Buffer.concat(pieces);
    if (nuls > 0 && bytes.toString("latin1").trim() === "") {
      this.#isLastCut = element.isCut;
      return;
    }
    try {
      const value = parseJson(decodeText(bytes, place), place);
      yield* this.#value({ index: element.index, value });
    } catch (error) {
      const fault = faultOf(error, place);
      this.#isLastCut = element.isCut && fault.found.startsWith("is not valid JSON");
      yield faultItem(this.#isLastCut ? { place, found: "was cut off: the file ends in the middle of it" } : fault);
    }
    this.#hold(bytes.length);
  }

  *#value(value: Value): Generator<ImportItem> {
    if (this.#kind === undefined) {
      this.#kind = kindOf(value.value);
      this.#waiting.push(value);
      if (this.#kind === "chatgpt" || this.#kind === "claude-ai") yield* this.#conversations(this.#waiting.splice(0));
    } else if (this.#kind === "chatgpt" || this.#kind === "claude-ai") yield* this.#conversations([value]);
    else this.#waiting.push(value);
  }

  #hold(bytes: number): void {
    this.#waitingBytes = this.#waiting.length === 0 ? 0 : this.#waitingBytes + bytes;
    if (this.#waitingBytes > MAX_FILE_BYTES)
      throw new DraftstateError(
        "CORRUPT",
        `it has more than the limit of ${MAX_FILE_BYTES} bytes for a file of this kind`,
      );
  }

  *#conversations(values: readonly Value[]): Generator<ImportItem> {
    for (const { index, value } of values) {
      const place = at(this.name, index);
      try {
        yield this.#conversation(value, place);
      } catch (error) {
        yield faultItem(faultOf(error, place));
      }
    }
  }

  #conversation(value: Json, place: string): ImportItem {
    if (isChatGptConversation(value)) return conversationItem("chatgpt", fromChatGpt(value, place, this.options));
    if (isClaudeAiConversation(value)) return conversationItem("claude-ai", fromClaudeAi(value, place, this.options));
    throw refuse(place, `is not a conversation${isJsonObject(value) ? `: it has ${this.#missingIn(value)}` : ""}`);
  }

  /** What a conversation of the list's kind has, and this has not. */
  #missingIn(value: JsonObject): string {
    const [list, others] =
      this.#kind === "chatgpt" ? ["mapping", "no current_node and no create_time"] : ["chat_messages", "no uuid"];
    const found = ownValue(value, list);
    if (found === undefined) return `no ${list}`;
    const isRight = this.#kind === "chatgpt" ? isJsonObject(found) : Array.isArray(found);
    return isRight ? others : `a ${list} of another kind`;
  }

  *#rest(): Generator<ImportItem> {
    const waiting = this.#waiting.splice(0);
    if (this.#kind === "llm") {
      const { conversations, faults } = fromLlm(waiting, this.options);
      for (const conversation of conversations) yield conversationItem("llm", conversation);
      for (const fault of faults) yield faultItem(fault);
    } else if (this.#kind === "messages") {
      const placed = waiting.map(({ index, value }) => ({ value, place: at(this.name, index) }));
      const { conversation, faults } = fromMessages(placed, this.options);
      if (conversation !== undefined) yield conversationItem("draft", conversation);
      for (const fault of faults) yield faultItem(fault);
    } else if (this.#kind === undefined && waiting.length > 0)
      throw new UnknownFormatError(`is of no known format: ${KNOWN_FORMATS}`);
  }
}
