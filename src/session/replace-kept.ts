/**
 * An operation replaces the whole state of an open session: the present is kept first, a record names the revision that replaces it, and
 * where the new content cannot be saved nothing was replaced, unless later changes were made on it.
 */
import { DraftstateError, messageOf } from "../errors.js";
import type { Version } from "../model/conversation.js";
import type { JsonObject } from "../model/json.js";
import type { WriteAhead } from "./write-ahead.js";

/** What an operation does about the present before it is replaced. */
export interface Keeping<T> {
  /** Saves the version, which is durable. */
  save(version: Version): Promise<T>;
  /** Records that the next revision replaces it. Where it rejects, nothing is replaced. */
  record(version: Version): Promise<void>;
  /** Takes the record back: it was not replaced. */
  withdraw(): Promise<void>;
}

/** What was kept, the version that was replaced, and the revision that replaced it: later changes were made on that. */
export interface Replaced<T> {
  readonly kept: T;
  readonly before: Version;
  readonly revision: number;
}

/** What this needs of the session. */
export interface Replaceable {
  readonly id: string;
  readonly writer: Pick<WriteAhead, "holdAcknowledgements" | "flushUnacknowledged" | "first" | "suspend">;
  readonly revision: () => number;
  /** The present, once it is durable in the store. */
  readonly durableVersion: () => Promise<Version>;
  /** Throws where the whole state may not be replaced now. */
  readonly assertReplaceable: () => void;
  /** Changes the state in memory, as one revision. */
  readonly become: (state: JsonObject) => void;
  /** What could not be saved stays: it was changed since. */
  readonly stands: () => void;
}

/** How often it begins again because the state was changed meanwhile. */
const MAX_ATTEMPTS = 8;

export async function replaceKept<T>(
  session: Replaceable,
  content: JsonObject,
  keeping: Keeping<T>,
): Promise<Replaced<T>> {
  session.assertReplaceable();
  const release = session.writer.holdAcknowledgements();
  try {
    const replaced = await keepAndReplace(session, content, keeping);
    try {
      await session.writer.flushUnacknowledged();
    } catch (error) {
      // Later changes were made on the new content: they cannot be had without it.
      if (session.revision() !== replaced.revision) {
        session.stands();
        throw stands(session.id, error);
      }
      // Were it saved beside the record, it would be taken for what the record tells of.
      const withdrawn = session.writer.first(() => keeping.withdraw());
      session.become(replaced.before.state);
      await withdrawn;
      throw error;
    }
    return replaced;
  } finally {
    release();
  }
}

async function keepAndReplace<T>(session: Replaceable, content: JsonObject, keeping: Keeping<T>): Promise<Replaced<T>> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const before = await session.durableVersion();
    const kept = await keeping.save(before);
    // From the record on no other change can become durable as the revision that it names.
    const resume = await session.writer.suspend();
    try {
      session.assertReplaceable();
      if (session.revision() === before.revision) await keeping.record(before);
      session.assertReplaceable();
      if (session.revision() === before.revision) {
        session.become(content);
        return { kept, before, revision: session.revision() };
      }
      await keeping.withdraw();
    } catch (error) {
      await session.writer.first(() => keeping.withdraw());
      throw error;
    } finally {
      resume();
    }
  }
  throw new DraftstateError(
    "LOCKED",
    `conversation ${session.id} is being changed all the time: pause that and try again; nothing was replaced`,
  );
}

/** Its pending record stays, and tells of it once the content is durable. */
function stands(id: string, cause: unknown): DraftstateError {
  return new DraftstateError(
    "STORAGE",
    `conversation ${id} was replaced, but could not be saved: ${messageOf(cause)}; it was changed since, and is saved with that as soon as its store can be written`,
    { cause },
  );
}
