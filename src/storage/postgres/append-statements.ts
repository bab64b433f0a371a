/**
 * The SQL of appends. A row is written where its lock is held, and where its log is there and ends with the row before it: one
 * that was replaced, removed or lost its end in a crash of the server gets nothing more. A log is known by its number and its
 * version: a standby that took over may give a number that it never heard of to another log. The locks' rows are locked, as by
 * `heldRow`.
 */
import { guardValues, heldRow, type Holding } from "./guards.js";
import { synced } from "./outcomes.js";
import { statement, type Statement } from "./statement.js";
import type { Tables } from "./tables.js";

/** Whether the commit is waited for. */
export type Wait = "on" | "off";

export interface Row {
  readonly holding: Holding | undefined;
  readonly blob: number;
  readonly version: string;
  /** Where the log ends without the row, and with it. */
  readonly begins: number;
  readonly ends: number;
  readonly bytes: Uint8Array;
}

/** Each returns the numbers of the logs whose row was written. */
export interface AppendStatements {
  readonly one: Statement;
  readonly many: Statement;
}

export function appendStatements(tables: Tables, wait: Wait): AppendStatements {
  return { one: statement(ofOne(tables, wait)), many: statement(ofMany(tables, wait)) };
}

/** $1 to $3 the guard, $4 the log's number, $5 and $6 where it ends, $7 the time, $8 the bytes, $9 its version. */
function ofOne(tables: Tables, wait: Wait): string {
  return `with ${heldRow(tables)}
    insert into ${tables.parts} (blob, ends, at, bytes) select $4::int8, $6::int8, $7::timestamptz, $8::bytea
    where ($1::text is null or exists (select 1 from held)) and ${isEnd(tables, "$4::int8", "$9::text", "$5::int8")}
    returning blob, ${synced(wait)} as durability`;
}

/**
 * The same in arrays, the bytes one behind another: as elements of an array they would be sent as hexadecimal digits. $9 where
 * each begins, $10 the versions. The arrays stand in subqueries: where the server could count them, it would plan the statement anew each time.
 */
function ofMany(tables: Tables, wait: Wait): string {
  const { locks, parts } = tables;
  return `with asked as materialized (
      select * from unnest((select $1::text[]), (select $2::int8[]), (select $3::text[]), (select $4::int8[]),
        (select $5::int8[]), (select $6::int8[]), (select $9::int4[]), (select $10::text[]))
        a(name, fence, nonce, blob, begins, ends, start, version)),
    held as materialized (
      select a.blob from asked a cross join lateral (
        select 1 from ${locks} l where l.name = a.name and l.fence = a.fence and l.nonce = a.nonce for share) l)
    insert into ${parts} (blob, ends, at, bytes)
    select a.blob, a.ends, $7::timestamptz, substring($8::bytea from a.start for (a.ends - a.begins)::int4) from asked a
    where (a.name is null or a.blob in (select blob from held)) and ${isEnd(tables, "a.blob", "a.version", "a.begins")}
    returning blob, ${synced(wait)} as durability`;
}

/** Looked up for each row, however many rows and logs there are: never by reading a whole table. */
function isEnd({ parts, entries }: Tables, blob: string, version: string, end: string): string {
  const hasPart = `coalesce((select true from ${parts} p where p.blob = ${blob} and p.ends = ${end} limit 1), false)`;
  return `coalesce((select e.size = ${end} or ${hasPart} from ${entries} e
    where e.blob = ${blob} and e.version = ${version} limit 1), false)`;
}

export function valuesOfOne({ holding, blob, version, begins, ends, bytes }: Row, now: Date): unknown[] {
  return [...guardOf(holding), blob, begins, ends, now.toISOString(), bufferOf(bytes), version];
}

export function valuesOfMany(rows: readonly Row[], now: Date): unknown[] {
  const guards = rows.map(({ holding }) => guardOf(holding));
  let start = 1;
  const starts = rows.map(({ bytes }) => (start += bytes.length) - bytes.length);
  return [
    ...[0, 1, 2].map((index) => guards.map((values) => values[index])),
    rows.map(({ blob }) => blob),
    rows.map(({ begins }) => begins),
    rows.map(({ ends }) => ends),
    now.toISOString(),
    Buffer.concat(rows.map(({ bytes }) => bytes)),
    starts,
    rows.map(({ version }) => version),
  ];
}

function guardOf(holding: Holding | undefined): unknown[] {
  return holding === undefined ? [null, null, null] : guardValues(holding);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
