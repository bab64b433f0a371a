/**
 * Advisory locks say who lives, rows of `locks` say who may write. To have a lock is to have both: the advisory lock of this
 * storage's session, and the row with the fencing token of this acquisition. A session that was cut takes its advisory locks
 * again as soon as it can; a row that another has changed meanwhile is lost for good.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { FoundLock, Lock, LockAttempt, LockHolder, LockRefusal } from "../storage.js";
import { assertNotGivenUp, guardValues, lockLost, type Holding } from "./guards.js";
import { LockSession } from "./lock-session.js";
import { lockStatements, type AcquiredRow, type FoundRow, type LockStatements } from "./lock-statements.js";
import type { PostgresClient } from "./pool.js";
import type { Schema } from "./schema.js";
import type { Server } from "./server.js";
import { hashOf } from "./statement.js";
import type { Tables } from "./tables.js";

const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2000;

export interface LocksOptions {
  readonly server: Server;
  readonly schema: Schema;
  readonly tables: Tables;
  readonly randomName: () => string;
  readonly random: () => number;
  /** Command, pid, host and start time of this process. */
  readonly holder: () => string;
}

interface Own extends Holding {
  readonly key: string;
  readonly holder: LockHolder;
}

export class PostgresLocks {
  readonly #sql: LockStatements;
  readonly #session: LockSession;
  /** Names that this storage has, or is about to have or to give back: a session may take a lock of its own twice. */
  readonly #own = new Map<string, Own | undefined>();
  readonly #given = new WeakMap<Lock, Own>();
  readonly #closing = new AbortController();
  #keeping: Promise<void> | undefined;

  constructor(private readonly options: LocksOptions) {
    this.#sql = lockStatements(options.tables);
    this.#session = new LockSession({
      ...options,
      opened: (client) => this.#takeAgain(client),
      lost: () => {
        if (this.#held().length > 0) this.#keep();
      },
    });
  }

  async tryLock(name: string, since: Date): Promise<LockAttempt> {
    if (this.#isOwn(name)) return this.#refusal(name);
    this.#own.set(name, undefined);
    try {
      const attempt = await this.#acquire(name, since);
      if (!attempt.acquired) this.#own.delete(name);
      return attempt;
    } catch (error) {
      this.#own.delete(name);
      // If only the answer was lost, no caller is told that the lock was acquired.
      await this.#unlock(keyOf(this.options.tables.schema, name)).catch(() => undefined);
      throw error;
    }
  }

  async holder(name: string): Promise<LockHolder | undefined> {
    const found = await this.#find([name]);
    return found.find(({ alive }) => alive)?.holder;
  }

  async all(): Promise<FoundLock[]> {
    return (await this.#find(null)).map(({ name, holder, alive }) => ({
      name,
      holder,
      liveness: alive ? "alive" : "dead",
    }));
  }

  /** Throws a `TypeError` for a lock of another storage. */
  holdingOf(guard: Lock | undefined, what: string): Holding | undefined {
    if (guard === undefined) return undefined;
    const own = this.#given.get(guard);
    if (own === undefined)
      throw new TypeError(`the lock ${guard.name} is a lock of another storage: it does not guard ${what}`);
    return own;
  }

  /** Rejects with `LOCKED` once it is lost. */
  async assertHeld(holding: Holding): Promise<void> {
    const { server } = this.options;
    assertNotGivenUp(server.place, holding);
    if ((await server.read(this.#sql.check, guardValues(holding))).length === 0) throw lockLost(server.place, holding);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const own of this.#held()) own.state = "released";
    await this.#keeping;
    this.#session.close();
  }

  async #acquire(name: string, since: Date): Promise<LockAttempt> {
    const { schema, randomName } = this.options;
    const key = keyOf(this.options.tables.schema, name);
    const [nonce, holder] = [randomName(), { holder: this.options.holder(), since: since.toISOString() }];
    const values = [key, name, nonce, holder.holder, holder.since];
    const [row] = await this.#session.run<AcquiredRow>(this.#sql.acquire, values);
    schema.assertKnown(row?.version);
    if (row?.fence === undefined || row.fence === null) return this.#refusal(name);
    const own: Own = { name, key, nonce, fence: row.fence, holder, state: "held" };
    this.#own.set(name, own);
    const { previous_holder: previous, previous_since: began } = row;
    return {
      acquired: true,
      lock: this.#lockOf(own),
      ...(previous === null ? {} : { takenOverFrom: { holder: previous, since: began ?? "" } }),
    };
  }

  #lockOf(own: Own): Lock {
    const lock: Lock = {
      name: own.name,
      holder: own.holder,
      assertHeld: () => this.assertHeld(own),
      release: () => this.#release(own),
    };
    this.#given.set(lock, own);
    return lock;
  }

  /** From here on nothing is written under it, even where the server is away and the row stays until the next holder comes. */
  async #release(own: Own): Promise<void> {
    if (own.state === "released" && !this.#isCurrent(own)) return;
    own.state = "released";
    const { server } = this.options;
    await server.trying("lock", () =>
      this.#session.use((client) =>
        // The session's advisory lock may be that of the next acquisition by now.
        this.#isCurrent(own)
          ? server.on(client, this.#sql.release, [...guardValues(own), own.key])
          : server.on(client, this.#sql.forget, guardValues(own)),
      ),
    );
    if (this.#isCurrent(own)) this.#own.delete(own.name);
  }

  #isCurrent(own: Own): boolean {
    return this.#own.get(own.name) === own;
  }

  async #unlock(key: string): Promise<void> {
    await this.#session.use((client) => this.options.server.on(client, this.#sql.unlock, [key]));
  }

  /** Of a lock that was lost, or released while the server was away, nothing keeps this storage from taking it again. */
  #isOwn(name: string): boolean {
    if (!this.#own.has(name)) return false;
    const own = this.#own.get(name);
    return own === undefined || own.state === "held";
  }

  #held(): Own[] {
    return [...this.#own.values()].filter((own): own is Own => own?.state === "held");
  }

  async #refusal(name: string): Promise<LockRefusal> {
    const found = (await this.#find([name])).find(({ alive }) => alive);
    const where = `${this.options.server.place}/locks/${name}`;
    return {
      acquired: false,
      holder: found?.holder,
      liveness: "alive",
      where,
      ...(found === undefined ? { detail: "being taken or given back" } : {}),
    };
  }

  async #find(names: readonly string[] | null): Promise<{ name: string; holder: LockHolder; alive: boolean }[]> {
    if (!(await this.options.schema.isReady())) return [];
    const rows = await this.options.server.read<FoundRow>(this.#sql.find, [names]);
    return rows.map(({ name, holder, since, alive }) => ({ name, holder: { holder, since }, alive }));
  }

  async #takeAgain(client: PostgresClient): Promise<void> {
    if (!(await this.#takeMissing(client, this.#held()))) this.#keep();
  }

  /** Until every lock that is still ours is held by the session again: the old connection may linger on the server. */
  #keep(): void {
    this.#keeping ??= this.#takeUntilHeld().finally(() => {
      this.#keeping = undefined;
    });
  }

  async #takeUntilHeld(): Promise<void> {
    const { signal } = this.#closing;
    let pause = FIRST_PAUSE;
    for (let attempt = 1; !signal.aborted && this.#held().length > 0; attempt += 1) {
      const taken = await this.#session
        .use((client) => this.#takeWhatIsMissing(client))
        .catch((error: unknown) => {
          this.options.server.tellRetry({ operation: "lock", attempt, delayMs: pause, error });
          return false;
        });
      if (taken) return;
      await delay(pause * (0.5 + this.options.random() / 2), undefined, { ref: false, signal }).catch(() => undefined);
      pause = Math.min(LONGEST_PAUSE, pause * 2);
    }
  }

  async #takeWhatIsMissing(client: PostgresClient): Promise<boolean> {
    const held = this.#held();
    const keys = held.map(({ key }) => key);
    const rows = await this.options.server.on<{ key: string }>(client, this.#sql.mine, [keys]);
    const mine = new Set(rows.map(({ key }) => key));
    return this.#takeMissing(
      client,
      held.filter(({ key }) => !mine.has(key)),
    );
  }

  /** Whether none is left to be tried again. What another has taken meanwhile is lost. */
  async #takeMissing(client: PostgresClient, missing: readonly Own[]): Promise<boolean> {
    const { server } = this.options;
    let areSettled = true;
    for (const own of missing) {
      const [row] = await server.on<{ taken: boolean }>(client, this.#sql.retake, [...guardValues(own), own.key]);
      // The row is looked at again once the advisory lock is ours: it may have come free after another's turn.
      if (row?.taken === true && (await server.on(client, this.#sql.check, guardValues(own))).length > 0) continue;
      if (row?.taken === true) await server.on(client, this.#sql.unlock, [own.key]);
      if (row?.taken === false) areSettled = false;
      else if (own.state === "held") own.state = "lost";
    }
    return areSettled;
  }
}

function keyOf(schema: string, name: string): string {
  return hashOf(`draftstate lock ${schema} ${name}`).readBigInt64BE().toString();
}
