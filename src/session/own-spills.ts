/**
 * The spills of one session: what the store refuses goes to the fallback directory, and goes from there once the store holds
 * it durably; with it the spills of dead sessions that this one continues.
 */
import { isDraftstateError, messageOf } from "../errors.js";
import type { Version } from "../model/conversation.js";
import { withMark, type SessionMark } from "../model/sessions.js";
import { warn } from "../store/store.js";
import type { WriteAheadOptions } from "./write-ahead-options.js";

type OwnSpillsOptions = Pick<WriteAheadOptions, "id" | "session" | "store" | "sessions" | "spilled">;

export class OwnSpills {
  /** Sessions whose spills are to go once the store holds their content. */
  #spilled: readonly string[];

  constructor(private readonly options: OwnSpillsOptions) {
    this.#spilled = options.spilled;
  }

  /**
   * Whether the version is durable in the spill; `base` is what the store holds. Only where the storage refuses, or is away with
   * the lock in it: a lock that another may have is not a reason to write elsewhere.
   */
  async save(version: Version, base: number, cause: unknown): Promise<boolean> {
    const {
      store: { spills },
      id,
      session,
    } = this.options;
    if (spills === undefined) return false;
    if (!isDraftstateError(cause, "STORAGE") && !(isDraftstateError(cause, "LOCKED") && (await this.#isAway())))
      return false;
    try {
      await spills.save(id, version, { session, base, sessions: this.marks(version.revision) }, cause);
    } catch (error) {
      warn(this.options.store, id, `the fallback directory could not be written either: ${messageOf(error)}`, error);
      return false;
    }
    if (!this.#spilled.includes(session)) this.#spilled = [...this.#spilled, session];
    return true;
  }

  /** The store holds everything again, durably. */
  async removeAll(): Promise<void> {
    const spilled = this.#spilled;
    this.#spilled = [];
    for (const session of spilled) await this.options.store.spills?.remove(this.options.id, session);
  }

  /** Who wrote the version of this revision. Only a session that may spill leaves its name. */
  marks(revision: number): readonly SessionMark[] {
    const { store, session, sessions } = this.options;
    return store.spills === undefined ? sessions : withMark(sessions, { session, revision });
  }

  /** No other process can have the lock then; it is back with its directory. */
  async #isAway(): Promise<boolean> {
    return !(await this.options.store.storage.exists().catch(() => false));
  }
}
