/** Servers that speak the protocol of each provider: one turn of an answer as that provider streams it, or an error in its words. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32 } from "node:zlib";

export interface Turn {
  readonly thinking?: string;
  readonly text?: readonly string[];
  readonly call?: { readonly id: string; readonly name: string; readonly args: object };
  readonly error?: { readonly status: number; readonly message: string };
  /** The connection ends before the model has said why it stops. */
  readonly breaksOff?: boolean;
}

export interface Sent {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

export type Protocol = (turn: Turn, response: ServerResponse, sent: Sent) => void;

export class Double {
  readonly sent: Sent[] = [];
  readonly #server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const sent = {
        path: request.url ?? "",
        headers: request.headers,
        body: JSON.parse(Buffer.concat(parts).toString("utf8")) as Sent["body"],
      };
      const turn = this.turns[Math.min(this.sent.length, this.turns.length - 1)] ?? {};
      this.sent.push(sent);
      this.protocol(turn, response, sent);
    });
  });

  private constructor(
    private readonly protocol: Protocol,
    private readonly turns: readonly Turn[],
  ) {}

  static async start(protocol: Protocol, turns: readonly Turn[]): Promise<Double> {
    const double = new Double(protocol, turns);
    double.#server.listen(0, "127.0.0.1");
    await once(double.#server, "listening");
    return double;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function refuse(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function events(response: ServerResponse, list: readonly object[], named: boolean): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of list) {
    if (named) response.write(`event: ${String(Reflect.get(event, "type"))}\n`);
    response.write(`data: ${JSON.stringify(event)}\n\n`);
  }
  response.end();
}

export const anthropic: Protocol = (turn, response) => {
  const { thinking, text = [], call, error, breaksOff } = turn;
  if (error !== undefined)
    return refuse(response, error.status, {
      type: "error",
      error: { type: "invalid_request_error", message: error.message },
    });
  const usage = { input_tokens: 7, output_tokens: 0 };
  const list: object[] = [
    {
      type: "message_start",
      message: { id: "msg_1", type: "message", role: "assistant", model: "m", content: [], stop_reason: null, usage },
    },
  ];
  let index = 0;
  const block = (content_block: object, ...deltas: readonly object[]): void => {
    list.push({ type: "content_block_start", index, content_block });
    for (const delta of deltas) list.push({ type: "content_block_delta", index, delta });
    list.push({ type: "content_block_stop", index });
    index += 1;
  };
  if (thinking !== undefined)
    block(
      { type: "thinking", thinking: "", signature: "" },
      ...[...(thinking.match(/.{1,4}/gs) ?? [])].map((part) => ({ type: "thinking_delta", thinking: part })),
      { type: "signature_delta", signature: "c2lnbmVk" },
    );
  if (text.length > 0) block({ type: "text", text: "" }, ...text.map((part) => ({ type: "text_delta", text: part })));
  if (call !== undefined)
    block(
      { type: "tool_use", id: call.id, name: call.name, input: {} },
      { type: "input_json_delta", partial_json: JSON.stringify(call.args) },
    );
  if (breaksOff !== true)
    list.push(
      {
        type: "message_delta",
        delta: { stop_reason: call === undefined ? "end_turn" : "tool_use", stop_sequence: null },
        usage: { output_tokens: 5 },
      },
      { type: "message_stop" },
    );
  events(response, list, true);
};

export const google: Protocol = (turn, response) => {
  const { thinking, text = [], call, error, breaksOff } = turn;
  if (error !== undefined)
    return refuse(response, error.status, { error: { code: error.status, message: error.message, status: "INVALID" } });
  const parts: object[] = [
    ...(thinking === undefined ? [] : [{ text: thinking, thought: true }]),
    ...text.map((part) => ({ text: part })),
    ...(call === undefined
      ? []
      : [{ functionCall: { name: call.name, args: call.args }, thoughtSignature: "c2lnbmVk" }]),
  ];
  const list = parts.map((part, index) => ({
    candidates: [
      {
        index: 0,
        content: { role: "model", parts: [part] },
        ...(index === parts.length - 1 && breaksOff !== true ? { finishReason: "STOP" } : {}),
      },
    ],
    usageMetadata: {
      promptTokenCount: 7,
      candidatesTokenCount: index === parts.length - 1 ? 5 : 1,
      totalTokenCount: 12,
    },
  }));
  events(response, list, false);
};

export const ollama: Protocol = (turn, response) => {
  const { thinking, text = [], call, error, breaksOff } = turn;
  if (error !== undefined) return refuse(response, error.status, { error: error.message });
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  const line = (message: object, more: object = { done: false }): void => {
    const fields = { model: "m", created_at: "2025-01-01T00:00:00Z", message: { role: "assistant", ...message } };
    response.write(`${JSON.stringify({ ...fields, ...more })}\n`);
  };
  if (thinking !== undefined) line({ content: "", thinking });
  for (const part of text) line({ content: part });
  if (call !== undefined) line({ content: "", tool_calls: [{ function: { name: call.name, arguments: call.args } }] });
  if (breaksOff !== true)
    line({ content: "" }, { done: true, done_reason: "stop", prompt_eval_count: 7, eval_count: 5 });
  response.end();
};

export const mistral: Protocol = (turn, response) => {
  const { thinking, text = [], call, error, breaksOff } = turn;
  if (error !== undefined) return refuse(response, error.status, { object: "error", message: error.message });
  const chunk = (delta: object, more: object = {}, finish_reason: string | null = null): object => ({
    id: "c1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta: { role: "assistant", ...delta }, finish_reason }],
    ...more,
  });
  const calls =
    call === undefined ? [] : [{ id: call.id, function: { name: call.name, arguments: JSON.stringify(call.args) } }];
  const list = [
    ...(thinking === undefined
      ? []
      : [chunk({ content: [{ type: "thinking", thinking: [{ type: "text", text: thinking }] }] })]),
    ...text.map((part) => chunk({ content: part })),
    ...(breaksOff === true
      ? []
      : [
          chunk(
            call === undefined ? { content: "" } : { content: "", tool_calls: calls },
            { usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 } },
            call === undefined ? "stop" : "tool_calls",
          ),
        ]),
  ];
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of list) response.write(`data: ${JSON.stringify(event)}\n\n`);
  if (breaksOff !== true) response.write("data: [DONE]\n\n");
  response.end();
};

/** A message of AWS's binary event stream: lengths, checksums, headers of strings, a payload of JSON. */
function awsEvent(headers: Readonly<Record<string, string>>, payload: object): Buffer {
  const encoded = Object.entries(headers).map(([name, value]) => {
    const [key, text] = [Buffer.from(name), Buffer.from(value)];
    const length = Buffer.alloc(2);
    length.writeUInt16BE(text.length);
    return Buffer.concat([Buffer.from([key.length]), key, Buffer.from([7]), length, text]);
  });
  const head = Buffer.concat(encoded);
  const body = Buffer.from(JSON.stringify(payload));
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(head.length + body.length + 16, 0);
  prelude.writeUInt32BE(head.length, 4);
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
  const message = Buffer.concat([prelude, head, body]);
  const end = Buffer.alloc(4);
  end.writeUInt32BE(crc32(message));
  return Buffer.concat([message, end]);
}

export const bedrock: Protocol = (turn, response) => {
  const { thinking, text = [], call, error, breaksOff } = turn;
  if (error !== undefined) {
    response.writeHead(error.status, {
      "content-type": "application/json",
      "x-amzn-errortype": "ValidationException",
    });
    response.end(JSON.stringify({ message: error.message }));
    return;
  }
  response.writeHead(200, { "content-type": "application/vnd.amazon.eventstream" });
  const event = (type: string, payload: object): void => {
    response.write(
      awsEvent({ ":event-type": type, ":content-type": "application/json", ":message-type": "event" }, payload),
    );
  };
  event("messageStart", { role: "assistant" });
  let contentBlockIndex = 0;
  const delta = (content: object): void => {
    event("contentBlockDelta", { contentBlockIndex, delta: content });
  };
  const stop = (): void => {
    event("contentBlockStop", { contentBlockIndex });
    contentBlockIndex += 1;
  };
  if (thinking !== undefined) {
    delta({ reasoningContent: { text: thinking } });
    delta({ reasoningContent: { signature: "c2lnbmVk" } });
    stop();
  }
  for (const part of text) delta({ text: part });
  if (text.length > 0) stop();
  if (call !== undefined) {
    event("contentBlockStart", {
      contentBlockIndex,
      start: { toolUse: { toolUseId: call.id, name: call.name } },
    });
    delta({ toolUse: { input: JSON.stringify(call.args) } });
    stop();
  }
  if (breaksOff !== true) {
    event("messageStop", { stopReason: call === undefined ? "end_turn" : "tool_use" });
    event("metadata", { usage: { inputTokens: 7, outputTokens: 5, totalTokens: 12 }, metrics: { latencyMs: 1 } });
  }
  response.end();
};
