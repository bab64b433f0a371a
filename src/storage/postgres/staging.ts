/**
 * Contents too large for one row: their parts go to the server as they are made, under a number that no name leads to yet.
 * The change that follows takes the number over in one step. What a writer that died left is known by the name it wrote as.
 */
import { DraftstateError } from "../../errors.js";
import type { Content, Key } from "../storage.js";
import { synced } from "./outcomes.js";
import type { Server } from "./server.js";
import { statement, type Statement } from "./statement.js";
import type { Tables } from "./tables.js";

export const PART_BYTES = 1024 * 1024;

/** What is put under a name: small contents as they are, large ones by the number of their parts. */
export type Gathered =
  | { readonly kind: "small"; readonly bytes: Buffer }
  | { readonly kind: "staged"; readonly op: string; readonly size: number };

export class Staging {
  readonly #begin: Statement;
  readonly #append: Statement;
  readonly #discard: Statement;
  readonly #sweep: Statement;

  constructor(
    private readonly server: Server,
    { staged, parts, blobs }: Tables,
    private readonly randomName: () => string,
    private readonly now: () => Date,
  ) {
    // May be done twice: the second finds what the first did.
    this.#begin = statement(
      `insert into ${staged} (op, blob, writer, place) values ($1, nextval('${blobs}'), $2, $3)
       on conflict (op) do nothing returning ${synced("off")}`,
    );
    this.#append = statement(
      `with mine as (select blob from ${staged} where op = $1 for share),
         added as (insert into ${parts} (blob, ends, at, bytes) select blob, $2::int8, $3::timestamptz, $4::bytea from mine
           on conflict (blob, ends) do nothing)
       select ${synced("off")} from mine`,
    );
    this.#discard = statement(
      `with gone as (delete from ${staged} where op = $1 returning blob)
       delete from ${parts} p using gone where p.blob = gone.blob returning ${synced("off")}`,
    );
    this.#sweep = statement(
      `with gone as (delete from ${staged} where writer = $1 returning blob, place),
         lost as (delete from ${parts} p using gone where p.blob = gone.blob)
       select place from gone order by blob`,
    );
  }

  /** `writer`: the lock's name, or the name written as. */
  async gather(writer: string, key: Key, content: Content): Promise<Gathered> {
    if (content instanceof Uint8Array && content.length <= PART_BYTES)
      return { kind: "small", bytes: Buffer.from(content) };
    const parts = partsOf(content);
    const first = await parts.next();
    if (first.done === true) return { kind: "small", bytes: Buffer.alloc(0) };
    const second = await parts.next();
    if (second.done === true) return { kind: "small", bytes: first.value };
    return this.#stage(
      writer,
      key,
      (async function* () {
        yield first.value;
        yield second.value;
        yield* parts;
      })(),
    );
  }

  /** Of what no change took over. Never rejects: the next holder of the lock sweeps it. */
  async discard(gathered: Gathered): Promise<void> {
    if (gathered.kind === "staged") await this.server.once(this.#discard, [gathered.op]).catch(() => undefined);
  }

  async sweep(writer: string): Promise<string[]> {
    return (await this.server.read<{ place: string }>(this.#sweep, [writer])).map(({ place }) => place);
  }

  async #stage(writer: string, key: Key, parts: AsyncIterable<Buffer>): Promise<Gathered> {
    const op = this.randomName();
    const place = `${this.server.place}/staged/${op}`;
    await this.server.trying("write", () => this.server.once(this.#begin, [op, writer, place]));
    let size = 0;
    try {
      for await (const part of parts) {
        size += part.length;
        const values = [op, size, this.now().toISOString(), part];
        const found = await this.server.trying("write", () => this.server.once(this.#append, values));
        if (found.length === 0) throw sweptAway(place, key);
      }
    } catch (error) {
      await this.discard({ kind: "staged", op, size });
      throw error;
    }
    return { kind: "staged", op, size };
  }
}

export function sweptAway(place: string, { name }: Key): DraftstateError {
  return new DraftstateError(
    "STORAGE",
    `${place}: the unfinished content of ${name} was cleared away by another process, as if this one had died: try again`,
    { path: place },
  );
}

/** In parts of one size, the last one aside, whatever sizes they come in. */
async function* partsOf(content: Content): AsyncGenerator<Buffer, undefined> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  for await (const piece of content instanceof Uint8Array ? [content] : content) {
    for (let from = 0; from < piece.length;) {
      const taken = piece.subarray(from, from + PART_BYTES - size);
      // The caller may use the memory again.
      waiting.push(Uint8Array.from(taken));
      size += taken.length;
      from += taken.length;
      if (size < PART_BYTES) continue;
      yield Buffer.concat(waiting);
      waiting = [];
      size = 0;
    }
  }
  if (size > 0) yield Buffer.concat(waiting);
  return undefined;
}
