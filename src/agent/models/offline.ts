/**
 * The built-in `offline` model: a small deterministic story generator as a real LangChain chat model that streams
 * tokens, so that everything works without a network and without a key. It claims to be nothing more.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import { BaseChatModel, type BaseChatModelParams } from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import { GO_ON, textOfContent } from "../messages.js";
import { tellStory } from "./story.js";

export interface OfflineModelOptions extends BaseChatModelParams {
  /** Changes the story; the same seed and conversation give the same one. */
  seed?: number;
  /** Milliseconds between tokens. */
  tokenDelay?: number;
}

/** A word with the space before it, or a mark: what a real tokenizer would roughly give. An expression of Unicode's classes takes milliseconds to make. */
function tokenize(text: string): string[] {
  const isAscii = !/[^\0-\x7f]/.test(text);
  return (
    text.match(isAscii ? /\s*[A-Za-z0-9'-]+|\s*[^\sA-Za-z0-9]|\s+/g : /\s*[\p{L}\p{N}'’-]+|\s*[^\s\p{L}\p{N}]|\s+/gu) ??
    []
  );
}

export class OfflineStoryModel extends BaseChatModel {
  readonly #seed: number;
  readonly #tokenDelay: number;

  constructor(options: OfflineModelOptions = {}) {
    super(options);
    this.#seed = options.seed ?? 0;
    this.#tokenDelay = options.tokenDelay ?? 0;
  }

  override _llmType(): string {
    return "draftstate-offline";
  }

  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    run?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    let whole: ChatGenerationChunk | undefined;
    for await (const chunk of this._streamResponseChunks(messages, options, run))
      whole = whole === undefined ? chunk : whole.concat(chunk);
    const text = whole?.text ?? "";
    return {
      generations: [{ text, message: new AIMessage({ content: text, response_metadata: { finish_reason: "stop" } }) }],
    };
  }

  /** Asked to continue, tells the rest of the story that was cut off. */
  #tell(messages: readonly BaseMessage[]): string {
    const spoken = messages
      .filter((message) => message.type === "human")
      .map((message) => textOfContent(message.content));
    const goesOn = spoken.at(-1) === GO_ON;
    const turns = goesOn ? spoken.slice(0, -1) : spoken;
    const story = tellStory({ prompt: turns.at(-1) ?? "", chapter: turns.length, seed: this.#seed });
    const told = goesOn ? textOfContent(messages.at(-2)?.content) : "";
    return story.startsWith(told) && told.length < story.length ? story.slice(told.length) : story;
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const tokens = tokenize(this.#tell(messages));
    const inputTokens = messages.reduce((sum, message) => sum + tokenize(textOfContent(message.content)).length, 0);
    for (const [index, text] of tokens.entries()) {
      if (index > 0 && this.#tokenDelay > 0)
        await delay(this.#tokenDelay, undefined, options.signal === undefined ? {} : { signal: options.signal });
      options.signal?.throwIfAborted();
      const last = index === tokens.length - 1;
      const usage = {
        input_tokens: inputTokens,
        output_tokens: tokens.length,
        total_tokens: inputTokens + tokens.length,
      };
      const message = new AIMessageChunk(text);
      if (last) Object.assign(message, { response_metadata: { finish_reason: "stop" }, usage_metadata: usage });
      const chunk = new ChatGenerationChunk({ text, message });
      yield chunk;
      await run?.handleLLMNewToken(text, undefined, undefined, undefined, undefined, { chunk });
    }
  }
}
