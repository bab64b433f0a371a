/**
 * A bound for what a server may send before an event of its stream is whole. Held together here until then, so that the
 * client above, which looks through all it has at each piece, is given each event once.
 */
import { ERROR_LIMIT, EVENT_LIMIT, HttpPolicyError, MODEL_ADDRESS, type Fetch } from "./policy.js";

const MIB = 2 ** 20;
const BLANK_LINES = ["\n\n", "\r\n\r\n", "\r\r"].map((text) => Buffer.from(text));
/** Of a stream with one event a line. */
const LINE_ENDS = [Buffer.from("\n")];
/** So much of a blank line may have come with the piece before. */
const CARRY = 3;

function tooMuch(limit: number, address: string): HttpPolicyError {
  return new HttpPolicyError(
    `the server sent more than ${limit / MIB} MiB without ending an event: this is not an answer, check ${address}`,
  );
}

/** Where the last blank line ends; 0 if there is none. */
function endOfEvents(bytes: Buffer, ends: readonly Buffer[]): number {
  return Math.max(
    ...ends.map((line) => {
      const start = bytes.lastIndexOf(line);
      return start === -1 ? 0 : start + line.length;
    }),
  );
}

interface Transformer<In, Out> {
  transform(piece: In, controller: TransformStreamDefaultController<Out>): void;
  flush?(controller: TransformStreamDefaultController<Out>): void;
}

/** A comment does not count as an event: a server that only sends comments must not hold its reader for ever. */
const DATA = Buffer.from("data");

class EventStream implements Transformer<Uint8Array, Uint8Array> {
  #held: Uint8Array[] = [];
  /** Since an event ended. */
  #size = 0;
  #carry: Uint8Array = new Uint8Array();

  constructor(
    private readonly ends: readonly Buffer[],
    private readonly address: string,
  ) {}

  transform(piece: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>): void {
    const probe = Buffer.concat([this.#carry, piece]);
    const end = Math.max(0, endOfEvents(probe, this.ends) - this.#carry.length);
    if (end > 0) {
      this.#hold(piece.subarray(0, end));
      this.flush(controller);
    }
    this.#hold(piece.subarray(end));
    this.#carry = end > 0 ? piece.subarray(end).slice(-CARRY) : probe.subarray(-CARRY);
  }

  flush(controller: TransformStreamDefaultController<Uint8Array>): void {
    const whole = Buffer.concat(this.#held);
    if (whole.length > 0) controller.enqueue(whole);
    this.#held = [];
    if (this.ends === LINE_ENDS || whole.includes(DATA)) this.#size = 0;
  }

  #hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#held.push(bytes);
    this.#size += bytes.length;
    if (this.#size > EVENT_LIMIT) throw tooMuch(EVENT_LIMIT, this.address);
  }
}

class WholePage implements Transformer<Uint8Array, Uint8Array> {
  #size = 0;

  constructor(private readonly address: string) {}

  transform(piece: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>): void {
    this.#size += piece.length;
    if (this.#size > ERROR_LIMIT) throw tooMuch(ERROR_LIMIT, this.address);
    controller.enqueue(piece);
  }
}

/** What ends an event: a blank line, the end of a line, or nothing that is seen here. */
export type StreamForm = "events" | "lines" | "bytes";

export function limitEvents(fetch: Fetch, address = MODEL_ADDRESS, form: StreamForm = "events"): Fetch {
  const ends = form === "lines" ? LINE_ENDS : BLANK_LINES;
  return async (input, init) => {
    const response = await fetch(input, init);
    if (response.body === null || (form === "bytes" && response.ok)) return response;
    const transformer: Transformer<Uint8Array, Uint8Array> = response.ok
      ? new EventStream(ends, address)
      : new WholePage(address);
    const limit = new TransformStream<Uint8Array, Uint8Array>(transformer);
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(limit), { status, statusText, headers });
  };
}
