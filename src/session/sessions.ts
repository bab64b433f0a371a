/**
 * The only way to a conversation that may change. Each id has one slot: one state, one queue. A program opens a conversation
 * and holds it; a save opens one for itself and keeps it for a while, since another may follow; an operation on the files
 * themselves has the lock alone. All of them wait for their turn.
 */
import { DraftstateError, isDraftstateError, messageOf } from "../errors.js";
import { assertConversationId } from "../store/names.js";
import { warn, type Store } from "../store/store.js";
import { Conversation } from "./conversation.js";
import { existsAlready, Opener, type OpenOptions, type SaveOptions } from "./open.js";
import { LockWaiter } from "./lock.js";
import type { Locked } from "./recover.js";
import type { Session } from "./session.js";
import { Slot } from "./slot.js";

/** Milliseconds without another save after which a conversation that a save opened is closed. */
const IDLE_RELEASE = 250;
/** Milliseconds before another attempt, where what is unsaved could not be saved then. */
const IDLE_RETRY = 1000;

export class Sessions {
  readonly #slots = new Map<string, Slot>();
  readonly #timers = new Map<Slot, NodeJS.Timeout>();
  readonly #waiting = new AbortController();
  readonly #opener: Opener;

  constructor(private readonly store: Store) {
    this.#opener = new Opener(store, new LockWaiter(store, this.#waiting.signal));
  }

  /** Every session that is open. */
  get live(): Session[] {
    return [...this.#slots.values()].flatMap(({ session }) => session ?? []);
  }

  /** Takes the lock, recovers what a dead writer left, and creates the conversation if new. Throws `LOCKED` where a handle has it. */
  open(id: string, options: OpenOptions = {}): Promise<Conversation> {
    return this.#inTurn(id, async (slot) => {
      if (slot.state.kind === "open" && slot.state.heldBy === "handle")
        throw new DraftstateError(
          "LOCKED",
          `conversation ${id} is open in this process already: close it first, or use that handle`,
        );
      await this.#closeUntouched(slot);
      const kept = slot.session;
      if (kept !== undefined && options.expect === "new") throw existsAlready(id);
      const session = kept ?? (await this.#openSession(slot, id, options));
      if (options.fit !== undefined) await this.#fit(slot, session, options.fit, kept === undefined);
      this.#stopTimer(slot);
      const handle = new Conversation({
        session,
        inTurn: (act) => slot.run(act),
        close: () => slot.run(() => this.#close(slot)),
      });
      slot.state = { kind: "open", session, heldBy: "handle", handle };
      return handle;
    });
  }

  /** The handle that is open; undefined if there is none, or it is being closed. */
  handle(id: string): Conversation | undefined {
    const state = this.#slots.get(id)?.state;
    return state?.kind === "open" && state.heldBy === "handle" && !state.handle.isClosed ? state.handle : undefined;
  }

  /** A session that was opened for this is closed where it is refused: nothing stays of a new conversation. */
  async #fit(slot: Slot, session: Session, fit: NonNullable<OpenOptions["fit"]>, isOurs: boolean): Promise<void> {
    try {
      const fitting = await fit(session.state, session.isNew);
      if (fitting !== session.state) session.replaceState(fitting);
    } catch (error) {
      if (isOurs) await this.#end(slot, (refused) => refused.abandon()).catch(() => undefined);
      throw error;
    }
  }

  /** Acts on the open session, or on one that is opened for this (after a `look` that may refuse) and kept while saves keep coming. */
  use<T>(
    id: string,
    act: (session: Session) => Promise<T>,
    expect: "any" | "existing" = "any",
    look?: SaveOptions["look"],
  ): Promise<T> {
    return this.#inTurn(id, async (slot) => {
      if (expect === "existing") await this.#closeUntouched(slot);
      const session =
        slot.session ??
        (await this.#openSession(slot, id, { expect, forSave: true, ...(look === undefined ? {} : { look }) }));
      try {
        return await act(session);
      } finally {
        this.#closeWhenIdle(slot, IDLE_RELEASE);
      }
    });
  }

  /** Acts on a conversation that was just begun, then closes it. Where the act is refused, nothing stays of the conversation. */
  async complete<T>(conversation: Conversation, act: () => Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await act();
    } catch (error) {
      await this.#inTurn(conversation.id, (slot) => this.#end(slot, (session) => session.abandon()));
      throw error;
    }
    await conversation.close();
    return result;
  }

  /**
   * Under the conversation's lock, open here or not; with the session where it is. Other work on the conversation waits. What an
   * operation left undecided is settled first; throws `STORAGE` where it cannot be.
   */
  guarded<T>(id: string, act: (locked: Locked, session?: Session) => Promise<T>): Promise<T> {
    return this.#inTurn(id, async (slot) => {
      const { session } = slot;
      if (session === undefined) return this.#opener.hold(id, act);
      try {
        await session.settle();
        return await act({ store: this.store, id, guard: session.lock }, session);
      } finally {
        session.backups.forget();
      }
    });
  }

  /** Under the locks of all these conversations, or of none, open here or not. Locks are taken in the order of the ids. */
  guardedAll<T>(ids: readonly string[], act: (locked: ReadonlyMap<string, Locked>) => Promise<T>): Promise<T> {
    const held = new Map<string, Locked>();
    const sorted = [...new Set(ids)].sort();
    const next = (index: number): Promise<T> => {
      const id = sorted[index];
      if (id === undefined) return act(held);
      return this.guarded(id, (locked) => {
        held.set(id, locked);
        return next(index + 1);
      });
    };
    return next(0);
  }

  /**
   * Under the locks of all these conversations, or of none: for work on the files themselves. Locks are taken in the order of
   * the ids, so that two callers never wait for each other. Throws `LOCKED` where a handle has one of them.
   */
  exclusive<T>(ids: readonly string[], act: (locked: ReadonlyMap<string, Locked>) => Promise<T>): Promise<T> {
    const held = new Map<string, Locked>();
    const sorted = [...new Set(ids)].sort();
    const next = (index: number): Promise<T> => {
      const id = sorted[index];
      if (id === undefined) return act(held);
      return this.#inTurn(id, async (slot) => {
        if (slot.state.kind === "open" && slot.state.heldBy === "handle")
          throw new DraftstateError("LOCKED", `conversation ${id} is open in this process: close it first`);
        await this.#saveAndClose(slot);
        return this.#opener.hold(id, (locked) => {
          held.set(id, locked);
          return next(index + 1);
        });
      });
    };
    return next(0);
  }

  /** Those of which there is a conversation, or a backup: one listing. Throws `INVALID_ID` where another differs by case alone. */
  taken(ids: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#opener.taken(ids);
  }

  /** No longer waits for locks of other processes: those that wait reject with `LOCKED`. */
  stopWaiting(): void {
    this.#waiting.abort("closing");
  }

  /** Closes every session, each in its turn, even where one fails; then rejects with what failed. */
  async close(): Promise<void> {
    const failed: unknown[] = [];
    while (this.#slots.size > 0) {
      const outcomes = await Promise.allSettled(
        [...this.#slots.values()].map((slot) => slot.run(() => this.#close(slot))),
      );
      failed.push(...outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : [])));
    }
    if (failed.length > 0) throw allOf(failed);
  }

  async #inTurn<T>(id: string, act: (slot: Slot) => Promise<T>): Promise<T> {
    assertConversationId(id);
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = new Slot(() => this.#slots.delete(id));
      this.#slots.set(id, slot);
    }
    const found = slot;
    return found.run(() => act(found));
  }

  async #openSession(slot: Slot, id: string, options: SaveOptions): Promise<Session> {
    slot.state = { kind: "opening" };
    try {
      const session = await this.#opener.open(id, options, (act) => slot.run(act));
      slot.state = { kind: "open", session, heldBy: "saves" };
      return session;
    } catch (error) {
      slot.state = { kind: "closed" };
      throw error;
    }
  }

  /** Also where closing fails: the lock is released, and what could not be saved is the error. */
  #close(slot: Slot): Promise<void> {
    return this.#end(slot, (session) => session.close());
  }

  async #end(slot: Slot, end: (session: Session) => Promise<void>): Promise<void> {
    const { session } = slot;
    this.#stopTimer(slot);
    if (session === undefined) return;
    slot.state = { kind: "closing", session };
    try {
      await end(session);
    } finally {
      slot.state = { kind: "closed" };
    }
  }

  /** Opened by a save that was refused: there is no such conversation. */
  async #closeUntouched(slot: Slot): Promise<void> {
    if (slot.session?.isUntouched === true && slot.state.kind === "open" && slot.state.heldBy === "saves")
      await this.#close(slot);
  }

  /** Where it cannot be saved it stays open: what was accepted is still in memory, and the next attempt may save it. */
  async #saveAndClose(slot: Slot): Promise<void> {
    const { session } = slot;
    if (session === undefined) return;
    if (!session.isUntouched) await session.flush();
    await this.#close(slot);
  }

  #closeWhenIdle(slot: Slot, after: number): void {
    this.#stopTimer(slot);
    if (slot.state.kind !== "open" || slot.state.heldBy !== "saves") return;
    const timer = setTimeout(() => {
      this.#timers.delete(slot);
      void slot.run(() => this.#closeIdle(slot));
    }, after);
    // An attempt that is repeated does not keep the process alive: `close` is what waits for it.
    if (after !== IDLE_RELEASE) timer.unref();
    this.#timers.set(slot, timer);
  }

  async #closeIdle(slot: Slot): Promise<void> {
    const { session } = slot;
    // It was used again while this waited for its turn.
    if (this.#timers.has(slot)) return;
    if (session === undefined || slot.state.kind !== "open" || slot.state.heldBy !== "saves") return;
    try {
      await this.#saveAndClose(slot);
    } catch (error) {
      if (slot.session !== undefined) this.#closeWhenIdle(slot, IDLE_RETRY);
      else warn(this.store, session.id, `it could not be closed as it should: ${messageOf(error)}`, error);
    }
  }

  #stopTimer(slot: Slot): void {
    clearTimeout(this.#timers.get(slot));
    this.#timers.delete(slot);
  }
}

/** The one error, or one that tells of all. */
export function allOf(errors: readonly unknown[]): unknown {
  const [first] = errors;
  if (errors.length === 1) return first;
  const code = isDraftstateError(first) ? first.code : "STORAGE";
  return new DraftstateError(
    code,
    `${errors.length} things could not be closed as they should: ${errors.map(messageOf).join("; ")}`,
    { cause: new AggregateError(errors) },
  );
}
