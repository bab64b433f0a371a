/**
 * Brings snapshots of older schemas to the current one, each in its writer's way: the original becomes a backup first,
 * and the new file is read back before it counts. Restore points stay as they are: they are migrated when they are read.
 */
import { DraftstateError, isDraftstateError, messageOf, type ErrorCode } from "../errors.js";
import { SCHEMA_VERSION } from "../model/conversation.js";
import { jsonEqual } from "../model/json.js";
import type { Decoded } from "../snapshot/decode.js";
import { conversationIds, snapshotKey } from "./layout.js";
import type { DraftStatePersistenceManager } from "./manager.js";
import { readSnapshot, refusal } from "./reader.js";

export interface MigrateOptions {
  readonly id?: string;
  readonly dryRun?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface MigrateResult {
  readonly migrated: readonly { readonly conversationId: string; readonly from: string; readonly to: string }[];
  /** Conversations whose snapshot is of the current schema. */
  readonly upToDate: number;
  readonly failed: readonly { readonly conversationId: string; readonly code: ErrorCode; readonly message: string }[];
  readonly dryRun: boolean;
}

type Older = Extract<Decoded, { kind: "valid" }> & { readonly migratedFrom: string };

function isOlder(decoded: Decoded): decoded is Older {
  return decoded.kind === "valid" && decoded.migratedFrom !== undefined;
}

async function migrateOne(manager: DraftStatePersistenceManager, id: string, before: Older): Promise<void> {
  const conversation = await manager.open(id, { expect: "existing" });
  await conversation.close();
  const after = await readSnapshot(manager.storage, id);
  if (after?.kind === "valid" && after.migratedFrom === undefined && jsonEqual(after.state, before.state)) return;
  throw new DraftstateError("CORRUPT", `${id} was migrated, but the new file does not hold the same: the original is its newest backup with the reason "migrate"`, { path: manager.storage.describe(snapshotKey(id)) });
}

/** Throws `NOT_FOUND` for an id that is not there; what fails among all conversations is listed, and stops no other. */
export async function migrateAll(manager: DraftStatePersistenceManager, options: MigrateOptions): Promise<MigrateResult> {
  const { id, dryRun = false, onProgress } = options;
  const ids = id === undefined ? conversationIds(await manager.storage.list("state")) : [id];
  const migrated: { conversationId: string; from: string; to: string }[] = [];
  const failed: { conversationId: string; code: ErrorCode; message: string }[] = [];
  let upToDate = 0;
  for (const [index, each] of ids.entries()) {
    onProgress?.(index, ids.length);
    try {
      const decoded = await readSnapshot(manager.storage, each);
      if (decoded === undefined) {
        if (id !== undefined) throw refusal(manager.storage, each, { kind: "absent" });
        continue;
      }
      if (decoded.kind === "newer") throw refusal(manager.storage, each, { kind: "newer", schema: decoded.version });
      if (decoded.kind === "damaged") throw new DraftstateError("CORRUPT", `${manager.storage.describe(snapshotKey(each))}: ${decoded.detail}: "draftstate repair ${each}" mends what can be mended`);
      if (!isOlder(decoded)) {
        upToDate += 1;
        continue;
      }
      if (!dryRun) await migrateOne(manager, each, decoded);
      migrated.push({ conversationId: each, from: decoded.migratedFrom, to: SCHEMA_VERSION });
    } catch (error) {
      if (id !== undefined || !isDraftstateError(error)) throw error;
      failed.push({ conversationId: each, code: error.code, message: messageOf(error) });
    }
  }
  onProgress?.(ids.length, ids.length);
  return { migrated, upToDate, failed, dryRun };
}
