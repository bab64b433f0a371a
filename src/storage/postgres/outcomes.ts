/**
 * Changes made exactly once. Each carries a name of its own, and its transaction notes that name: where a connection was cut
 * before the answer, a look at the notes says whether the change was made. Notes go with one of the changes that follow.
 */
import { isTaken } from "./errors.js";
import type { Server } from "./server.js";
import { statement, type Statement } from "./statement.js";
import type { Tables } from "./tables.js";

/** Notes that one change clears away. */
const CLEARED_AT_ONCE = 100;

export interface Outcome {
  /** Of the content that was put; null for a change without one. */
  readonly blob: number | null;
}

export class Outcomes {
  readonly #look: Statement;
  readonly #settle: Statement;
  readonly #noted = new Set<string>();

  constructor(
    private readonly server: Server,
    tables: Tables,
    private readonly randomName: () => string,
  ) {
    this.#look = statement(`select blob from ${tables.outcomes} where op = $1`);
    this.#settle = statement(
      `with cleared as (delete from ${tables.outcomes} where op = any($2::text[]))
       insert into ${tables.outcomes} (op) values ($1) returning ${synced("on")} as durability`,
    );
  }

  /**
   * Runs `act`, whose statement notes `op` where it changes something and clears `cleared`. Another attempt begins with a
   * look: what is noted was done. Should the first attempt still be running unseen, the note that both make stops one of them.
   */
  async once<T>(
    act: (op: string, cleared: readonly string[]) => Promise<T>,
    done: (outcome: Outcome, op: string) => T,
  ): Promise<T> {
    const op = this.randomName();
    const cleared = [...this.#noted].slice(0, CLEARED_AT_ONCE);
    const result = await this.server.trying("write", async (attempt) => {
      const noted = attempt === 1 ? undefined : await this.#lookFor(op);
      if (noted !== undefined) return done(noted, op);
      try {
        return await act(op, cleared);
      } catch (error) {
        const late = isTaken(error) ? await this.#lookFor(op) : undefined;
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
  async clear(tables: Tables): Promise<void> {
    if (this.#noted.size === 0) return;
    const clear = statement(`delete from ${tables.outcomes} where op = any($1::text[]) returning ${synced("off")}`);
    await this.server.once(clear, [[...this.#noted]]);
    this.#noted.clear();
  }

  async #lookFor(op: string): Promise<Outcome | undefined> {
    return (await this.server.once<Outcome>(this.#look, [op]))[0];
  }

  #forget(cleared: readonly string[]): void {
    for (const op of cleared) this.#noted.delete(op);
  }
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
