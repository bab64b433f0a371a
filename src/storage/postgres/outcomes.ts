/**
 * Changes made exactly once. Each carries a name of its own, and its transaction notes that name: where a connection was cut
 * before the answer, a look at the notes says whether the change was made. Notes go with one of the changes that follow.
 * What is old is taken for a dead process's and cleared away, whatever the clock said: all that a storage noted at once, with the
 * note by which it began. Where that one is gone, whether a change was made is unknown, and told; it is never made again.
 */
import { DraftstateError } from "../../errors.js";
import { isTaken } from "./errors.js";
import type { Server } from "./server.js";
import { statement, type Statement } from "./statement.js";
import type { Tables } from "./tables.js";

/** Between the name of the storage and that of the change: neither has it. */
const SEPARATOR = "-";
/** Notes that one change clears away. */
const CLEARED_AT_ONCE = 100;
/** Milliseconds after which a storage begins anew: long before what it began with looks like a dead process's. */
const RENEWED_AFTER = 24 * 60 * 60 * 1000;

export interface Outcome {
  /** Of the content that was put; null for a change without one. */
  readonly blob: number | null;
}

export class Outcomes {
  readonly #look: Statement;
  readonly #settle: Statement;
  readonly #begin: Statement;
  readonly #clear: Statement;
  readonly #noted = new Set<string>();
  #begun: Promise<string> | undefined;
  #begunAt = 0;
  /** All notes by which it began: changes under way may look for an earlier one. */
  readonly #beginnings: string[] = [];

  constructor(
    private readonly server: Server,
    tables: Tables,
    private readonly randomName: () => string,
    private readonly now: () => Date,
  ) {
    this.#begin = statement(
      `insert into ${tables.outcomes} (op) values ($1) on conflict (op) do nothing returning ${synced("off")}`,
    );
    this.#clear = statement(`delete from ${tables.outcomes} where op = any($1::text[]) returning ${synced("off")}`);
    this.#look = statement(`select op, blob from ${tables.outcomes} where op = any($1::text[])`);
    this.#settle = statement(
      `with cleared as (delete from ${tables.outcomes} where op = any($2::text[]))
       insert into ${tables.outcomes} (op) values ($1) returning ${synced("on")} as durability`,
    );
  }

  /** The note that tells this storage's notes from cleared ones: done by the first change where it was not done before. */
  async begin(): Promise<string> {
    if (this.now().getTime() - this.#begunAt > RENEWED_AFTER) this.#begun = undefined;
    const begun = (this.#begun ??= this.#beginAs(this.randomName()));
    begun.catch(() => {
      if (this.#begun === begun) this.#begun = undefined;
    });
    return begun;
  }

  /**
   * Runs `act`, whose statement notes `op` where it changes something and clears `cleared`. Another attempt begins with a
   * look: what is noted was done. Should the first attempt still be running unseen, the note that both make stops one of them.
   */
  async once<T>(
    act: (op: string, cleared: readonly string[]) => Promise<T>,
    done: (outcome: Outcome, op: string) => T,
  ): Promise<T> {
    const beginning = await this.begin();
    const op = `${beginning}${SEPARATOR}${this.randomName()}`;
    const cleared = [...this.#noted].slice(0, CLEARED_AT_ONCE);
    const result = await this.server.trying("write", async (attempt) => {
      const noted = attempt === 1 ? undefined : await this.#lookFor(op, beginning);
      if (noted !== undefined) return done(noted, op);
      try {
        const made = await act(op, cleared);
        if (attempt > 1) await this.#lookFor(op, beginning);
        return made;
      } catch (error) {
        const late = isTaken(error) ? await this.#lookFor(op, beginning) : undefined;
        if (late === undefined) throw error;
        return done(late, op);
      }
    });
    this.#forget(cleared);
    this.#noted.add(op);
    return result;
  }

  /** Durable is, from here on, all that was committed before. */
  async settle(): Promise<void> {
    await this.once(
      async (op, cleared) => {
        await this.server.once(this.#settle, [op, cleared]);
      },
      () => undefined,
    );
  }

  /** What this process noted and no change cleared: at the end of the storage. */
  async clear(): Promise<void> {
    await this.#begun?.catch(() => undefined);
    this.#begun = undefined;
    if (this.#beginnings.length === 0) return;
    await this.server.once(this.#clear, [[...this.#beginnings.splice(0), ...this.#noted]]);
    this.#noted.clear();
  }

  async #beginAs(name: string): Promise<string> {
    this.#begunAt = this.now().getTime();
    this.#beginnings.push(name);
    await this.server.trying("write", () => this.server.once(this.#begin, [name]));
    return name;
  }

  /** Undefined where the change was not made. Throws `STORAGE` where that is unknown. */
  async #lookFor(op: string, beginning: string): Promise<Outcome | undefined> {
    const rows = await this.server.once<Outcome & { readonly op: string }>(this.#look, [[op, beginning]]);
    const found = rows.find((row) => row.op === op);
    if (found !== undefined || rows.length > 0) return found;
    this.#begun = undefined;
    throw unknownOutcome(this.server.place);
  }

  #forget(cleared: readonly string[]): void {
    for (const op of cleared) this.#noted.delete(op);
  }
}

function unknownOutcome(place: string): DraftstateError {
  return new DraftstateError(
    "STORAGE",
    `${place}: the connection was cut before the answer to a change, and what told whether it was made was cleared away meanwhile (the server's clock jumped, or the server was replaced): look at what is there before you make it again`,
    { path: place },
  );
}

/** Of notes that one storage made, with the one by which it began; in SQL. */
export function storageOf(op: string): string {
  return `split_part(${op}, '${SEPARATOR}', 1)`;
}

/**
 * For the transaction that it stands in: `on` waits until the commit is durable, whatever the server's or the session's default
 * (a stronger one stays), `off` does not wait. Part of what the statement returns, so that it is certain to be evaluated.
 */
export function synced(wait: "on" | "off"): string {
  const value =
    wait === "off"
      ? "'off'"
      : "case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end";
  return `set_config('synchronous_commit', ${value}, true)`;
}
