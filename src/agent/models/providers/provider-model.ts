/**
 * A chat model of a provider's own package as a model of ours. The package may have its own copy of LangChain, of another version: nothing is
 * shared with it but plain messages, plain tools and a signal.
 */
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type { BaseLanguageModelInput } from "@langchain/core/language_models/base";
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BindToolsInput,
} from "@langchain/core/language_models/chat_models";
import type { AIMessageChunk, BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { concat } from "@langchain/core/utils/stream";
import { finishReasonOf, textOfContent } from "../../messages.js";
import type { ProviderName } from "../../../model/providers.js";
import { providerFailure } from "./failure.js";
import { fromForeignChunk, toPlainMessage, type PlainMessage } from "./plain-messages.js";

/** As much of a chat model as is used here. */
export interface ForeignModel {
  stream(
    messages: readonly PlainMessage[],
    options: { readonly signal?: AbortSignal },
  ): Promise<AsyncIterable<unknown>>;
  bindTools?(tools: readonly unknown[]): ForeignModel;
}

/** The signal of the call under way, for connections of packages that do not hand it down. */
export interface Call {
  signal: AbortSignal | undefined;
}

export interface ProviderModelFields {
  readonly provider: ProviderName;
  /** Without the provider. */
  readonly model: string;
  readonly foreign: ForeignModel;
  readonly call: Call;
}

export class ProviderModel extends BaseChatModel {
  readonly model: string;

  constructor(private readonly fields: ProviderModelFields) {
    super({ maxRetries: 0 });
    this.model = fields.model;
  }

  /** LangChain asks while the object is made. */
  override _llmType(): string {
    const fields = this.fields as ProviderModelFields | undefined;
    return fields?.provider ?? "provider";
  }

  get takesTools(): boolean {
    return this.fields.foreign.bindTools !== undefined;
  }

  override bindTools(
    tools: BindToolsInput[],
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, BaseChatModelCallOptions> {
    const { foreign } = this.fields;
    if (foreign.bindTools === undefined) throw new TypeError(`${this.model} takes no tools`);
    const plainTools = tools.map((tool) => convertToOpenAITool(tool as Parameters<typeof convertToOpenAITool>[0]));
    return new ProviderModel({ ...this.fields, foreign: foreign.bindTools(plainTools) });
  }

  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    run?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    let whole: ChatGenerationChunk | undefined;
    for await (const chunk of this._streamResponseChunks(messages, options, run))
      whole = whole === undefined ? chunk : concat(whole, chunk);
    return { generations: whole === undefined ? [] : [whole] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { foreign, call, provider } = this.fields;
    const { signal } = options;
    call.signal = signal;
    let hasFinished = false;
    try {
      const sent = messages.map((message) => toPlainMessage(message, provider));
      for await (const chunk of await foreign.stream(sent, signal === undefined ? {} : { signal })) {
        const message = fromForeignChunk(chunk);
        // A second reason for finishing would be joined to the first.
        if (hasFinished) message.response_metadata = {};
        hasFinished ||= finishReasonOf(message) !== undefined;
        const text = textOfContent(message.content);
        yield new ChatGenerationChunk({ message, text });
        await run?.handleLLMNewToken(text);
      }
    } catch (error) {
      throw signal?.aborted === true ? error : providerFailure(provider, error);
    }
  }
}
