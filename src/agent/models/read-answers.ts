/**
 * What servers answer beside the protocol → what the client above understands: a complete answer where a stream was asked for, an error
 * with status 200 or in the middle of a stream, errors in forms of their own. A stream ends with `[DONE]`, also where the connection stays open.
 */
import type { Fetch } from "../../http/policy.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../model/json.js";
import { jsonWords, wordsOf } from "./server-words.js";

const EVENT_START = /^\s*(data|event|id|retry|error)?:/;
const DONE = /^data: ?\[DONE\]/m;
const ERROR_EVENT = /^event: ?error\b/m;
const ERROR_LINE = /^error: ?(.*)$/m;
const ERROR_OBJECT = /^data: ?(\{.*"object"\s*:\s*"error".*\})$/m;
const DATA_LINE = /^data: ?(.*)$/m;

/** `onBroken` is told once of each answer with bytes that are not UTF-8. */
export function readAnswers(fetch: Fetch, onBroken: () => void = () => undefined): Fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (response.body === null) return response;
    if (!response.ok) return refusal(response, await response.text());
    if (typeof init?.body !== "string" || !/"stream"\s*:\s*true/.test(init.body)) return response;
    return streamed(response, response.body, new TextOf(onBroken));
  };
}

/** In the one form that the client gives on. */
function refusal({ status, headers }: Pick<Response, "status" | "headers">, text: string): Response {
  const words = wordsOf(text);
  const body = isOpenAiError(text) || words === undefined ? text : JSON.stringify({ error: { message: words } });
  const kept = new Headers(headers);
  for (const name of ["content-length", "content-encoding"]) kept.delete(name);
  kept.set("content-type", "application/json");
  return new Response(body, { status, headers: kept });
}

function isOpenAiError(text: string): boolean {
  try {
    const error = ownValue(JSON.parse(text) as JsonObject, "error");
    return isJsonObject(error) && typeof error["message"] === "string";
  } catch {
    return false;
  }
}

/** Bytes of whole characters as text, and a word where they are not UTF-8: what is broken is read as U+FFFD. */
class TextOf {
  readonly #strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #isBroken = false;

  constructor(private readonly onBroken: () => void) {}

  read(bytes: Uint8Array): string {
    try {
      return this.#strict.decode(bytes);
    } catch {
      if (!this.#isBroken) this.onBroken();
      this.#isBroken = true;
      return Buffer.from(bytes).toString("utf8");
    }
  }
}

async function streamed(response: Response, body: ReadableStream<Uint8Array>, text: TextOf): Promise<Response> {
  const pieces = body[Symbol.asyncIterator]();
  const first = await pieces.next();
  const start = first.done === true ? "" : text.read(first.value);
  const headers = { "content-type": "text/event-stream" };
  if (first.done === true || EVENT_START.test(start))
    return new Response(ReadableStream.from(events(first, pieces, text)), { status: response.status, headers });
  const parts = [start];
  for (let next = await pieces.next(); next.done !== true; next = await pieces.next())
    parts.push(text.read(next.value));
  return whole(parts.join(""));
}

/** A complete answer becomes a stream of one event; anything else is an error, whatever its status. */
function whole(text: string): Response {
  let value: Json | undefined;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    value = undefined;
  }
  if (isJsonObject(value) && Array.isArray(value["choices"]))
    return new Response(`data: ${JSON.stringify(asChunk(value))}\n\ndata: [DONE]\n\n`, {
      headers: { "content-type": "text/event-stream" },
    });
  const words = jsonWords(value) ?? wordsOf(text) ?? "nothing";
  const message = `the server answered with status 200 and ${words}`;
  return refusal({ status: 400, headers: new Headers() }, JSON.stringify({ error: { message } }));
}

/** Calls of a stream are told apart by their index. */
function asChunk(answer: JsonObject): JsonObject {
  const choices = (answer["choices"] as readonly Json[]).map((choice) => {
    const message = isJsonObject(choice) ? ownValue(choice, "message") : undefined;
    if (!isJsonObject(choice) || !isJsonObject(message) || !Array.isArray(message["tool_calls"])) return choice;
    const calls = (message["tool_calls"] as readonly Json[]).map((call, index) =>
      isJsonObject(call) ? { index, ...call } : call,
    );
    return { ...choice, message: { ...message, tool_calls: calls } };
  });
  return { ...answer, choices };
}

async function* events(
  first: IteratorResult<Uint8Array, unknown>,
  pieces: AsyncIterator<Uint8Array>,
  reader: TextOf,
): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; next.done !== true; next = await pieces.next()) {
      // Whole events: what is below holds them together.
      const text = reader.read(next.value);
      const words = errorIn(text);
      if (words !== undefined) throw new Error(words);
      yield next.value;
      if (DONE.test(text)) return;
    }
  } finally {
    await pieces.return?.();
  }
}

function errorIn(text: string): string | undefined {
  const object = ERROR_OBJECT.exec(text)?.[1];
  if (object !== undefined) return wordsOf(object);
  const line = ERROR_LINE.exec(text)?.[1];
  if (line !== undefined) return wordsOf(line) ?? "the server ended the answer with an error and said no more";
  if (!ERROR_EVENT.test(text)) return undefined;
  return (
    wordsOf(DATA_LINE.exec(text.slice(text.search(ERROR_EVENT)))?.[1] ?? "") ??
    "the server ended the answer with an error and said no more"
  );
}
