/**
 * A server of OpenAI's chat completions that refuses, with status 400 and the reason, what the strictest of them refuse: unknown
 * content parts, calls without results, results without calls, ids that repeat or are too long, names, empty messages.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface WireCall {
  readonly id?: unknown;
  readonly type?: unknown;
  readonly function?: { readonly name?: unknown; readonly arguments?: unknown };
}

export interface WireMessage {
  readonly role?: unknown;
  readonly content?: unknown;
  readonly name?: unknown;
  readonly tool_calls?: unknown;
  readonly tool_call_id?: unknown;
}

const NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const ID = /^[a-zA-Z0-9_-]{1,40}$/;
const DATA_URL = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$/;
const MESSAGE_KEYS = ["role", "content", "name", "tool_calls", "tool_call_id"];

function partComplaint(part: unknown, role: unknown): string | undefined {
  if (typeof part !== "object" || part === null) return "is not an object";
  const { type, text, image_url: image, ...rest } = part as Record<string, unknown>;
  if (type === "text") {
    if (typeof text !== "string" || text.trim() === "") return "has no text";
    return image === undefined && Object.keys(rest).length === 0 ? undefined : "has unknown fields";
  }
  if (type !== "image_url" || role !== "user")
    return `has the type ${JSON.stringify(type)}, which ${String(role)} cannot have`;
  const url = (image as { url?: unknown } | undefined)?.url;
  const isReadable = typeof url === "string" && (DATA_URL.test(url) || /^https?:\/\//.test(url));
  return isReadable && Object.keys(rest).length === 0 ? undefined : "is not a picture that can be read";
}

function contentComplaints(message: WireMessage, at: string): string[] {
  const { role, content, tool_calls: calls } = message;
  if (typeof content === "string")
    return content.trim() === "" && calls === undefined ? [`${at}.content is empty`] : [];
  if (content === null && calls !== undefined) return [];
  if (!Array.isArray(content) || content.length === 0) return [`${at}.content is neither a text nor a list`];
  return content.flatMap((part, index) => {
    const complaint = partComplaint(part, role);
    return complaint === undefined ? [] : [`${at}.content[${index}] ${complaint}`];
  });
}

function callComplaints(calls: unknown, at: string, seen: Set<string>): string[] {
  if (!Array.isArray(calls) || calls.length === 0) return [`${at}.tool_calls is empty`];
  return (calls as WireCall[]).flatMap(({ id, type, function: called }, index) => {
    const place = `${at}.tool_calls[${index}]`;
    const found: string[] = [];
    if (typeof id !== "string" || !ID.test(id)) found.push(`${place}.id does not match ${ID.source}`);
    if (typeof id === "string" && seen.has(id)) found.push(`${place}.id is there twice`);
    if (typeof id === "string") seen.add(id);
    if (type !== "function") found.push(`${place}.type is not function`);
    if (typeof called?.name !== "string" || !NAME.test(called.name)) found.push(`${place}.function.name is wrong`);
    try {
      if (typeof JSON.parse(String(called?.arguments)) !== "object") throw new TypeError("not an object");
    } catch {
      found.push(`${place}.function.arguments is not JSON`);
    }
    return found;
  });
}

/** What is wrong with the messages of a request; empty where a strict server would answer it. */
export function complaintsAbout(messages: readonly WireMessage[]): string[] {
  const found: string[] = messages.length === 0 ? ["messages is empty"] : [];
  const seen = new Set<string>();
  let open = new Set<unknown>();
  let before: unknown;
  for (const [index, message] of messages.entries()) {
    const at = `messages[${index}]`;
    const { role, tool_calls: calls, tool_call_id: callId, name } = message;
    found.push(
      ...Object.keys(message)
        .filter((key) => !MESSAGE_KEYS.includes(key))
        .map((key) => `${at}.${key} is unknown`),
    );
    if (typeof role !== "string" || !["system", "user", "assistant", "tool"].includes(role))
      found.push(`${at}.role is unknown`);
    if (role === "system" && index > 0) found.push(`${at} is a system message behind others`);
    if (role === before && (role === "user" || role === "assistant")) found.push(`${at} follows one of its role`);
    if (name !== undefined && (typeof name !== "string" || !NAME.test(name))) found.push(`${at}.name is wrong`);
    if (role === "tool" && !open.delete(callId)) found.push(`${at}.tool_call_id answers no call before it`);
    if (role !== "tool" && open.size > 0) found.push(`${at} stands where results of ${[...open].join(", ")} must`);
    if (role !== "tool") open = new Set(Array.isArray(calls) ? (calls as WireCall[]).map(({ id }) => id) : []);
    found.push(...contentComplaints(message, at), ...(calls === undefined ? [] : callComplaints(calls, at, seen)));
    before = role;
  }
  if (open.size > 0) found.push(`results of ${[...open].join(", ")} are missing at the end`);
  return found;
}

async function answer(request: IncomingMessage, response: ServerResponse, received: WireMessage[][]): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
  const { messages } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { messages: WireMessage[] };
  received.push(messages);
  const complaints = complaintsAbout(messages);
  if (complaints.length > 0) {
    response.writeHead(400, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: { message: complaints.join("; "), type: "invalid_request_error" } }));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (delta: object, reason: string | null): void => {
    const chunk = { id: "c", object: "chat.completion.chunk", created: 1, model: "strict" };
    response.write(`data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`);
  };
  send({ role: "assistant", content: "Understood." }, null);
  send({}, "stop");
  response.end("data: [DONE]\n\n");
}

export class StrictChatServer {
  /** The messages of each request. */
  readonly received: WireMessage[][] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<StrictChatServer> {
    const server = createServer((request, response) => {
      answer(request, response, started.received).catch(() => response.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const started = new StrictChatServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
    return started;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, "close");
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}
