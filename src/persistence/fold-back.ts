/**
 * Brings home what went to the fallback directory: what is newer there than in the state directory becomes its snapshot,
 * then the copy goes. For a writer that holds the lock; throws `STORAGE`, and loses nothing, while there is still no room.
 */
import { isStreaming, metadataOf } from "../model/conversation.js";
import { planRecovery } from "../plan/recovery.js";
import { encodeSnapshot } from "../snapshot/encode.js";
import type { Fallback } from "./fallback.js";
import { journalKey, snapshotKey } from "./layout.js";
import { findConversation, versionOf, withInterruption } from "./reader.js";
import { recover, type RecoveryContext } from "./recover.js";

export async function foldBack(context: RecoveryContext, fallback: Fallback, id: string): Promise<void> {
  const found = await fallback.find(id);
  if (found === undefined) return;
  const { storage, lock, now } = context;
  const plan = planRecovery(await findConversation(storage, id));
  // What is edited, lost or newer in the state directory is not decided here: opening says so, and the copy stays.
  if (plan.kind !== "absent" && plan.kind !== "usable") return;
  const present = plan.kind === "usable" ? (await recover(context, id, plan)).version.revision : 0;
  const version = versionOf(found);
  if (version.revision > (plan.kind === "usable" ? plan.version.revision : 0)) {
    const ended = isStreaming(version.state) ? withInterruption(version, found.metadata.savedAt) : version;
    const next = { ...ended, revision: Math.max(present, version.revision) + 1 };
    await storage.replace(snapshotKey(id), encodeSnapshot(next.state, metadataOf(next, id, now().toISOString())), lock);
    await storage.remove(journalKey(id));
  }
  await fallback.done(id);
}
