/**
 * The snapshot that a session's journal continues, as the session left it or found it. Before it is replaced it is looked at:
 * what another program wrote or edited is not overwritten; what was damaged is kept in quarantine and written anew. On a server
 * that may go back, an earlier one is of our own past, since the lock is ours: the server took over without the last changes.
 */
import { DraftstateError, isDraftstateError } from "../errors.js";
import type { Version } from "../model/conversation.js";
import type { SessionMark } from "../model/sessions.js";
import type { Decoded } from "../snapshot/decode.js";
import { withRetry } from "../storage/retry.js";
import type { Lock, Standing } from "../storage/storage.js";
import { snapshotKey } from "../store/names.js";
import { copyToQuarantine } from "../store/quarantine.js";
import { readMetadataOnly, readSnapshot } from "../store/read.js";
import { warn, type Store } from "../store/store.js";
import { writeSnapshot } from "../store/write-snapshot.js";

export interface BaseOptions {
  readonly id: string;
  readonly store: Store;
  readonly lock: Lock;
}

/** A snapshot on disk: its revision, its size in bytes, and what tells it from others. */
export interface SnapshotOnDisk {
  readonly revision: number;
  readonly bytes: number;
  readonly checksum: string | undefined;
  /** The storage's token; undefined where it could not be had. */
  readonly token: string | undefined;
}

/** Undefined where no snapshot can be read from its end. */
export async function snapshotOnDisk(
  { storage }: Pick<Store, "storage">,
  id: string,
): Promise<SnapshotOnDisk | undefined> {
  const found = await readMetadataOnly(storage, id);
  if (found === undefined) return undefined;
  const {
    metadata: { revision, checksum },
    end,
  } = found;
  return { revision, checksum, bytes: end.size, token: end.version };
}

export class Base {
  #onDisk: SnapshotOnDisk | undefined;
  /** Snapshots of ours whose replacement rejected: each may have taken its name all the same. */
  readonly #attempted = new Set<string>();

  constructor(
    private readonly options: BaseOptions,
    found: SnapshotOnDisk | undefined,
  ) {
    this.#onDisk = found;
  }

  get revision(): number | undefined {
    return this.#onDisk?.revision;
  }

  /** Undefined where the storage's token could not be had. */
  get standing(): Standing | undefined {
    const token = this.#onDisk?.token;
    return token === undefined ? undefined : { key: snapshotKey(this.options.id), version: token };
  }

  /** Whether it is there as it was left. Asked only of a storage that may go back; one that is away cannot be asked. */
  async stands(): Promise<boolean> {
    const { standing } = this;
    const { storage } = this.options.store;
    if (standing === undefined || storage.mayGoBack !== true) return true;
    const version = await storage.stat(standing.key).then(
      (stat) => stat?.version,
      () => standing.version,
    );
    return version === standing.version;
  }

  get bytes(): number {
    return this.#onDisk?.bytes ?? 0;
  }

  /** Durable when it resolves; gives the bytes written. Throws `LOCKED` where the snapshot was changed from outside, or the lock is lost. */
  async replace(version: Version, sessions: readonly SessionMark[]): Promise<number> {
    const { id, store, lock } = this.options;
    const bytes = await withRetry("snapshot", store.retry, async () => {
      await this.#assertReplaceable();
      // The clock is read here as `writeSnapshot` reads it: a later one is another attempt.
      const now = store.now();
      this.#attempted.add(attemptOf(version.revision, now.toISOString()));
      return (await writeSnapshot({ ...store, now: () => now }, id, version, lock, sessions)).bytes;
    });
    this.#attempted.clear();
    const written = await snapshotOnDisk(store, id).catch(() => undefined);
    this.#onDisk =
      written?.revision === version.revision
        ? written
        : { revision: version.revision, bytes, checksum: undefined, token: undefined };
    return bytes;
  }

  async #assertReplaceable(): Promise<void> {
    const { id, store } = this.options;
    const { storage } = store;
    const stat = await storage.stat(snapshotKey(id));
    if (stat?.version === this.#onDisk?.token) return;
    const decoded = await readSnapshot(storage, id);
    if (this.#isEarlier(decoded)) {
      this.#wentBack();
      return;
    }
    if (decoded === undefined || this.#isOurs(decoded)) return;
    if (decoded.kind === "damaged") return this.#keepDamaged(decoded.detail);
    throw this.#changedFromOutside(decoded);
  }

  #isEarlier(decoded: Decoded | undefined): boolean {
    if (this.options.store.storage.mayGoBack !== true || this.revision === undefined) return false;
    return decoded === undefined || (decoded.kind === "valid" && decoded.metadata.revision < this.revision);
  }

  #wentBack(): void {
    const { id, store } = this.options;
    const path = store.storage.describe(snapshotKey(id));
    warn(
      store,
      id,
      `${path} was saved at revision ${this.revision ?? "none"}, and the server has an earlier one now: one that lacks the last changes took over; all of it is written anew`,
    );
  }

  #isOurs(decoded: Decoded): boolean {
    if (decoded.kind !== "valid") return false;
    const { revision, savedAt, checksum } = decoded.metadata;
    if (this.#attempted.has(attemptOf(revision, savedAt))) return true;
    // Copied or touched: the same content under another token. Of an older schema the file has no checksum of ours.
    return (
      revision === this.#onDisk?.revision && (this.#onDisk.checksum === undefined || this.#onDisk.checksum === checksum)
    );
  }

  async #keepDamaged(detail: string): Promise<void> {
    const { id, store, lock } = this.options;
    const path = store.storage.describe(snapshotKey(id));
    const copy = await copyToQuarantine(store, snapshotKey(id), lock).catch((error: unknown) => {
      // Too large to be read, or no file: it is not overwritten unseen.
      if (isDraftstateError(error, "CORRUPT"))
        throw new DraftstateError(
          "LOCKED",
          `${path} was replaced from outside: ${error.message}; nothing was overwritten, the journal holds the changes`,
          { path, cause: error },
        );
      throw error;
    });
    warn(
      store,
      id,
      `${path} was damaged while the conversation was open (${detail}): it is written anew, the damaged file is in quarantine (${copy ?? "gone"})`,
    );
  }

  #changedFromOutside(decoded: Decoded): DraftstateError {
    const { id, store } = this.options;
    const path = store.storage.describe(snapshotKey(id));
    const seen =
      decoded.kind === "valid"
        ? `is at revision ${decoded.metadata.revision}`
        : decoded.kind === "newer"
          ? `is of the newer schema ${decoded.version}`
          : "was edited";
    return new DraftstateError(
      "LOCKED",
      `${path} was changed from outside: it ${seen}, we left it at ${this.revision ?? "none"}; nothing was overwritten, the journal holds the changes`,
      { path },
    );
  }
}

function attemptOf(revision: number, savedAt: string): string {
  return `${revision} ${savedAt}`;
}
