/**
 * Appends of all logs of a process: what waits while others are under way goes as one statement, which is one round trip and
 * one commit. Each row has its own guard and its own outcome: a lock that was lost keeps back its own row alone. Where the
 * server refuses a statement of several, each is asked for again by itself, so that none is rejected for another's sake.
 */
import { setImmediate as endOfTurn } from "node:timers/promises";
import {
  appendStatements,
  valuesOfMany,
  valuesOfOne,
  type AppendStatements,
  type Row,
  type Wait,
} from "./append-statements.js";
import { isAway } from "./errors.js";
import type { Server } from "./server.js";
import type { Tables } from "./tables.js";

interface Waiting {
  readonly row: Row;
  readonly resolve: (isWritten: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Of one statement. */
const BATCH_BYTES = 1024 * 1024;
/** Milliseconds of a statement after which the next does not wait for it: the row of a lock may be changed by another process. */
const SLOW = 100;
/** Slow statements at once, so that connections are left for others. */
const UNDER_WAY = 4;
/** From here on a row goes by itself: the others do not wait for it. */
const ALONE_BYTES = 64 * 1024;

export class Appends {
  readonly #lanes: Readonly<Record<Wait, Lane>>;

  constructor(server: Server, tables: Tables, now: () => Date) {
    const lane = (wait: Wait): Lane => new Lane(server, appendStatements(tables, wait), now);
    this.#lanes = { on: lane("on"), off: lane("off") };
  }

  /** Whether it was written. One row of a log at a time. With others that wait, unless it is a large one. */
  append(row: Row, wait: Wait): Promise<boolean> {
    return row.bytes.length >= ALONE_BYTES ? this.appendAlone(row, wait) : this.#lanes[wait].join(row);
  }

  appendAlone(row: Row, wait: Wait): Promise<boolean> {
    return this.#lanes[wait].alone(row);
  }
}

/** Of appends that wait for their commit, or of those that do not. */
class Lane {
  #waiting: Waiting[] = [];
  #underWay = 0;
  /** What takes the rows that wait: one statement after another, since two at once would each wait for a sync with fewer rows. */
  #taker: symbol | undefined;

  constructor(
    private readonly server: Server,
    private readonly statements: AppendStatements,
    private readonly now: () => Date,
  ) {}

  join(row: Row): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ row, resolve, reject });
      this.#begin();
    });
  }

  async alone(row: Row): Promise<boolean> {
    return (await this.server.once(this.statements.one, valuesOfOne(row, this.now()))).length > 0;
  }

  #begin(): void {
    if (this.#taker === undefined && this.#waiting.length > 0 && this.#underWay < UNDER_WAY) void this.#run();
  }

  async #run(): Promise<void> {
    const taker = (this.#taker = Symbol("taker"));
    this.#underWay += 1;
    // What is asked in the same turn of the event loop shares a statement.
    await Promise.resolve();
    while (this.#taker === taker && this.#waiting.length > 0) {
      await this.#writePromptly(taker, this.#take());
      // So do the callers of one that has ended, who ask at once again, and those who wait.
      if (this.#waiting.length > 0) await endOfTurn();
    }
    if (this.#taker === taker) this.#taker = undefined;
    this.#underWay -= 1;
    this.#begin();
  }

  async #writePromptly(taker: symbol, batch: readonly Waiting[]): Promise<void> {
    const slow = setTimeout(() => {
      if (this.#taker === taker) this.#taker = undefined;
      this.#begin();
    }, SLOW);
    await this.#write(batch).finally(() => {
      clearTimeout(slow);
    });
  }

  #take(): Waiting[] {
    let bytes = 0;
    const over = this.#waiting.findIndex(({ row }) => (bytes += row.bytes.length) > BATCH_BYTES);
    return this.#waiting.splice(0, over < 0 ? this.#waiting.length : over);
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const [first] = batch;
    if (first !== undefined && batch.length === 1) return this.#settle(first, this.alone(first.row));
    try {
      const rows = batch.map(({ row }) => row);
      const written = await this.server.once<{ blob: number }>(this.statements.many, valuesOfMany(rows, this.now()));
      const blobs = new Set(written.map(({ blob }) => blob));
      for (const { row, resolve } of batch) resolve(blobs.has(row.blob));
    } catch (error) {
      if (isAway(error)) for (const { reject } of batch) reject(error);
      else await Promise.all(batch.map((each) => this.#settle(each, this.alone(each.row))));
    }
  }

  #settle({ resolve, reject }: Waiting, outcome: Promise<boolean>): Promise<void> {
    return outcome.then(resolve, reject);
  }
}
