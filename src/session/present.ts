/**
 * What an open conversation is now, in memory, and the changes to it: each is checked, counted as a revision and given to the writer. When
 * that goes to the disk is the session's business (session.ts).
 */
import type { InfoChange } from "../journal/record.js";
import { changeInfo } from "../journal/replay.js";
import type { Recipe, StateContainer } from "../model/container.js";
import { isStreaming, MAX_REVISION, streamingOf, type Info, type Version } from "../model/conversation.js";
import { isEarlierInAnswer } from "../model/earlier.js";
import { isJsonObject, type JsonObject } from "../model/json.js";
import { diffStates, type Patch } from "../model/patches.js";
import type { Store } from "../store/store.js";
import { AnswerLimit } from "./answer-limit.js";
import {
  answeringError,
  assertShort,
  closedError,
  noAnswerError,
  noRevisionError,
  notReplaceableError,
} from "./refusals.js";
import type { UpdateOptions } from "./write-ahead-options.js";
import type { WriteAhead } from "./write-ahead.js";

export interface PresentOptions {
  readonly id: string;
  readonly store: Pick<Store, "settings" | "limits">;
  readonly container: StateContainer;
  readonly info: Info;
  readonly revision: number;
  readonly writer: Pick<WriteAhead, "record" | "kick" | "syncNext" | "bytesOnDisk">;
  readonly isUntouched: boolean;
  readonly isClosed: () => boolean;
}

export class Present {
  readonly #container: StateContainer;
  readonly #writer: PresentOptions["writer"];
  readonly #limit: AnswerLimit;
  #info: Info;
  #revision: number;
  #isAnswering = false;
  #isUntouched: boolean;

  constructor(private readonly options: PresentOptions) {
    this.#container = options.container;
    this.#writer = options.writer;
    this.#info = options.info;
    this.#revision = options.revision;
    this.#isUntouched = options.isUntouched;
    this.#limit = new AnswerLimit(options.store.limits, () => this.#writer.bytesOnDisk);
  }

  /** Deeply frozen; a new object after each change. */
  get state(): JsonObject {
    return this.#container.state;
  }

  get info(): Info {
    return this.#info;
  }

  get revision(): number {
    return this.#revision;
  }

  get version(): Version {
    return { state: this.#container.state, info: this.#info, revision: this.#revision };
  }

  /** As it was given, where that says so, and not changed yet. */
  get isUntouched(): boolean {
    return this.#isUntouched;
  }

  /** Whether each token starts a save when it comes. */
  get savesTokens(): boolean {
    return this.#settings.realTimeSave && this.#settings.saveOnToken;
  }

  update(recipe: Recipe<JsonObject>, { synced = false }: UpdateOptions): void {
    this.#assertChangeable();
    if (synced) this.#writer.syncNext();
    this.#changed(this.#container.update(recipe));
  }

  appendToken(text: string): void {
    this.#assertAnswering();
    const patch = this.#container.token(text, this.#mayGrow);
    this.#record([patch]);
    if (this.savesTokens) this.#writer.kick();
  }

  appendReasoning(text: string): void {
    this.#assertAnswering();
    this.#changed([this.#container.reasoning(text, this.#mayGrow)]);
  }

  beginAnswer(): () => void {
    this.#assertChangeable();
    if (this.#isAnswering) throw answeringError(this.options.id);
    this.#isAnswering = true;
    return () => {
      this.#isAnswering = false;
    };
  }

  replaceState(state: unknown): void {
    if (this.#isSavedAlready(state)) return;
    this.assertReplaceable();
    this.become(withoutMetadata(state));
  }

  /** Like `replaceState`, but starts no save: the caller, the next change or the timer does. */
  replaceStateQuietly(state: unknown): void {
    if (this.#isSavedAlready(state)) return;
    this.assertReplaceable();
    const patches = this.#container.replace(withoutMetadata(state), diffStates);
    if (patches.length > 0) this.#record(patches);
  }

  /** Replaces the state as one revision, whatever streams. */
  become(state: unknown): void {
    this.#changed(this.#container.replace(state, diffStates));
  }

  updateInfo(change: InfoChange): void {
    this.#assertChangeable();
    this.#container.assertNotChanging();
    assertShort(change);
    this.#info = changeInfo(this.#info, change);
    this.#record([], change);
    this.#kickForChange();
  }

  /** Throws `LOCKED` in the middle of an answer: a whole state from outside does not hold the tokens that came since. */
  assertReplaceable(): void {
    this.#assertChangeable();
    if (this.#isAnswering) throw notReplaceableError(this.options.id);
  }

  get #settings(): Store["settings"] {
    return this.options.store.settings;
  }

  /** What the agent gave as it answers, and is given back. */
  #isSavedAlready(state: unknown): boolean {
    return this.#isAnswering && isEarlierInAnswer(state, this.#container.state, this.options.id);
  }

  /** Throws `USAGE` where no answer is under way: no end would make a message of the text, and the next answer would drop it. */
  #assertAnswering(): void {
    this.#assertChangeable();
    this.#container.assertNotChanging();
    if (!isStreaming(this.#container.state)) throw noAnswerError(this.options.id);
  }

  #assertChangeable(): void {
    if (this.options.isClosed()) throw closedError(this.options.id);
    if (this.#revision >= MAX_REVISION) throw noRevisionError(this.options.id);
  }

  /** Throws `INVALID_STATE` where the answer that streams, or the file with it, would be too large. */
  readonly #mayGrow = (text: string): void => {
    const { partialResponse = "", partialReasoning = "" } = streamingOf(this.#container.state);
    this.#limit.add(text, partialResponse === "" && partialReasoning === "");
  };

  #changed(patches: readonly Patch[]): void {
    if (patches.length === 0) return;
    this.#record(patches);
    this.#kickForChange();
  }

  #record(patches: readonly Patch[], info?: InfoChange): void {
    this.#revision += 1;
    this.#isUntouched = false;
    this.#writer.record(this.version, patches, info);
  }

  #kickForChange(): void {
    const { realTimeSave, saveOnStateChange } = this.#settings;
    if (realTimeSave && saveOnStateChange) this.#writer.kick();
  }
}

function withoutMetadata(state: unknown): unknown {
  if (!isJsonObject(state) || !Object.hasOwn(state, "_metadata")) return state;
  const { _metadata: _left, ...rest } = state;
  return rest;
}
