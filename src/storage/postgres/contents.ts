/**
 * Reading: each look is one statement and so sees one moment. What is large comes in pages of one snapshot. A log's size and
 * version are those of its last part, so that an append touches no other row.
 */
import { DraftstateError } from "../../errors.js";
import type { Area, End, Key, ListOptions, ReadOptions, Stat } from "../storage.js";
import type { PostgresClient } from "./pool.js";
import type { Schema } from "./schema.js";
import type { Server } from "./server.js";
import { statement, type Statement } from "./statement.js";
import type { Tables } from "./tables.js";

/** Up to here a content comes in one row. */
const ONE_ROW_BYTES = 16 * 1024 * 1024;
const PAGE_BYTES = 8 * 1024 * 1024;
/** Ends asked for in one statement. */
const ENDS_AT_ONCE = 20_000;

interface StatRow {
  readonly version: string;
  readonly size: number;
  readonly modified: number;
}

interface ContentRow extends StatRow {
  readonly bytes: string | null;
  readonly head: string | null;
  readonly blob: number | null;
}

interface EndRow extends StatRow {
  readonly place: number;
  readonly bytes: string;
}

export class Contents {
  readonly #whole: Statement;
  readonly #ends: Statement;
  readonly #stat: Statement;
  readonly #names: Statement;
  readonly #page: Statement;

  constructor(
    private readonly server: Server,
    private readonly schema: Schema,
    tables: Tables,
    private readonly describe: (key: Key) => string,
  ) {
    const { entries, parts } = tables;
    const last = `left join lateral (select p.ends, p.at from ${parts} p where p.blob = e.blob order by p.ends desc limit 1) l on true`;
    const size = "coalesce(l.ends, e.size)";
    const stat = `e.version || coalesce('.' || l.ends, '') as version, ${size} as size,
      (extract(epoch from coalesce(l.at, e.modified_at)) * 1000)::float8 as modified`;
    const tail = `(${size} - $3::int8)`;
    this.#stat = statement(`select ${stat} from ${entries} e ${last} where e.area = $1 and e.name = $2`);
    this.#whole = statement(
      `select ${stat}, e.blob,
         case when ${size} <= $3::int8 then encode(e.bytes || coalesce(
           (select string_agg(p.bytes, ''::bytea order by p.ends) from ${parts} p where p.blob = e.blob), ''), 'hex') end as bytes,
         case when ${size} > $3::int8 then encode(e.bytes, 'hex') end as head
       from ${entries} e ${last} where e.area = $1 and e.name = $2`,
    );
    this.#ends = statement(
      `select k.place::int4 as place, ${stat},
         encode(substring(e.bytes from greatest(1, ${tail} + 1)::int4) || coalesce(
           (select string_agg(
              substring(p.bytes from greatest(1, ${tail} - p.ends + octet_length(p.bytes) + 1)::int4), ''::bytea order by p.ends)
            from ${parts} p where p.blob = e.blob and p.ends > ${tail}), ''), 'hex') as bytes
       from unnest($1::text[], $2::text[]) with ordinality k(area, name, place)
       join ${entries} e on e.area = k.area and e.name = k.name ${last}`,
    );
    this.#names = statement(
      `select e.name from ${entries} e
       where e.area = $1 and e.name >= $2 and ($3::text is null or e.name < $3) and ($4::text is null or e.name > $4)
       order by e.name limit $5::int8`,
    );
    this.#page = statement(
      `select encode(p.bytes, 'hex') as bytes from ${parts} p where p.blob = $1::int8 and p.ends > $2::int8
         and p.ends <= greatest($3::int8, (select min(n.ends) from ${parts} n where n.blob = $1::int8 and n.ends > $2::int8))
       order by p.ends`,
    );
  }

  async read(key: Key, options: ReadOptions): Promise<Uint8Array | undefined> {
    const { maxBytes } = options;
    const [row] = await this.#rows<ContentRow>(this.#whole, [key.area, key.name, wholeLimit(maxBytes)]);
    if (row === undefined) return undefined;
    if (maxBytes !== undefined && row.size > maxBytes)
      throw new DraftstateError(
        "CORRUPT",
        `${this.describe(key)} has ${row.size} bytes, more than the limit of ${maxBytes}`,
        { path: this.describe(key) },
      );
    return row.bytes === null ? this.#readPaged(key, options) : bytesOf(row.bytes);
  }

  async stat(key: Key): Promise<Stat | undefined> {
    const [row] = await this.#rows<StatRow>(this.#stat, [key.area, key.name]);
    return row === undefined ? undefined : statOf(row);
  }

  async ends(keys: readonly Key[], length: number): Promise<(End | undefined)[]> {
    const found: (End | undefined)[] = keys.map(() => undefined);
    for (let from = 0; from < keys.length; from += ENDS_AT_ONCE) {
      const asked = keys.slice(from, from + ENDS_AT_ONCE);
      const names = [asked.map(({ area }) => area), asked.map(({ name }) => name)];
      for (const row of await this.#rows<EndRow>(this.#ends, [...names, length]))
        found[from + row.place - 1] = { ...statOf(row), bytes: bytesOf(row.bytes) };
    }
    return found;
  }

  async list(area: Area, { prefix = "", after, limit }: ListOptions): Promise<string[]> {
    const values = [area, prefix, endOfPrefix(prefix), after ?? null, limit ?? null];
    return (await this.#rows<{ name: string }>(this.#names, values)).map(({ name }) => name);
  }

  /** None where there are no tables. */
  async #rows<Row>(asked: Statement, values: readonly unknown[]): Promise<Row[]> {
    return (await this.schema.isReady()) ? this.server.read<Row>(asked, values) : [];
  }

  /** In one snapshot, so that no part of another version gets in. */
  #readPaged(key: Key, options: ReadOptions): Promise<Uint8Array | undefined> {
    return this.server.trying("read", () =>
      this.server.withClient(async (client) => {
        await client.query({ text: "begin isolation level repeatable read read only" });
        const bytes = await this.#readWithin(client, key, options);
        await client.query({ text: "commit" });
        return bytes;
      }),
    );
  }

  async #readWithin(
    client: PostgresClient,
    key: Key,
    { maxBytes = Infinity }: ReadOptions,
  ): Promise<Buffer | undefined> {
    const [row] = await this.server.on<ContentRow>(client, this.#whole, [key.area, key.name, 0]);
    if (row === undefined) return undefined;
    if (row.size > maxBytes) throw new DraftstateError("CORRUPT", `${this.describe(key)} grew while it was read`);
    const content = Buffer.alloc(row.size);
    let filled = content.write(row.head ?? row.bytes ?? "", "hex");
    while (filled < row.size) {
      const values = [row.blob, filled, filled + PAGE_BYTES];
      const page = await this.server.on<{ bytes: string }>(client, this.#page, values);
      if (page.length === 0)
        throw new DraftstateError("CORRUPT", `${this.describe(key)} lacks a part behind byte ${filled}`);
      for (const { bytes } of page) filled += content.write(bytes, filled, "hex");
    }
    return content;
  }
}

function statOf({ version, size, modified }: StatRow): Stat {
  return { version, size, modifiedAt: new Date(modified) };
}

/** As text in the answer: the driver takes binary answers for text. */
function bytesOf(hex: string): Buffer {
  return Buffer.from(hex, "hex");
}

function wholeLimit(maxBytes: number | undefined): number {
  return Math.min(maxBytes ?? ONE_ROW_BYTES, ONE_ROW_BYTES);
}

/** Behind all names that begin with the prefix; null where that is the end. */
function endOfPrefix(prefix: string): string | null {
  return prefix === "" ? null : `${prefix}\u{10FFFF}`;
}
