/** The SQL of locks. The key of an advisory lock is the number that `pg_locks` shows in two halves. */
import { heldRow } from "./guards.js";
import { synced } from "./outcomes.js";
import { statement, type Statement } from "./statement.js";
import type { Tables } from "./tables.js";

export interface AcquiredRow {
  readonly version: number | null;
  /** Null where another session has the lock. */
  readonly fence: number | null;
  readonly previous_holder: string | null;
  readonly previous_since: string | null;
}

export interface FoundRow {
  readonly name: string;
  readonly holder: string;
  readonly since: string;
  readonly alive: boolean;
}

export interface LockStatements {
  readonly acquire: Statement;
  /** $1 to $3 as a guard: a row where it is still held. */
  readonly check: Statement;
  /** $4: the key. No row where it is another's; whether the advisory lock was free otherwise. */
  readonly retake: Statement;
  readonly release: Statement;
  /** The row alone. */
  readonly forget: Statement;
  readonly unlock: Statement;
  /** Of these keys, those that this session has. */
  readonly mine: Statement;
  /** Of these names, or all. */
  readonly find: Statement;
}

const ADVISORY = `p.locktype = 'advisory' and p.granted and p.objsubid = 1
  and p.database = (select oid from pg_database where datname = current_database())`;
const KEY = "((p.classid::int8 << 32) | p.objid::int8)";

/** Whether a lock of this name is held; in SQL. */
export function isAlive({ locks }: Tables, name: string): string {
  return `exists (select 1 from ${locks} l where l.name = ${name} and exists (
    select 1 from pg_locks p where ${ADVISORY} and ${KEY} = l.key))`;
}

export function lockStatements(tables: Tables): LockStatements {
  const { locks, store, fences } = tables;
  const isMine = `exists (select 1 from pg_locks p where ${ADVISORY} and p.pid = pg_backend_pid() and ${KEY} = $1::int8)`;
  return {
    // The session may have it already, of a lock that was lost or given back: never twice, since each would have to be given back.
    // Its commit is not waited for: what is durable under the lock is behind it in the server's log, and makes it durable too.
    acquire: statement(
      `with got as materialized (select case when ${isMine} then true else pg_try_advisory_lock($1::int8) end as ok),
         put as (
           insert into ${locks} as l (name, key, fence, nonce, holder, since)
           select $2, $1::int8, nextval('${fences}'), $3, $4, $5 from got where ok
           on conflict (name) do update set key = excluded.key, fence = excluded.fence, nonce = excluded.nonce,
             holder = excluded.holder, since = excluded.since, previous_holder = l.holder, previous_since = l.since
           returning fence, previous_holder, previous_since)
       select (select version from ${store}) as version, put.fence, put.previous_holder, put.previous_since, ${synced("off")} as durability
       from got left join put on true`,
    ),
    check: statement(`select 1 from ${locks} where name = $1 and fence = $2::int8 and nonce = $3`),
    retake: statement(`with ${heldRow(tables)} select pg_try_advisory_lock($4::int8) as taken from held`),
    release: statement(
      `with gone as (delete from ${locks} where name = $1 and fence = $2::int8 and nonce = $3)
       select pg_advisory_unlock($4::int8), ${synced("off")} as durability`,
    ),
    forget: statement(
      `with gone as (delete from ${locks} where name = $1 and fence = $2::int8 and nonce = $3) select ${synced("off")} as durability`,
    ),
    unlock: statement("select pg_advisory_unlock($1::int8)"),
    mine: statement(
      `select ${KEY}::text as key from pg_locks p where ${ADVISORY} and p.pid = pg_backend_pid() and ${KEY} = any($1::int8[])`,
    ),
    find: statement(
      `select l.name, l.holder, l.since, exists (select 1 from pg_locks p where ${ADVISORY} and ${KEY} = l.key) as alive
       from ${locks} l where $1::text[] is null or l.name = any($1::text[]) order by l.name`,
    ),
  };
}
