/** A chat model in the process that says what a test scripted, message by message; it sees all that a model is given. */
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";

export interface ScriptedCall {
  readonly id: string;
  readonly name: string;
  readonly args?: object;
}

/** A text is a whole answer; calls ask for tools. */
export type Saying = string | readonly ScriptedCall[];

export class ScriptedModel extends BaseChatModel {
  /** What it was given, request by request. */
  readonly given: BaseMessage[][] = [];
  /** Runs before each answer. */
  onRequest: () => Promise<void> = () => Promise.resolve();

  constructor(private readonly script: readonly Saying[]) {
    super({});
  }

  override _llmType(): string {
    return "scripted";
  }

  override bindTools(): this {
    return this;
  }

  override _generate(): Promise<ChatResult> {
    return Promise.resolve({ generations: [{ text: "", message: new AIMessage("") }] });
  }

  override async *_streamResponseChunks(messages: BaseMessage[]): AsyncGenerator<ChatGenerationChunk> {
    await this.onRequest();
    const saying = this.script[Math.min(this.given.length, this.script.length - 1)] ?? "";
    this.given.push(messages);
    if (typeof saying === "string") for (const text of saying.match(/\S+\s*/g) ?? []) yield piece({ content: text });
    else
      yield piece({
        content: "",
        tool_call_chunks: saying.map(({ id, name, args = {} }, index) => ({
          id,
          name,
          args: JSON.stringify(args),
          index,
          type: "tool_call_chunk" as const,
        })),
      });
    const reason = typeof saying === "string" ? "stop" : "tool_calls";
    yield piece({ content: "", response_metadata: { finish_reason: reason } });
  }
}

function piece(fields: ConstructorParameters<typeof AIMessageChunk>[0]): ChatGenerationChunk {
  const message = new AIMessageChunk(fields);
  return new ChatGenerationChunk({ message, text: message.text });
}
