/**
 * OpenAI's chat completions through `@langchain/openai`, for OpenAI and for every server that speaks its protocol.
 * Adds: chunks are made readable or refused, where the class drops them; no event without end; retries are told as they happen.
 */
import { AsyncCaller } from "@langchain/core/utils/async_caller";
import { ChatOpenAICompletions, type OpenAIClient } from "@langchain/openai";
import { readableChunks } from "./completion-chunk.js";
import { limitEvents } from "./event-limit.js";
import { RequestWatch, type RequestListener } from "./request-progress.js";

export interface OpenAIModelOptions {
  readonly model: string;
  readonly apiKey: string | undefined;
  readonly baseUrl: string | undefined;
  readonly retries: number;
  readonly onRequest: RequestListener | undefined;
}

type Completions = OpenAIClient.Chat.Completions.ChatCompletion;
type Chunks = AsyncIterable<OpenAIClient.Chat.Completions.ChatCompletionChunk>;
type Streaming = OpenAIClient.Chat.ChatCompletionCreateParamsStreaming;
type NotStreaming = OpenAIClient.Chat.ChatCompletionCreateParamsNonStreaming;

class OpenAICompatibleModel extends ChatOpenAICompletions {
  override completionWithRetry(request: Streaming, options?: OpenAIClient.RequestOptions): Promise<Chunks>;
  override completionWithRetry(request: NotStreaming, options?: OpenAIClient.RequestOptions): Promise<Completions>;
  override async completionWithRetry(
    request: Streaming | NotStreaming,
    options?: OpenAIClient.RequestOptions,
  ): Promise<Chunks | Completions> {
    if (request.stream !== true) return super.completionWithRetry(request, options);
    return readableChunks(await super.completionWithRetry(request, options));
  }
}

/** The client's own judgement of what may be tried again, and a word to whoever waits when it is. */
class WatchedCaller extends AsyncCaller {
  constructor(retries: number, watch: RequestWatch) {
    super({ maxRetries: retries });
    const judge = this.onFailedAttempt;
    this.onFailedAttempt = (error: unknown): unknown => {
      const judged: unknown = judge?.(error);
      watch.mayTryAgain();
      return judged;
    };
  }
}

export function createOpenAIModel({
  model,
  apiKey,
  baseUrl,
  retries,
  onRequest,
}: OpenAIModelOptions): ChatOpenAICompletions {
  const watch = new RequestWatch(onRequest, retries);
  const chat = new OpenAICompatibleModel({
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
      fetch: limitEvents(watch.fetch),
    },
  });
  chat.caller = new WatchedCaller(retries, watch);
  return chat;
}
