/**
 * Appends of all logs of a process: what waits while others are under way goes as one statement, which is one round trip and
 * one commit. Each row has its own guard and its own outcome: a lock that was lost keeps back its own row alone. Where the
 * server refuses a statement of several, each is asked for again by itself, so that none is rejected for another's sake.
 */
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
/** Statements at once: one that is slow does not keep back the others, and more would each wait for a sync with fewer rows. */
const UNDER_WAY = 2;
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

  constructor(
    private readonly server: Server,
    private readonly statements: AppendStatements,
    private readonly now: () => Date,
  ) {}

  join(row: Row): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ row, resolve, reject });
      if (this.#underWay < UNDER_WAY) void this.#run();
    });
  }

  async alone(row: Row): Promise<boolean> {
    return (await this.server.once(this.statements.one, valuesOfOne(row, this.now()))).length > 0;
  }

  async #run(): Promise<void> {
    this.#underWay += 1;
    // What is asked in the same turn of the event loop shares a statement: the callers of one that has ended ask at once again.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#write(this.#take());
    // In the same breath as the look: what comes from here on starts again.
    this.#underWay -= 1;
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
