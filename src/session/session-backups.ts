/**
 * The backups that a session makes: at the end of a turn, in the middle of a long answer, on demand; and retention, which
 * removes backups only, under the session's lock (I5). The session knows its own backups: the directory is listed once.
 */
import type { BackupNote, Version } from "../model/conversation.js";
import { newestFirst, planRetention } from "../plan/retention.js";
import { jsonEqual } from "../model/json.js";
import { withRetry } from "../storage/retry.js";
import type { Lock } from "../storage/storage.js";
import { readBackupFile, readBackupHeads, writeBackup, type Backup } from "../store/backups.js";
import { backupKey } from "../store/names.js";
import type { Store } from "../store/store.js";

export class SessionBackups {
  /** Newest first; undefined before the first look. */
  #known: readonly Backup[] | undefined;

  constructor(
    private readonly store: Store,
    private readonly id: string,
    private readonly lock: Lock,
    known?: readonly Backup[],
  ) {
    this.#known = known;
  }

  /** Newest first. */
  async all(): Promise<readonly Backup[]> {
    this.#known ??= await readBackupHeads(this.store.storage, this.id);
    return this.#known;
  }

  /** As they are now: a person may have removed some by hand. */
  again(): Promise<readonly Backup[]> {
    this.forget();
    return this.all();
  }

  /** Another operation works on the backups under this lock: look again. */
  forget(): void {
    this.#known = undefined;
  }

  /** Of the version, which is durable (I7); the newest where it holds the same revision. Gives the timestamp. */
  async backUp(version: Version, note: BackupNote): Promise<string> {
    const { storage, settings, now, retry, events } = this.store;
    const isPlain = note.tag === undefined && note.pinned !== true;
    const holding = isPlain ? await this.#holdingRevision(version.revision) : undefined;
    if (holding !== undefined) return this.#reuse(holding);
    const known = await this.all();
    const request = {
      id: this.id,
      version,
      note,
      compression: settings.compression,
      guard: this.lock,
      newest: newestOf(known),
    };
    const written = await withRetry("backup", retry, () => writeBackup(storage, { ...request, now: now() }));
    this.#known = [written, ...known];
    events.emit("backupCreated", {
      conversationId: this.id,
      timestamp: written.timestamp,
      path: written.path,
      revision: version.revision,
      reason: note.reason,
      bytes: written.sizeBytes,
    });
    return written.timestamp;
  }

  /** The newest where it is of this revision, and still there as it was made: it may have been removed by hand. */
  async #holdingRevision(revision: number): Promise<Backup | undefined> {
    const [newest] = await this.all();
    if (newest?.valid !== true || newest.revision !== revision || newest.reason === "interim") return undefined;
    const found = await this.store.storage.stat(backupKey(newest));
    if (found?.size === newest.sizeBytes) return newest;
    this.forget();
    return undefined;
  }

  /** One that was made elsewhere, under its own time; behind those that are there. */
  async add(version: Version, note: BackupNote, at: Date): Promise<void> {
    const known = await this.all();
    const {
      storage,
      settings: { compression },
    } = this.store;
    const written = await writeBackup(storage, {
      id: this.id,
      version,
      note,
      compression,
      now: at,
      guard: this.lock,
      newest: newestOf(known),
    });
    this.#known = newestFirst([written, ...known]);
  }

  /** The newest backup where it holds exactly this state: another would add nothing. An interim one is replaced soon, and does not count. */
  async holding(version: Version): Promise<string | undefined> {
    const [newest] = await this.all();
    if (newest === undefined || newest.reason === "interim") return undefined;
    const decoded = await readBackupFile(this.store.storage, newest);
    return decoded?.kind === "valid" && jsonEqual(decoded.state, version.state) ? this.#reuse(newest) : undefined;
  }

  /** At least `minimum` stay. Interim backups stand beside the count, at most the newest of them, and only while nothing newer stands. */
  async retain(minimum: number): Promise<void> {
    const { settings, now } = this.store;
    const known = await this.all();
    const isInterim = (backup: Backup): boolean => backup.reason === "interim" && !backup.pinned;
    const interim = known.filter((backup) => isInterim(backup) && backup !== known[0]);
    const counted = known.filter((backup) => !isInterim(backup));
    const { remove } = planRetention(
      counted,
      { max: Math.max(minimum, settings.maxBackups) },
      { now: now().getTime(), protectLastValid: false, maxSaved: settings.maxBackups },
    );
    for (const backup of [...interim, ...remove]) await this.#remove(backup);
  }

  async #remove(backup: Backup): Promise<void> {
    const { storage, events } = this.store;
    const isGone = await storage.remove(backupKey(backup), this.lock);
    this.#known = this.#known?.filter(({ name }) => name !== backup.name);
    if (isGone)
      events.emit("backupRemoved", { conversationId: this.id, timestamp: backup.timestamp, path: backup.path });
  }

  /** One that a killed writer left may have its name, and lose it again in a power loss: nothing is built upon that. */
  async #reuse(backup: Backup): Promise<string> {
    await this.store.storage.settle("backup");
    return backup.timestamp;
  }
}

/** The latest timestamp: those of earlier conversations of the id, or of another clock, may be later than that of the highest revision. */
function newestOf(backups: readonly Backup[]): string | undefined {
  return backups.reduce<string | undefined>(
    (latest, { timestamp }) => (latest === undefined || timestamp > latest ? timestamp : latest),
    undefined,
  );
}
