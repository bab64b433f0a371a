/**
 * When a session folds its journal into a snapshot and makes backups: at the end of a turn, by the clock, on demand, and when it
 * closes. Each looks at the state once, as it begins: what is changed while it runs comes after it. What fails after the flush is
 * a warning, since nothing is lost.
 */
import { DraftstateError, isDraftstateError } from "../errors.js";
import type { BackupNote, Version } from "../model/conversation.js";
import { isStreaming } from "../model/conversation.js";
import { reasonOf } from "../storage/storage-error.js";
import { warn, type Store } from "../store/store.js";
import { assertTag } from "../store/tag.js";
import { housekeep } from "./housekeeping.js";
import { spilledError } from "./refusals.js";
import type { SessionBackups } from "./session-backups.js";
import type { WriteAhead } from "./write-ahead.js";

export interface TurnEndOptions {
  readonly id: string;
  readonly store: Store;
  readonly writer: WriteAhead;
  readonly backups: SessionBackups;
  /** The present. */
  readonly version: () => Version;
  /** All that is acknowledged to callers. */
  readonly flush: () => Promise<void>;
  readonly isClosed: () => boolean;
}

export class TurnEnd {
  constructor(private readonly options: TurnEndOptions) {}

  /** A turn is over: snapshot, backup, retention. */
  async endTurn(): Promise<void> {
    const { store, writer, backups, version, flush } = this.options;
    const ended = version();
    await flush();
    await this.#housekeep("the snapshot", () => writer.compact());
    if (store.settings.maxBackups === 0) return;
    await this.#housekeep("the backup", async () => {
      await backups.backUp(await this.#durable(ended), { reason: "turn" });
      await backups.retain(0);
    });
  }

  /** A backup of now; the existing one where the newest holds the same state. Returns its timestamp. */
  async backup(note: BackupNote): Promise<string> {
    const { backups, flush } = this.options;
    assertTag(note.tag);
    const present = this.options.version();
    await flush();
    const version = await this.#durable(present);
    const isPlain = note.tag === undefined && note.pinned !== true;
    const timestamp = (isPlain ? await backups.holding(version) : undefined) ?? (await backups.backUp(version, note));
    // A backup that was asked for can be used, also where turns leave none.
    await this.#housekeep("retention", () => backups.retain(1));
    return timestamp;
  }

  /** By the clock; of an answer under way, with an interim backup. Never rejects. */
  timedSnapshot(): Promise<void> {
    return this.#housekeep("the timed snapshot", () => this.#timedSnapshot());
  }

  async #timedSnapshot(): Promise<void> {
    const { store, writer, backups, version, isClosed } = this.options;
    if (isClosed() || writer.journalBytes === 0) return;
    const present = version();
    await writer.compact();
    if (!isStreaming(present.state) || store.settings.maxBackups === 0) return;
    await backups.backUp(await this.#durable(present), { reason: "interim" });
    await backups.retain(0);
  }

  /** The present, once it is durable. */
  durableVersion(): Promise<Version> {
    return this.#durable(this.options.version());
  }

  /** Nothing else becomes a backup: a revision that a crash takes back would be used again (I7). */
  async #durable(version: Version): Promise<Version> {
    const { writer } = this.options;
    if (writer.storedRevision >= version.revision) return version;
    await writer.flushUnacknowledged();
    if (writer.storedRevision >= version.revision) return version;
    // The store may be there again: nothing else writes to it before the next change.
    await writer.compact().catch(() => undefined);
    if (writer.storedRevision >= version.revision) return version;
    throw spilledError(this.options.id);
  }

  /** The session closes. Rejects where another program changed the snapshot: all changes are then in a backup. */
  async foldAtEnd(): Promise<void> {
    const { id, store, writer } = this.options;
    try {
      await writer.compact();
    } catch (error) {
      if (isDraftstateError(error, "LOCKED")) await this.#keepBesideForeignSnapshot(error);
      else warn(store, id, `the snapshot could not be written: ${reasonOf(error)}`, error);
    }
  }

  /** The journal continues a snapshot that is no longer there: what is acknowledged stays readable as a backup. */
  async #keepBesideForeignSnapshot(cause: DraftstateError): Promise<never> {
    // Without the lock this rejects as well, and nothing is written.
    const timestamp = await this.options.backups.backUp(await this.durableVersion(), { reason: "repair" });
    throw new DraftstateError(cause.code, `${cause.message}; all changes up to now are in the backup ${timestamp}`, {
      ...(cause.path === undefined ? {} : { path: cause.path }),
      cause,
    });
  }

  #housekeep(what: string, act: () => Promise<void>): Promise<void> {
    return housekeep(this.options.store, this.options.id, what, act);
  }
}
