/**
 * Brings snapshots of older schemas to the current one, each as a session of it does: the original becomes a backup first,
 * and the new file is read back before it counts. Backups stay as they are: they are migrated when they are read.
 */
import { DraftstateError, isDraftstateError, type ErrorCode } from "../errors.js";
import { SCHEMA_VERSION } from "../model/conversation.js";
import { jsonEqual } from "../model/json.js";
import { takeStock } from "../session/open.js";
import { recover, type Locked } from "../session/recover.js";
import type { Session } from "../session/session.js";
import type { Sessions } from "../session/sessions.js";
import type { Decoded } from "../snapshot/decode.js";
import { conversationIds, snapshotKey } from "../store/names.js";
import { newerVersion } from "../store/newer.js";
import { interruptedVersion, listIds, readSnapshot, refusal } from "../store/read.js";
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

/** What a snapshot means to a migration. Throws what keeps it from being migrated. */
function olderOf({ storage }: Store, id: string, decoded: Decoded | undefined): Older | undefined {
  const path = storage.describe(snapshotKey(id));
  if (decoded?.kind === "newer") throw newerVersion(path, `it is of the newer schema ${decoded.version}`);
  if (decoded?.kind === "damaged")
    throw new DraftstateError(
      "CORRUPT",
      `${path}: ${decoded.detail}: manager.repair("${id}") repairs what can be repaired`,
      { path },
    );
  return decoded?.kind === "valid" && isOlder(decoded) ? decoded : undefined;
}

function isOlder(decoded: Extract<Decoded, { kind: "valid" }>): decoded is Older {
  return decoded.migratedFrom !== undefined;
}

/** As opening recovers it; the new file is read back before it counts. */
async function rewrite(locked: Locked): Promise<void> {
  const {
    store: { storage },
    id,
  } = locked;
  const { plan } = await takeStock(locked);
  if (plan.kind !== "usable") throw refusal(storage, id, plan);
  await recover(locked, plan);
  const after = await readSnapshot(storage, id);
  // An answer without a writer is interrupted in the new file, as every reader of the old one was shown it.
  if (
    after?.kind === "valid" &&
    after.migratedFrom === undefined &&
    jsonEqual(after.state, interruptedVersion(plan).state)
  )
    return;
  const path = storage.describe(snapshotKey(id));
  throw new DraftstateError(
    "CORRUPT",
    `${path} was rewritten, but does not hold the same: the original is a backup (manager.listBackups("${id}") lists it)`,
    { path },
  );
}

/** In the conversation's turn, by what is there then: the turn before may have rewritten or removed it. */
async function migrateLocked(locked: Locked, session: Session | undefined): Promise<Outcome> {
  const { store, id } = locked;
  const decoded = await readSnapshot(store.storage, id);
  const older = olderOf(store, id, decoded);
  if (older === undefined) return decoded === undefined ? "absent" : "up to date";
  // Opening rewrites it: this file came from outside since.
  if (session !== undefined)
    throw new DraftstateError("LOCKED", `conversation ${id} is open, and its snapshot was replaced: close it first`, {
      path: store.storage.describe(snapshotKey(id)),
    });
  await rewrite(locked);
  return migratedFrom(id, older);
}

type Outcome = MigratedConversation | "up to date" | "absent";

function migratedFrom(id: string, { migratedFrom: from }: Older): MigratedConversation {
  return { conversationId: id, from, to: SCHEMA_VERSION };
}

/** What is of the current schema stays of it: nothing is locked for that. */
async function migrateOne(store: Store, sessions: Sessions, id: string, dryRun: boolean): Promise<Outcome> {
  const decoded = await readSnapshot(store.storage, id);
  if (decoded === undefined) return "absent";
  if (dryRun) {
    const older = olderOf(store, id, decoded);
    return older === undefined ? "up to date" : migratedFrom(id, older);
  }
  if (decoded.kind === "edited" || (decoded.kind === "valid" && !isOlder(decoded))) return "up to date";
  return sessions.guarded(id, migrateLocked);
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
      const outcome = await migrateOne(store, sessions, id, dryRun);
      if (outcome === "up to date") result.upToDate += 1;
      else if (outcome !== "absent") result.migrated.push(outcome);
      else if (only !== undefined && !(await listIds(storage)).includes(id))
        throw refusal(storage, id, { kind: "absent" });
    } catch (error) {
      if (only !== undefined || !isDraftstateError(error)) throw error;
      result.failed.push({ conversationId: id, code: error.code, message: error.message });
    }
  }
  onProgress?.(ids.length, ids.length);
  return result;
}
