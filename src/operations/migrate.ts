/**
 * Brings snapshots of older schemas to the current one, each as a session of it does: the original becomes a backup first,
 * and the new file is read back before it counts. Backups stay as they are: they are migrated when they are read.
 */
import { DraftstateError, isDraftstateError, type ErrorCode } from "../errors.js";
import { SCHEMA_VERSION } from "../model/conversation.js";
import { ended } from "../model/interruption.js";
import { jsonEqual } from "../model/json.js";
import type { Sessions } from "../session/sessions.js";
import { versionOf, type Decoded } from "../snapshot/decode.js";
import { conversationIds, snapshotKey } from "../store/names.js";
import { newerVersion } from "../store/newer.js";
import { listIds, readSnapshot, refusal } from "../store/read.js";
import type { Store } from "../store/store.js";

export interface MigrateOptions {
  readonly id?: string;
  readonly dryRun?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface MigratedConversation {
  readonly conversationId: string;
  readonly from: string;
  readonly to: string;
}

export interface MigrateResult {
  readonly migrated: readonly MigratedConversation[];
  /** Conversations whose snapshot is of the current schema. */
  readonly upToDate: number;
  readonly failed: readonly { readonly conversationId: string; readonly code: ErrorCode; readonly message: string }[];
  readonly dryRun: boolean;
}

type Older = Extract<Decoded, { kind: "valid" }> & { readonly migratedFrom: string };

function isOlder(decoded: Decoded): decoded is Older {
  return decoded.kind === "valid" && decoded.migratedFrom !== undefined;
}

/** Opening rewrites it. A conversation that a handle has open was rewritten when it was opened. */
async function rewrite({ storage }: Store, sessions: Sessions, id: string, before: Older): Promise<void> {
  await sessions.use(id, () => Promise.resolve(), "existing");
  const after = await readSnapshot(storage, id);
  // An answer that nobody continues is interrupted in the new file, as every reader of the old one was shown it.
  if (
    after?.kind === "valid" &&
    after.migratedFrom === undefined &&
    jsonEqual(after.state, ended(versionOf(before), before.metadata.savedAt).state)
  )
    return;
  const path = storage.describe(snapshotKey(id));
  throw new DraftstateError(
    "CORRUPT",
    `${path} was rewritten, but does not hold the same: the original is a backup ("draftstate backups ${id}" lists it)`,
    { path },
  );
}

/** Undefined where it is of the current schema, or where there is no snapshot. Throws what keeps it from being migrated. */
async function migrateOne(
  store: Store,
  sessions: Sessions,
  id: string,
  decoded: Decoded | undefined,
  dryRun: boolean,
): Promise<MigratedConversation | undefined> {
  const path = store.storage.describe(snapshotKey(id));
  if (decoded?.kind === "newer") throw newerVersion(path, `it is of the newer schema ${decoded.version}`);
  if (decoded?.kind === "damaged")
    throw new DraftstateError(
      "CORRUPT",
      `${path}: ${decoded.detail}: "draftstate repair ${id}" repairs what can be repaired`,
      { path },
    );
  if (decoded === undefined || !isOlder(decoded)) return undefined;
  if (!dryRun) await rewrite(store, sessions, id, decoded);
  return { conversationId: id, from: decoded.migratedFrom, to: SCHEMA_VERSION };
}

/** Throws `NOT_FOUND` for an id that is not there; what fails among all conversations is listed, and stops no other. */
export async function migrate(store: Store, sessions: Sessions, options: MigrateOptions): Promise<MigrateResult> {
  const { storage } = store;
  const { id: only, dryRun = false, onProgress } = options;
  const ids = only === undefined ? conversationIds(await storage.list("state")) : [only];
  const result = {
    migrated: [] as MigratedConversation[],
    upToDate: 0,
    failed: [] as MigrateResult["failed"][number][],
    dryRun,
  };
  for (const [index, id] of ids.entries()) {
    onProgress?.(index, ids.length);
    try {
      const decoded = await readSnapshot(storage, id);
      if (decoded === undefined && only !== undefined && !(await listIds(storage)).includes(id))
        throw refusal(storage, id, { kind: "absent" });
      const migrated = await migrateOne(store, sessions, id, decoded, dryRun);
      if (migrated !== undefined) result.migrated.push(migrated);
      else if (decoded !== undefined) result.upToDate += 1;
    } catch (error) {
      if (only !== undefined || !isDraftstateError(error)) throw error;
      result.failed.push({ conversationId: id, code: error.code, message: error.message });
    }
  }
  onProgress?.(ids.length, ids.length);
  return result;
}
