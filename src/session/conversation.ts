/**
 * A program's handle on an open conversation. It holds no policy: changes go to the session at once, what works on the disk
 * waits for the conversation's turn, and once it is closed it changes nothing.
 */
import type { InfoChange } from "../journal/record.js";
import type { AgentState, BackupNote, Info, Version } from "../model/conversation.js";
import type { Recipe } from "../model/container.js";
import {
  recordAnswer,
  type AnswerPart,
  type Recorded,
  type RecordedEvent,
  type RecordOptions,
} from "./record-answer.js";
import { closedError } from "./refusals.js";
import type { Session } from "./session.js";
import type { UpdateOptions } from "./write-ahead-options.js";

export interface HandleOptions {
  readonly session: Session;
  /** Runs an act when all that was asked of the conversation before is done. */
  readonly inTurn: <T>(act: () => Promise<T>) => Promise<T>;
  /** Closes the session, in its turn. */
  readonly close: () => Promise<void>;
}

export class Conversation<S extends object = AgentState> {
  readonly #session: Session;
  #closing: Promise<void> | undefined;

  constructor(private readonly options: HandleOptions) {
    this.#session = options.session;
  }

  get id(): string {
    return this.#session.id;
  }

  /** Deeply frozen; a new object after each change. */
  get state(): S {
    return this.#session.state as unknown as S;
  }

  get revision(): number {
    return this.#session.revision;
  }

  /** The highest revision that is on disk. */
  get durableRevision(): number {
    return this.#session.durableRevision;
  }

  get info(): Info {
    return this.#session.info;
  }

  get version(): Version {
    return this.#session.version;
  }

  get queuedChanges(): number {
    return this.#session.queuedChanges;
  }

  get isSaving(): boolean {
    return this.#session.isSaving;
  }

  /** From the first call of `close` on, or once the manager closed it. */
  get isClosed(): boolean {
    return this.#closing !== undefined || this.#session.isClosed;
  }

  /** Aborts when the conversation is closed, by its handle or with its manager: for what waits while nothing is saved, such as a question. */
  get closing(): AbortSignal {
    return this.#session.closing;
  }

  /**
   * Changes the state by an Immer recipe, which changes the draft or gives back a new state. Throws `INVALID_STATE`, unchanged,
   * where it would no longer be plain JSON, and `USAGE` inside another recipe.
   */
  update(recipe: Recipe<S>, options?: UpdateOptions): void {
    this.#open.update(recipe as never, options);
  }

  /**
   * Appends one streamed token to the answer under way; costs the token's size, whatever the answer's. Throws `USAGE` where none
   * is, and `INVALID_STATE`, unchanged, where the answer, or the conversation with it, would be larger than can be read back.
   */
  appendToken(text: string): void {
    this.#open.appendToken(text);
  }

  /** The same for a piece of what the model thinks beside its answer. */
  appendReasoning(text: string): void {
    this.#open.appendReasoning(text);
  }

  /** An answer streams into the conversation until the function that this gives back is called. Throws `LOCKED` while another does. */
  beginAnswer(): () => void {
    return this.#open.beginAnswer();
  }

  /**
   * Records what a model loop of your own gives: the turn begins, each token is durable when it is given on, tools answer, the
   * answer ends with a backup. `complete` only with a finish reason; who leaves the loop early leaves it `interrupted`. The
   * state is, or becomes beside your own fields, the agent's. Throws `LOCKED` while another answer streams, `STORAGE` where it cannot be saved.
   */
  recordAnswer(source: AsyncIterable<AnswerPart>, options?: RecordOptions): AsyncGenerator<RecordedEvent, void> {
    const session = this.#open;
    const world = { now: () => session.now(), savesTokens: session.savesTokens };
    return recordAnswer(this as unknown as Recorded, source, world, options);
  }

  /** Becomes exactly this state, `_metadata` left out; what is written is the difference. Throws `LOCKED` in the middle of an answer. */
  replaceState(state: unknown): void {
    this.#open.replaceState(state);
  }

  /** Like `replaceState`, but starts no save: the caller, the next change or the timer does. */
  replaceStateQuietly(state: unknown): void {
    this.#open.replaceStateQuietly(state);
  }

  /** Title, model and base URL; null takes one away. */
  updateInfo(change: InfoChange): void {
    this.#open.updateInfo(change);
  }

  /**
   * Of the tool calls that this message asks for, none was begun; null before one is. It is not in the state: one that is restored,
   * forked, imported or saved from elsewhere says nothing of what was begun. Wait for it before you ask for the message's calls, and
   * before one begins.
   */
  async setUnbegunCalls(messageId: string | null): Promise<void> {
    await this.#open.setUnbegunCalls(messageId);
  }

  /** Whether that was said of this message in this conversation of this store, and of no other since. */
  hasUnbegunCalls(messageId: string): Promise<boolean> {
    return this.#session.hasUnbegunCalls(messageId);
  }

  /** Resolves when all changes so far are durable. */
  async flush(): Promise<void> {
    await this.#open.flush();
  }

  /** Resolves when the given revision is durable; does not start a save by itself. Rejects with `USAGE` where the conversation is closed first. */
  async whenDurable(revision: number): Promise<void> {
    await this.#session.whenDurable(revision);
  }

  /** A turn is over: snapshot, backup, retention. What fails here after the flush is a warning, since nothing is lost. */
  async endTurn(): Promise<void> {
    await this.#inTurn((session) => session.endTurn());
  }

  /** A backup of now; the existing one where the newest holds the same state. Returns its timestamp. */
  async backup(note?: BackupNote): Promise<string> {
    return this.#inTurn((session) => session.backup(note));
  }

  /** Folds the journal into a new snapshot. */
  async compact(): Promise<void> {
    await this.#inTurn((session) => session.compact());
  }

  /**
   * Ends what was asked of the conversation before, folds the journal into the snapshot and releases the lock. Rejects when
   * changes could not be saved; they are then only in `state`.
   */
  close(): Promise<void> {
    this.#closing ??= this.options.close();
    this.#session.beginClosing();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #open(): Session {
    if (this.isClosed) throw closedError(this.id);
    return this.#session;
  }

  async #inTurn<T>(act: (session: Session) => Promise<T>): Promise<T> {
    const session = this.#open;
    return this.options.inTurn(async () => {
      // What was asked for before may have been the end of it.
      if (session.isClosed) throw closedError(this.id);
      return act(session);
    });
  }
}
