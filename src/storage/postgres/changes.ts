/**
 * The changes of names and what they lead to. Each is one statement, and so one transaction with its guard, the note of its
 * outcome and the removal of what it replaces.
 */
import { DraftstateError } from "../../errors.js";
import type { Content, Key, Standing, WrittenLog } from "../storage.js";
import { isTaken } from "./errors.js";
import { assertNotGivenUp, guardValues, heldRow, lockLost, type Holding } from "./guards.js";
import { synced, type Outcomes } from "./outcomes.js";
import type { Server } from "./server.js";
import { sweptAway, type Gathered, type Staging } from "./staging.js";
import { statement, type Statement } from "./statement.js";
import type { Tables } from "./tables.js";

interface ChangeRow {
  readonly held: boolean;
  /** What a log continues is there as it was seen. */
  readonly stands: boolean;
  readonly staged: boolean;
  readonly changed: boolean;
  readonly blob: number | null;
}

/** A content that was put. */
interface PutContent {
  readonly version: string;
  /** Of the parts; null where it has none. */
  readonly blob: number | null;
}

export interface PutOptions {
  readonly holding?: Holding | undefined;
  /** The name to write as, where it is not the lock's. */
  readonly writer?: string;
  /** Of a log. */
  readonly continues?: Continued;
}

type Continued = Standing | WrittenLog | undefined;

/** How a content takes its name. */
export type Put = "replace" | "create" | "log";

export interface ChangesOptions {
  readonly server: Server;
  readonly tables: Tables;
  readonly outcomes: Outcomes;
  readonly staging: Staging;
  readonly now: () => Date;
}

export class Changes {
  readonly #put: Readonly<Record<Put, Readonly<Record<Gathered["kind"], Statement>>>>;
  readonly #move: Statement;
  readonly #remove: Statement;

  constructor(private readonly options: ChangesOptions) {
    const { tables } = options;
    const both = (put: Put) => ({
      small: putStatement(tables, put, "small"),
      staged: putStatement(tables, put, "staged"),
    });
    this.#put = { replace: both("replace"), create: both("create"), log: both("log") };
    this.#move = moveStatement(tables);
    this.#remove = removeStatement(tables);
  }

  /** Undefined where the name is taken and `put` is `create`. */
  async put(
    put: Put,
    key: Key,
    content: Content,
    { holding, writer = holding?.name ?? "", continues }: PutOptions = {},
  ): Promise<PutContent | undefined> {
    const { staging, outcomes, server } = this.options;
    assertNotGivenUp(server.place, holding);
    const gathered = await staging.gather(writer, key, content);
    try {
      const done = await outcomes.once<PutContent | undefined>(
        async (op, cleared) => {
          const row = await this.#run(this.#put[put][gathered.kind], holding, [
            op,
            cleared,
            key.area,
            key.name,
            this.options.now().toISOString(),
            ...(put === "log" ? valuesOf(continues) : []),
            ...(gathered.kind === "small" ? [gathered.bytes] : [gathered.op, gathered.size]),
          ]);
          if (!row.stands) throw wentBack(server.place, continues);
          if (gathered.kind === "staged" && !row.staged) throw sweptAway(server.place, key);
          return row.changed ? { version: op, blob: row.blob } : undefined;
        },
        ({ blob }, op) => ({ version: op, blob }),
      );
      if (done === undefined) await staging.discard(gathered);
      return done;
    } catch (error) {
      await staging.discard(gathered);
      throw error;
    }
  }

  async move(from: Key, to: Key, describe: (key: Key) => string, holding?: Holding): Promise<boolean> {
    try {
      return await this.#change(this.#move, holding, [from.area, from.name, to.area, to.name]);
    } catch (error) {
      if (!isTaken(causeOf(error))) throw error;
      throw new DraftstateError("STORAGE", `${describe(to)} exists already`, { path: describe(to) });
    }
  }

  remove(key: Key, holding?: Holding): Promise<boolean> {
    return this.#change(this.#remove, holding, [key.area, key.name]);
  }

  async #change(change: Statement, holding: Holding | undefined, values: readonly unknown[]): Promise<boolean> {
    assertNotGivenUp(this.options.server.place, holding);
    return this.options.outcomes.once(
      async (op, cleared) => (await this.#run(change, holding, [op, cleared, ...values])).changed,
      () => true,
    );
  }

  /** Throws `LOCKED` where the statement found the lock lost: it changed nothing then. */
  async #run(change: Statement, holding: Holding | undefined, values: readonly unknown[]): Promise<ChangeRow> {
    const { server } = this.options;
    const guard = holding === undefined ? [null, null, null] : guardValues(holding);
    const [row] = await server.once<ChangeRow>(change, [...guard, ...values]);
    if (row === undefined)
      throw new DraftstateError("STORAGE", `${server.place}: the server gave no answer to a change`);
    if (holding !== undefined && !row.held) throw lockLost(server.place, holding);
    return row;
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof DraftstateError ? error.cause : error;
}

function valuesOf(continues: Continued): unknown[] {
  if (continues === undefined) return [null, null, null, null];
  const { area, name } = continues.key;
  return "version" in continues ? [area, name, continues.version, null] : [area, name, null, continues.bytes];
}

function wentBack(place: string, continues: Continued): DraftstateError {
  const path = `${place}/${continues?.key.area ?? ""}/${continues?.key.name ?? ""}`;
  return new DraftstateError(
    "STORAGE",
    `${path} is not as this process left it: a server that lacks the last changes may have taken over; nothing was written`,
    { path },
  );
}

/** A change without a guard is allowed by a row of its own. */
function allowed(tables: Tables, condition = "true"): string {
  return `${heldRow(tables)},
    allowed as (select 1 from (select 1 from held union all select 1 where $1::text is null) a where ${condition})`;
}

/** $9 to $12: area and name of what a log continues, and its version as readers are told it, or the bytes that it has at least. */
function standing({ entries, parts }: Tables): string {
  return `($9::text is null or exists (
    select 1 from ${entries} e where e.area = $9 and e.name = $10 and (
      e.version = split_part($11::text, '.', 1) or e.size >= $12::int8
      or exists (select 1 from ${parts} p where p.blob = e.blob and p.ends >= $12::int8))))`;
}

/** $4 the outcome's name, $5 those that are cleared. */
function noted({ outcomes }: Tables, change: string, blob: string): string {
  return `noted as (insert into ${outcomes} (op, blob) select $4, ${blob} from ${change}),
    cleared as (delete from ${outcomes} where op = any($5::text[]))`;
}

/** $6 and $7 the key, $8 the time; of a log, what it continues; then the bytes, or the name and size of what was staged. */
function putStatement(tables: Tables, put: Put, kind: Gathered["kind"]): Statement {
  const { entries, parts, staged, blobs } = tables;
  const isLog = put === "log";
  const [first, second] = isLog ? ["$13", "$14"] : ["$9", "$10"];
  const source =
    kind === "small"
      ? `content as (select ${isLog ? `nextval('${blobs}')` : "null::int8"} as blob, octet_length(${first}::bytea)::int8 as size, ${first}::bytea as bytes from allowed)`
      : `content as (delete from ${staged} s using allowed where s.op = ${first} returning s.blob, ${second}::int8 as size, ''::bytea as bytes)`;
  const conflict =
    put === "create"
      ? "do nothing"
      : "do update set version = excluded.version, replaced = e.blob, blob = excluded.blob, size = excluded.size, bytes = excluded.bytes, modified_at = excluded.modified_at";
  // A content that was taken over, and whose name was taken, would not be cleared away by anything else.
  const refused =
    kind === "staged"
      ? `refused as (delete from ${parts} p using content c where p.blob = c.blob and not exists (select 1 from put)),`
      : "";
  return statement(
    `with ${allowed(tables, isLog ? standing(tables) : "true")},
      ${source},
      put as (
        insert into ${entries} as e (area, name, version, blob, size, bytes, modified_at)
        select $6, $7, $4, blob, size, bytes, $8::timestamptz from content
        on conflict (area, name) ${conflict} returning e.blob, e.replaced),
      gone as (delete from ${parts} p using put where p.blob = put.replaced),
      ${refused}
      ${noted(tables, "put", "blob")}
    select exists (select 1 from held) as held, ${isLog ? standing(tables) : "true"} as stands, exists (select 1 from content) as staged,
      exists (select 1 from put) as changed, (select blob from put) as blob, ${synced("on")} as durability`,
  );
}

/** $6 to $9 the keys. What has the target's name makes the statement fail. */
function moveStatement(tables: Tables): Statement {
  return statement(
    `with ${allowed(tables)},
      moved as (update ${tables.entries} set area = $8, name = $9 from allowed where area = $6 and name = $7 returning blob),
      ${noted(tables, "moved", "blob")}
    select exists (select 1 from held) as held, true as stands, true as staged, exists (select 1 from moved) as changed, null::int8 as blob,
      ${synced("on")} as durability`,
  );
}

/** $6 and $7 the key. Not durable by itself. */
function removeStatement(tables: Tables): Statement {
  return statement(
    `with ${allowed(tables)},
      removed as (delete from ${tables.entries} using allowed where area = $6 and name = $7 returning blob),
      gone as (delete from ${tables.parts} p using removed where p.blob = removed.blob),
      ${noted(tables, "removed", "blob")}
    select exists (select 1 from held) as held, true as stands, true as staged, exists (select 1 from removed) as changed, null::int8 as blob,
      ${synced("off")} as durability`,
  );
}
