/**
 * A log under a name: an append is one row and one round trip, checked against the lock's fencing token in the statement itself.
 * A row is known by the byte at which it ends, so that one whose answer was lost is found, and none is there twice.
 */
import { DraftstateError } from "../../errors.js";
import type { Log } from "../storage.js";
import { isTaken } from "./errors.js";
import { assertNotGivenUp, guardValues, heldRow, lockLost, type Holding } from "./guards.js";
import { synced } from "./outcomes.js";
import type { Server } from "./server.js";
import { statement, type Statement } from "./statement.js";
import type { Tables } from "./tables.js";

type Wait = "on" | "off";

export interface LogStatements {
  readonly guarded: Readonly<Record<Wait, Statement>>;
  readonly free: Readonly<Record<Wait, Statement>>;
  readonly look: Statement;
}

export function logStatements(tables: Tables): LogStatements {
  const { entries, parts } = tables;
  const guarded = (wait: Wait): Statement =>
    statement(
      `with ${heldRow(tables)}
       insert into ${parts} (blob, ends, at, bytes) select $4::int8, $5::int8, $6::timestamptz, $7::bytea from held returning ${synced(wait)}`,
    );
  // What is appended to a log whose name went to another is gone, as from a file without a name.
  const free = (wait: Wait): Statement =>
    statement(
      `insert into ${parts} (blob, ends, at, bytes) select $1::int8, $2::int8, $3::timestamptz, $4::bytea
       from ${entries} where blob = $1::int8 returning ${synced(wait)}`,
    );
  return {
    guarded: { on: guarded("on"), off: guarded("off") },
    free: { on: free("on"), off: free("off") },
    look: statement(`select 1 from ${parts} where blob = $1::int8 and ends = $2::int8`),
  };
}

export interface PostgresLogOptions {
  readonly server: Server;
  readonly statements: LogStatements;
  readonly blob: number;
  /** Bytes that the log begins with. */
  readonly size: number;
  readonly holding: Holding | undefined;
  readonly now: () => Date;
  readonly changed: () => void;
  /** Makes durable what was committed before, and rejects with `LOCKED` once the lock is lost. */
  readonly settle: () => Promise<void>;
}

/** Of one row: what is read back must fit into a string as hexadecimal digits. */
const ROW_BYTES = 64 * 1024 * 1024;

export class PostgresLog implements Log {
  #size: number;
  #state: "open" | "failed" | "closed" = "open";
  /** Appends are written one after another. */
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly options: PostgresLogOptions) {
    this.#size = options.size;
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.#inTurn(bytes, "off");
  }

  appendDurably(bytes: Uint8Array): Promise<void> {
    return this.#inTurn(bytes, "on");
  }

  sync(): Promise<void> {
    return this.options.settle();
  }

  async close(): Promise<void> {
    this.#state = "closed";
  }

  #inTurn(bytes: Uint8Array, wait: Wait): Promise<void> {
    const appended = this.#last.then(() => this.#append(bytes, wait));
    this.#last = appended.catch(() => undefined);
    return appended;
  }

  async #append(bytes: Uint8Array, wait: Wait): Promise<void> {
    const { server, holding } = this.options;
    assertNotGivenUp(server.place, holding);
    if (this.#state !== "open") throw spent(server.place);
    if (bytes.length === 0 && wait === "on") await this.sync();
    for (let from = 0; from < bytes.length; from += ROW_BYTES)
      await this.#appendRow(bytes.subarray(from, from + ROW_BYTES), wait);
    this.options.changed();
  }

  async #appendRow(bytes: Uint8Array, wait: Wait): Promise<void> {
    const ends = this.#size + bytes.length;
    try {
      await this.options.server.trying("append", (attempt) => this.#attempt(bytes, ends, wait, attempt));
    } catch (error) {
      // Whether it is there nobody knows: nothing may be written behind it.
      if (this.#state === "open") this.#state = "failed";
      throw error;
    }
    this.#size = ends;
  }

  /** Another attempt begins with a look: a connection that was cut says nothing about the batch. */
  async #attempt(bytes: Uint8Array, ends: number, wait: Wait, attempt: number): Promise<void> {
    if (attempt > 1 && (await this.#isThere(ends))) return;
    try {
      await this.#insert(bytes, ends, wait);
    } catch (error) {
      // The first attempt was still under way when it was looked for: nobody else writes rows of this log.
      if (attempt === 1 || !isTaken(error)) throw error;
    }
  }

  async #insert(bytes: Uint8Array, ends: number, wait: Wait): Promise<void> {
    const { server, statements, blob, holding, now } = this.options;
    const row = [blob, ends, now().toISOString(), Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)];
    if (holding === undefined) {
      await server.once(statements.free[wait], row);
      return;
    }
    const inserted = await server.once(statements.guarded[wait], [...guardValues(holding), ...row]);
    if (inserted.length === 0) throw lockLost(server.place, holding);
  }

  async #isThere(ends: number): Promise<boolean> {
    const { server, statements, blob } = this.options;
    return (await server.once(statements.look, [blob, ends])).length > 0;
  }
}

function spent(place: string): DraftstateError {
  return new DraftstateError("STORAGE", `${place}: this log was closed, or an append to it failed: begin another`, {
    path: place,
  });
}
