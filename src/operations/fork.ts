/** A copy of a conversation under a new id: as it is, or as a backup holds it. The original is only read. */
import { isDraftstateError } from "../errors.js";
import { infoOf, type Version } from "../model/conversation.js";
import { ended } from "../model/interruption.js";
import type { Conversation } from "../session/conversation.js";
import type { Beginning } from "../session/open.js";
import type { Sessions } from "../session/sessions.js";
import { fromTimestamp } from "../store/names.js";
import type { Store } from "../store/store.js";
import { readBackup } from "./backups.js";
import { mustLoad } from "./load.js";

export interface ForkOptions {
  /** Left out: a new name as `chat` gives them. */
  readonly newId?: string;
  /** A backup: timestamp, prefix, tag, `latest` or `@n`. Left out: as it is now. */
  readonly backup?: string;
}

export interface ForkResult {
  readonly conversationId: string;
  readonly forkedFrom: string;
  /** Timestamp of the backup; null for the present. */
  readonly backup: string | null;
  readonly revision: number;
}

/** A new conversation under a name of its own: `draft_chat_` and the time in milliseconds, as the draft names them, later by one where that is taken. */
export async function openNew(store: Store, sessions: Sessions, beginning?: Beginning): Promise<Conversation> {
  for (let at = store.now().getTime(); ; at += 1) {
    try {
      return await sessions.open(`draft_chat_${at}`, {
        expect: "new",
        lockTimeout: 0,
        ...(beginning === undefined ? {} : { beginning }),
      });
    } catch (error) {
      // Another process chose the same millisecond.
      if (!isDraftstateError(error, "INVALID_ID") && !isDraftstateError(error, "LOCKED")) throw error;
    }
  }
}

/** An answer that streams elsewhere, or did when the backup was made, is not continued here. */
export function beginningOf(version: Version, at: string): Beginning {
  const { state, info } = ended(version, at);
  const { createdAt: _theirs, imported: _there, ...rest } = info;
  return { state, info: rest };
}

async function sourceOf(
  store: Store,
  id: string,
  wanted: string | undefined,
): Promise<{ beginning: Beginning; timestamp: string | null }> {
  if (wanted !== undefined) {
    const {
      backup: { timestamp },
      version,
    } = await readBackup(store, id, wanted);
    return { beginning: beginningOf(version, fromTimestamp(timestamp).toISOString()), timestamp };
  }
  const { state, metadata } = await mustLoad(store, id);
  return {
    beginning: beginningOf({ state, info: infoOf(metadata), revision: metadata.revision }, metadata.savedAt),
    timestamp: null,
  };
}

export async function fork(store: Store, sessions: Sessions, id: string, options: ForkOptions): Promise<ForkResult> {
  const { beginning, timestamp } = await sourceOf(store, id, options.backup);
  const conversation =
    options.newId === undefined
      ? await openNew(store, sessions, beginning)
      : await sessions.open(options.newId, { expect: "new", beginning });
  return sessions.complete(conversation, async () => {
    // A backup of where it began: what follows can be taken back up to here.
    await conversation.endTurn();
    return { conversationId: conversation.id, forkedFrom: id, backup: timestamp, revision: conversation.revision };
  });
}
