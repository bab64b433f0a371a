/** A copy of a conversation under a new id: as it is, or as a restore point holds it. The original is only read. */
import { infoOf, isStreaming, type Info, type State, type Version } from "../model/conversation.js";
import { contentOf, resolveBackup } from "../store/backups.js";
import { fromTimestamp } from "../store/names.js";
import type { DraftStatePersistenceManager } from "../manager.js";
import { refusal, withInterruption } from "../store/read.js";

export interface ForkOptions {
  /** Left out: a new name as `chat` gives them. */
  readonly newId?: string;
  /** A restore point: timestamp, prefix, tag, `latest` or `~n`. Left out: as it is now. */
  readonly backup?: string;
}

export interface ForkResult {
  readonly conversationId: string;
  readonly forkedFrom: string;
  /** Timestamp of the restore point; null for the present. */
  readonly backup: string | null;
  readonly revision: number;
}

/** What a conversation begins as that is not empty. */
export interface Beginning {
  readonly state: State;
  /** Without `createdAt`: it is created now. */
  readonly info: Omit<Info, "createdAt"> & Partial<Pick<Info, "createdAt">>;
  /** 1 where it is left out. */
  readonly revision?: number;
}

/** An answer that is being told elsewhere, or was when the backup was made, is nobody's to go on with here. */
export function beginningOf(version: Version, at: string): Beginning {
  const { state, info } = isStreaming(version.state) ? withInterruption(version, at) : version;
  const { createdAt: _theirs, ...rest } = info;
  return { state, info: rest };
}

async function source(manager: DraftStatePersistenceManager, id: string, backup: string | undefined): Promise<{ beginning: Beginning; timestamp: string | null }> {
  if (backup !== undefined) {
    const found = resolveBackup(await manager.listBackups(id), id, backup);
    return { beginning: beginningOf(contentOf(found), fromTimestamp(found.timestamp).toISOString()), timestamp: found.timestamp };
  }
  const loaded = await manager.load(id);
  if (loaded === undefined) throw refusal(manager.storage, id, { kind: "absent" });
  const { state, metadata } = loaded;
  return { beginning: beginningOf({ state, info: infoOf(metadata), revision: metadata.revision }, metadata.savedAt), timestamp: null };
}

export async function fork(manager: DraftStatePersistenceManager, id: string, options: ForkOptions): Promise<ForkResult> {
  const { beginning, timestamp } = await source(manager, id, options.backup);
  const conversation = options.newId === undefined ? await manager.openNew(beginning) : await manager.open(options.newId, { expect: "new", beginning });
  try {
    // A restore point of where it began: what follows can be taken back up to here.
    await conversation.endTurn();
    return { conversationId: conversation.id, forkedFrom: id, backup: timestamp, revision: conversation.revision };
  } finally {
    await conversation.close();
  }
}
