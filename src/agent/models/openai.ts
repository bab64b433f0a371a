/**
 * OpenAI's chat completions through `@langchain/openai`, for OpenAI and for every server that speaks its protocol.
 * Adds one thing: text that a server streams as content blocks (as Mistral's does) is read, where the class drops it.
 */
import type { BaseMessageChunk } from "@langchain/core/messages";
import { ChatOpenAICompletions, type OpenAIClient } from "@langchain/openai";
import { textOfContent } from "../messages.js";
import { watchRequests, type RequestListener } from "./request-progress.js";

export interface OpenAIModelOptions {
  readonly model: string;
  readonly apiKey: string | undefined;
  readonly baseUrl: string | undefined;
  readonly retries: number;
  readonly onRequest: RequestListener | undefined;
}

class OpenAICompatibleModel extends ChatOpenAICompletions {
  protected override _convertCompletionsDeltaToBaseMessageChunk(
    delta: Record<string, unknown>,
    rawResponse: OpenAIClient.Chat.Completions.ChatCompletionChunk,
    defaultRole?: OpenAIClient.Chat.ChatCompletionRole,
  ): BaseMessageChunk {
    const readable = Array.isArray(delta["content"]) ? { ...delta, content: textOfContent(delta["content"]) } : delta;
    return super._convertCompletionsDeltaToBaseMessageChunk(readable, rawResponse, defaultRole);
  }
}

export function createOpenAIModel({ model, apiKey, baseUrl, retries, onRequest }: OpenAIModelOptions): ChatOpenAICompletions {
  return new OpenAICompatibleModel({
    model,
    // Local servers take any key; the client refuses none.
    apiKey: apiKey ?? "none",
    streaming: true,
    maxRetries: retries,
    // Many compatible servers refuse `stream_options`.
    streamUsage: baseUrl === undefined,
    configuration: {
      // What goes wrong is ours to say, in one line; the client would print it first.
      logLevel: "off",
      ...(baseUrl === undefined ? {} : { baseURL: baseUrl }),
      ...(onRequest === undefined ? {} : { fetch: watchRequests(onRequest, retries) }),
    },
  });
}
