/**
 * Follows one conversation that another process writes. Each look reads what is new since the last, by revision: from the
 * journal where its records join, from the whole where they do not. So nothing is missed and nothing told twice, however
 * the files were replaced meanwhile, and however many changes one hint stands for. Takes no lock.
 */
import { isDraftstateError, type DraftstateError } from "../../errors.js";
import { replay } from "../../journal/replay.js";
import { AnswerText, type Heard } from "../../model/answer-text.js";
import {
  isStreaming,
  statusOf,
  tokenCountOf,
  titleOf,
  type State,
  type Status,
  type Version,
} from "../../model/conversation.js";
import type { JournalRecord } from "../../journal/record.js";
import { planRecovery, type Found } from "../../plan/recovery.js";
import type { Storage } from "../../storage/storage.js";
import { isTold, versionAt } from "./changes.js";
import { JournalTail } from "./journal-tail.js";
import { journalKey, snapshotKey } from "../../store/names.js";
import { findConversation, isNotThere, readMetadataOnly, refusal } from "../../store/read.js";

/** All there is: at first, and after a change that no other event tells. For those alone who ask for states. */
export interface StateEvent {
  readonly kind: "state";
  readonly state: State;
  readonly revision: number;
}

export type WatchEvent = StateEvent | FollowEvent;

export type FollowEvent =
  | (Heard & { readonly revision: number; readonly tokenCount: number })
  /** On disk up to this revision. */
  | { readonly kind: "saved"; readonly revision: number; readonly tokenCount: number }
  /** Now this, and not what it was, or another answer ended so; `streaming` while its writer lives, `interrupted` when it is dead. */
  | { readonly kind: "status"; readonly status: Status; readonly revision: number }
  | { readonly kind: "removed"; readonly revision: number }
  /** Its files cannot be read as they are, or their server is away; told once, until they can. */
  | { readonly kind: "problem"; readonly error: DraftstateError; readonly revision: number };

export function isAnswer(event: WatchEvent): boolean {
  return event.kind === "message" && event.role === "assistant";
}

export interface Followed {
  readonly conversationId: string;
  readonly title: string;
  readonly status: Status;
  readonly revision: number;
  readonly tokenCount: number;
}

export interface FollowOptions {
  /** Tell whole states where the rest does not tell all. */
  readonly states?: boolean;
  /** What is known up to this revision is not told again, where the changes since are still there one by one. */
  readonly from?: number | undefined;
}

export class ConversationFollower {
  readonly #tail: JournalTail;
  #text = new AnswerText();
  #version: Version | undefined;
  #status: Status | undefined;
  #problem: string | undefined;
  /** The storage is out of reach for now. */
  #isAway = false;
  #looked = false;
  /** The version token of the snapshot that was last read as a whole: one of the same revision that differs was edited. */
  #snapshotSeen = "";

  constructor(
    private readonly storage: Storage,
    readonly id: string,
    private readonly options: FollowOptions = {},
  ) {
    this.#tail = new JournalTail(storage, journalKey(id));
  }

  /** As last seen; undefined where it is not there. */
  get current(): Followed | undefined {
    if (this.#version === undefined) return undefined;
    const { state, revision } = this.#version;
    return {
      conversationId: this.id,
      title: titleOf(this.#version),
      status: this.#status ?? statusOf(state),
      revision,
      tokenCount: tokenCountOf(state),
    };
  }

  /** Whether a look is due soon although nothing hints at it: that its writer died, or that a server is back, changes nothing. */
  get mustLookAgain(): boolean {
    return this.#isAway || this.#status === "streaming";
  }

  /** What happened since the last look; at the first, what is there. Looks must not overlap. */
  async look(): Promise<WatchEvent[]> {
    try {
      // Before anything is read: what a writer that is dead by now has written is then in what is read.
      const owner = await this.storage.lockHolder(this.id);
      const before = this.#version?.revision;
      const events = (await this.#readJournal()) ?? (await this.#readWhole());
      this.#problem = undefined;
      this.#isAway = false;
      this.#looked = true;
      const told = [...events, ...this.#savedSince(before)];
      // What was read is told, also where the server goes away now.
      const more = this.#statusChange(owner !== undefined, told.some(isAnswer)).catch((error: unknown) =>
        this.#refused(error),
      );
      return [...told, ...(await more)];
    } catch (error) {
      return this.#refused(error);
    }
  }

  #refused(error: unknown): FollowEvent[] {
    if (!isDraftstateError(error)) throw error;
    return error.code === "STORAGE" ? this.#awayOnce(error) : this.#problemOnce(error);
  }

  /** Throws what does not pass. At the first look too: what may be seen at all is not known yet. */
  #awayOnce(error: DraftstateError): FollowEvent[] {
    if (!this.#looked || this.storage.mayPass?.(error) !== true) throw error;
    if (this.#isAway) return [];
    this.#isAway = true;
    return [{ kind: "problem", error, revision: this.#version?.revision ?? 0 }];
  }

  #problemOnce(error: DraftstateError): FollowEvent[] {
    if (this.#problem === error.message) return [];
    this.#problem = error.message;
    return [{ kind: "problem", error, revision: this.#version?.revision ?? 0 }];
  }

  /** Undefined where only the whole tells. */
  async #readJournal(): Promise<WatchEvent[] | undefined> {
    const version = this.#version;
    if (version === undefined) return undefined;
    const look = await this.#tail.look({ revision: version.revision, createdAt: version.info.createdAt });
    if (look.kind === "unclear") return undefined;
    const records = look.kind === "records" ? look.records : [];
    const events: WatchEvent[] = [];
    for (const record of records) {
      const told = this.#apply(record);
      if (told === undefined) return undefined;
      events.push(...told);
    }
    if (records.length > 0 || (await this.#isAllIn(look.kind === "absent"))) return events;
    return undefined;
  }

  #apply(record: JournalRecord): WatchEvent[] | undefined {
    const before = this.#version;
    if (before === undefined) return undefined;
    const replayed = replay(before, [record]);
    if (replayed.stopped !== undefined) return undefined;
    this.#version = replayed.version;
    const [patch, ...others] = record.patches;
    const onlyToken = patch?.op === "token" && others.length === 0 && isStreaming(before.state);
    return onlyToken ? this.#told(this.#text.token(patch.text)) : this.#advance(before.state, replayed.version.state);
  }

  #advance(before: State, after: State): WatchEvent[] {
    if (this.options.states === true && !isTold(before, after)) return this.#whole(after);
    return this.#told(this.#text.advance(after));
  }

  /** What follows counts from here. */
  #whole(state: State): WatchEvent[] {
    this.#text = new AnswerText();
    this.#text.begin(state);
    return [{ kind: "state", state, revision: this.#version?.revision ?? 0 }];
  }

  #told(heard: readonly Heard[]): FollowEvent[] {
    const version = this.#version;
    if (version === undefined || heard.length === 0) return [];
    const tokenCount = tokenCountOf(version.state);
    return heard.map((one) => ({ ...one, revision: version.revision, tokenCount }));
  }

  /** Whether the snapshot holds nothing that was not seen: told by its last bytes. */
  async #isAllIn(noJournal: boolean): Promise<boolean> {
    const version = this.#version;
    const found = await readMetadataOnly(this.storage, this.id);
    if (version === undefined || found === undefined) return false;
    const { revision, createdAt } = found.metadata;
    if (createdAt !== version.info.createdAt) return false;
    if (!noJournal) return revision <= version.revision;
    return revision === version.revision && (await this.#snapshotLook()) === this.#snapshotSeen;
  }

  async #snapshotLook(): Promise<string> {
    return (await this.storage.stat(snapshotKey(this.id)))?.version ?? "";
  }

  async #readWhole(): Promise<WatchEvent[]> {
    if (await isNotThere(this.storage, this.id)) return this.#removed();
    this.#snapshotSeen = await this.#snapshotLook();
    const found = await findConversation(this.storage, this.id);
    const plan = planRecovery(found);
    if (plan.kind === "absent") return this.#removed();
    if (plan.kind !== "usable") throw refusal(this.storage, this.id, plan);
    if (!this.#looked) this.#resume(found, plan.version);
    const before = this.#version;
    const isSame = before?.info.createdAt === plan.version.info.createdAt;
    // Older than what was seen: something newer was damaged. What was seen was there.
    if (isSame && plan.version.revision < before.revision) return [];
    this.#version = plan.version;
    if (isSame) return this.#advance(before.state, plan.version.state);
    this.#status = undefined;
    if (this.options.states === true) return this.#whole(plan.version.state);
    this.#text = new AnswerText();
    return this.#told(this.#text.begin(plan.version.state));
  }

  /** Begins where another left off: at that revision, if the files still tell what was then. */
  #resume(found: Found, now: Version): void {
    const { from } = this.options;
    const version = from === undefined ? undefined : versionAt(found, from, now);
    if (version === undefined) return;
    this.#version = version;
    this.#text.begin(version.state);
  }

  #removed(): FollowEvent[] {
    const before = this.#version;
    if (before === undefined && this.#looked) return [];
    this.#version = undefined;
    this.#status = undefined;
    return [{ kind: "removed", revision: before?.revision ?? 0 }];
  }

  #savedSince(before: number | undefined): FollowEvent[] {
    const version = this.#version;
    if (version === undefined || version.revision === before) return [];
    return [{ kind: "saved", revision: version.revision, tokenCount: tokenCountOf(version.state) }];
  }

  /** Also told again where an answer began and ended since the last look. */
  async #statusChange(hadOwner: boolean, ended: boolean): Promise<FollowEvent[]> {
    const version = this.#version;
    if (version === undefined) return [];
    const written = statusOf(version.state);
    const lives = hadOwner || written !== "streaming" || (await this.storage.lockHolder(this.id)) !== undefined;
    const status = lives ? written : "interrupted";
    if (status === this.#status && (!ended || status === "streaming")) return [];
    this.#status = status;
    return [{ kind: "status", status, revision: version.revision }];
  }
}
