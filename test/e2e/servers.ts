/**
 * Servers that speak OpenAI's chat completions, as streams: aimock for what it can do, and one whose every chunk the
 * test sends by hand, for what no well-behaved mock would send.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { LLMock } from "@copilotkit/aimock";

export interface SentMessage {
  readonly role: string;
  readonly content: unknown;
}

export interface SentRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: {
    readonly messages: readonly SentMessage[];
    readonly model: string;
    readonly stream?: boolean;
    readonly stream_options?: unknown;
  };
}

/** One answer as the server's side sees it; each call sends at once. */
export class Answer {
  constructor(
    private readonly response: ServerResponse,
    readonly request: SentRequest,
  ) {}

  /** Resolves when the client has gone. */
  get abandoned(): Promise<unknown> {
    return once(this.response, "close");
  }

  begin(): void {
    this.response.writeHead(200, { "content-type": "text/event-stream" });
    this.response.flushHeaders();
  }

  text(content: unknown): void {
    this.chunk({ choices: [{ index: 0, delta: { role: "assistant", content }, finish_reason: null }] });
  }

  finish(reason = "stop"): void {
    this.chunk({ choices: [{ index: 0, delta: {}, finish_reason: reason }] });
  }

  chunk(fields: object): void {
    this.raw(
      `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "test", ...fields })}\n\n`,
    );
  }

  raw(text: string): void {
    if (!this.response.headersSent) this.begin();
    this.response.write(text);
  }

  done(): void {
    this.raw("data: [DONE]\n\n");
    this.response.end();
  }

  /** Ends the stream as if all were said. */
  close(): void {
    if (!this.response.headersSent) this.begin();
    this.response.end();
  }

  /** The connection breaks: no last chunk, no goodbye. */
  cut(): void {
    this.response.destroy();
  }

  whole(tokens: readonly string[]): void {
    for (const token of tokens) this.text(token);
    this.finish();
    this.done();
  }

  respond(status: number, contentType: string, body: string): void {
    this.response.writeHead(status, { "content-type": contentType });
    this.response.end(body);
  }
}

export type Script = (answer: Answer) => void | Promise<void>;

/** These tokens, each in a chunk, and the end. */
export function saying(...tokens: readonly string[]): Script {
  return (answer) => {
    answer.whole(tokens);
  };
}

/** Asks for one tool. */
export function calling(name: string, args: object): Script {
  return (answer) => {
    const call = { index: 0, id: "call-1", type: "function", function: { name, arguments: JSON.stringify(args) } };
    answer.chunk({ choices: [{ index: 0, delta: { role: "assistant", tool_calls: [call] }, finish_reason: null }] });
    answer.finish("tool_calls");
    answer.done();
  };
}

/** An answer whose tokens the test sends one by one. */
export function byHand(): { readonly script: Script; readonly answer: Promise<Answer> } {
  let arrived: (answer: Answer) => void = () => undefined;
  const answer = new Promise<Answer>((resolve) => {
    arrived = resolve;
  });
  return {
    answer,
    script: async (given) => {
      arrived(given);
      await given.abandoned;
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<SentRequest["body"]> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
  const text = Buffer.concat(chunks).toString("utf8");
  return JSON.parse(text === "" ? "{}" : text) as SentRequest["body"];
}

/** Answers each request with the next script, and all further ones with the last. */
export class ScriptedServer {
  readonly requests: SentRequest[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(...scripts: readonly [Script, ...Script[]]): Promise<ScriptedServer> {
    const answerWith = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const sent = { headers: request.headers, body: await bodyOf(request) };
      started.requests.push(sent);
      const script = scripts[Math.min(started.requests.length, scripts.length) - 1];
      await script?.(new Answer(response, sent));
    };
    const server = createServer((request, response) => {
      answerWith(request, response).catch(() => response.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const started = new ScriptedServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
    return started;
  }

  get lastMessages(): readonly SentMessage[] {
    return this.requests.at(-1)?.body.messages ?? [];
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, "close");
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}

/** An address where nobody listens any more. */
export async function deadUrl(): Promise<string> {
  const server = await ScriptedServer.start((answer) => {
    answer.cut();
  });
  await server.stop();
  return server.url;
}

export async function startMock(): Promise<LLMock> {
  const mock = new LLMock({ port: 0, host: "127.0.0.1", chunkSize: 4, logLevel: "silent" });
  await mock.start();
  return mock;
}

export function mockUrl(mock: LLMock): string {
  return `${mock.url}/v1`;
}

/** As aimock cuts a text with its chunk size of 4. */
export function chunksOf(text: string): string[] {
  return text.match(/[\s\S]{1,4}/g) ?? [];
}
