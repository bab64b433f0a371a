/**
 * OpenAI's chat completions through `@langchain/openai`, for OpenAI and for every server that speaks its protocol.
 * Adds: chunks are made readable or refused, where the class drops them; no event without end; retries are told as they happen.
 */
import { DraftstateError } from "../../errors.js";
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type { BaseMessage } from "@langchain/core/messages";
import type { ChatGenerationChunk } from "@langchain/core/outputs";
import { AsyncCaller } from "@langchain/core/utils/async_caller";
import { ChatOpenAICompletions, type OpenAIClient } from "@langchain/openai";
import { limitEvents } from "../../http/event-limit.js";
import { policyErrorIn } from "../../http/policy.js";
import { policyFetch, type PolicyOptions } from "../../http/policy-fetch.js";
import { tuned, type Tuning } from "./tuning.js";
import { namesReasoningContent, readableChunks } from "./completion-chunk.js";
import { markReasoningContent, reasoningOfTurn, withReasoning, type Reasoning } from "./given-back.js";
import { readAnswers } from "./read-answers.js";
import { RequestWatch, type RequestListener } from "./request-progress.js";

export interface OpenAIModelOptions {
  readonly model: string;
  readonly apiKey: string | undefined;
  readonly baseUrl: string | undefined;
  readonly retries: number;
  readonly onRequest: RequestListener | undefined;
  readonly connection?: PolicyOptions | undefined;
  readonly tuning?: Tuning;
}

type Completions = OpenAIClient.Chat.Completions.ChatCompletion;
type Chunks = AsyncIterable<OpenAIClient.Chat.Completions.ChatCompletionChunk>;
type Streaming = OpenAIClient.Chat.ChatCompletionCreateParamsStreaming;
type NotStreaming = OpenAIClient.Chat.ChatCompletionCreateParamsNonStreaming;

interface Request {
  /** To be given back. */
  readonly reasoning: Reasoning;
  saysReasoning: boolean;
}

class OpenAICompatibleModel extends ChatOpenAICompletions {
  /** By the options of a call, which are all that it hands down. */
  readonly #requests = new WeakMap<object, Request>();

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const own = { ...options };
    const request = { reasoning: reasoningOfTurn(messages), saysReasoning: false };
    this.#requests.set(own, request);
    let isMarked = false;
    for await (const chunk of super._streamResponseChunks(messages, own, run)) {
      if (request.saysReasoning && !isMarked) markReasoningContent(chunk.message);
      isMarked ||= request.saysReasoning;
      yield chunk;
    }
  }

  override completionWithRetry(request: Streaming, options?: OpenAIClient.RequestOptions): Promise<Chunks>;
  override completionWithRetry(request: NotStreaming, options?: OpenAIClient.RequestOptions): Promise<Completions>;
  override async completionWithRetry(
    request: Streaming | NotStreaming,
    options?: OpenAIClient.RequestOptions,
  ): Promise<Chunks | Completions> {
    if (request.stream !== true) return super.completionWithRetry(request, options);
    const own = options === undefined ? undefined : this.#requests.get(options);
    if (own === undefined) return readableChunks(await super.completionWithRetry(request, options));
    const sent = { ...request, messages: withReasoning(request.messages, own.reasoning) };
    return readableChunks(noting(await super.completionWithRetry(sent, options), own));
  }
}

async function* noting(chunks: Chunks, request: Request): Chunks {
  for await (const chunk of chunks) {
    request.saysReasoning ||= namesReasoningContent(chunk);
    yield chunk;
  }
}

/** The client's own judgement of what may be tried again, and the caller is told when it is. */
class WatchedCaller extends AsyncCaller {
  constructor(retries: number, watch: RequestWatch) {
    super({ maxRetries: retries });
    const judge = this.onFailedAttempt;
    this.onFailedAttempt = (error: unknown): unknown => {
      const judged: unknown = judge?.(error);
      const refused = watch.refused ?? policyErrorIn(error);
      if (refused !== undefined) throw refused;
      if (isRefusal(error)) throw error;
      watch.mayTryAgain();
      return judged;
    };
  }
}

/** The same request is refused again; the client tries after some that it does not know. */
function isRefusal(error: unknown): boolean {
  const status: unknown = typeof error === "object" && error !== null ? Reflect.get(error, "status") : undefined;
  return typeof status === "number" && status >= 400 && status < 500 && ![408, 409, 425, 429].includes(status);
}

/** Throws `INVALID_CONFIG` for a key that cannot be sent. */
function assertSendable(apiKey: string | undefined): void {
  const index = apiKey?.trim().search(/[^\t\x20-\x7e\x80-\xff]/) ?? -1;
  if (index === -1) return;
  throw new DraftstateError(
    "INVALID_CONFIG",
    `the key in OPENAI_API_KEY cannot be sent: its character ${index + 1} is one that no HTTP header carries; copy the key again`,
    { path: "OPENAI_API_KEY" },
  );
}

export function createOpenAIModel({
  model,
  apiKey,
  baseUrl,
  retries,
  onRequest,
  connection,
  tuning,
}: OpenAIModelOptions): ChatOpenAICompletions {
  assertSendable(apiKey);
  const watch = new RequestWatch(onRequest, retries, policyFetch(connection));
  const chat = new OpenAICompatibleModel({
    ...tuned(tuning, "maxTokens"),
    model,
    // Local servers take any key; the client refuses none.
    apiKey: apiKey ?? "none",
    streaming: true,
    maxRetries: retries,
    // The policy has one for silence.
    timeout: 2 ** 31 - 1,
    // Many compatible servers refuse `stream_options`.
    streamUsage: baseUrl === undefined,
    configuration: {
      // What goes wrong is ours to say, in one line; the client would print it first.
      logLevel: "off",
      ...(baseUrl === undefined ? {} : { baseURL: baseUrl }),
      fetch: readAnswers(limitEvents(watch.fetch), () => {
        watch.brokenText();
      }),
    },
  });
  chat.caller = new WatchedCaller(retries, watch);
  return chat;
}
