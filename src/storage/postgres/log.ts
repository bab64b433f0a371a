/**
 * A log under a name: an append is one row and one round trip, checked against the lock's fencing token in the statement itself.
 * A row is known by its log and the byte at which it ends, so that one whose answer was lost is found, and none is there twice.
 */
import { DraftstateError } from "../../errors.js";
import type { Log } from "../storage.js";
import type { Row, Wait } from "./append-statements.js";
import type { Appends } from "./appends.js";
import { isTaken } from "./errors.js";
import { assertNotGivenUp, guardValues, lockLost, type Holding } from "./guards.js";
import type { Server } from "./server.js";
import { statement, type Statement } from "./statement.js";
import type { Tables } from "./tables.js";

export interface LogStatements {
  /** $1 and $2 number and version of the log, $3 the end: a row where the log has one that ends there. */
  readonly look: Statement;
  /** $1 to $3: a row where the lock is held. */
  readonly held: Statement;
}

export function logStatements({ entries, parts, locks }: Tables): LogStatements {
  return {
    look: statement(
      `select 1 from ${parts} p join ${entries} e on e.blob = p.blob
       where p.blob = $1::int8 and e.version = $2 and p.ends = $3::int8`,
    ),
    held: statement(`select 1 from ${locks} where name = $1 and fence = $2::int8 and nonce = $3`),
  };
}

export interface PostgresLogOptions {
  readonly server: Server;
  readonly appends: Appends;
  readonly statements: LogStatements;
  readonly blob: number;
  /** Tells two logs apart even where a standby that took over repeats a number. */
  readonly version: string;
  /** Bytes that the log begins with. */
  readonly size: number;
  readonly holding: Holding | undefined;
  readonly changed: () => void;
  /** Rejects with `LOCKED` once the lock is lost. */
  readonly assertHeld: () => Promise<void>;
  /** Makes durable what was committed before. */
  readonly settle: () => Promise<void>;
}

/** Of one row: what is read back must fit into a string as hexadecimal digits. */
const ROW_BYTES = 64 * 1024 * 1024;

export class PostgresLog implements Log {
  #size: number;
  /** Up to here it is durable. */
  #durable: number;
  #state: "open" | "failed" | "closed" = "open";
  /** Appends are written one after another. */
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly options: PostgresLogOptions) {
    this.#size = options.size;
    this.#durable = options.size;
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.#inTurn(bytes, "off");
  }

  appendDurably(bytes: Uint8Array): Promise<void> {
    return this.#inTurn(bytes, "on");
  }

  /** No commit where every append was durable. */
  async sync(): Promise<void> {
    const { assertHeld, settle, server } = this.options;
    const end = this.#size;
    await assertHeld();
    if (end <= this.#durable) return;
    await settle();
    // A server that crashed meanwhile has lost what no commit waited for.
    if (!(await server.trying("read", () => this.#isThere(end)))) throw replaced(server.place);
    this.#durable = Math.max(this.#durable, end);
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
    const { blob, version, holding, server } = this.options;
    const row: Row = { holding, blob, version, begins: this.#size, ends: this.#size + bytes.length, bytes };
    try {
      await server.trying("append", (attempt) => this.#attempt(row, wait, attempt));
    } catch (error) {
      // Whether it is there is unknown: nothing may be written behind it.
      if (this.#state === "open") this.#state = "failed";
      throw error;
    }
    this.#size = row.ends;
    if (wait === "on") this.#durable = row.ends;
  }

  /** Another attempt begins with a look: a connection that was cut says nothing about the batch. */
  async #attempt(row: Row, wait: Wait, attempt: number): Promise<void> {
    const { appends } = this.options;
    if (attempt === 1) return this.#written(await appends.append(row, wait));
    if (await this.#isThere(row.ends)) return;
    try {
      await this.#written(await appends.appendAlone(row, wait));
    } catch (error) {
      // The first attempt was still under way when it was looked for: no other process writes rows of this log.
      if (!isTaken(error)) throw error;
    }
  }

  /** What was not written says nothing of why. */
  async #written(isWritten: boolean): Promise<void> {
    const { server, statements, holding } = this.options;
    if (isWritten) return;
    if (holding !== undefined && (await server.once(statements.held, guardValues(holding))).length === 0)
      throw lockLost(server.place, holding);
    throw replaced(server.place);
  }

  async #isThere(ends: number): Promise<boolean> {
    const { server, statements, blob, version } = this.options;
    return (await server.once(statements.look, [blob, version, ends])).length > 0;
  }
}

/** What would be acknowledged could not be read. */
function replaced(place: string): DraftstateError {
  return new DraftstateError(
    "STORAGE",
    `${place}: this log was replaced or removed, or the server lost the end of it: nothing was appended`,
    { path: place },
  );
}

function spent(place: string): DraftstateError {
  return new DraftstateError("STORAGE", `${place}: this log was closed, or an append to it failed: begin another`, {
    path: place,
  });
}
