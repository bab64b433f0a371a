/**
 * Brings home what went to the fallback directory: what is newer there than in the state directory becomes its snapshot,
 * then the copy goes. For a writer that holds the lock; throws `STORAGE`, and loses nothing, while there is still no room.
 */
import { isStreaming, metadataOf } from "../model/conversation.js";
import { planRecovery } from "../plan/recovery.js";
import { SnapshotParts } from "../snapshot/encode.js";
import type { Fallback } from "./spill.js";
import { journalKey, snapshotKey } from "../store/names.js";
import { findConversation, versionOf, withInterruption } from "../store/read.js";
import { keepWhatIsReplaced, lastUsed, type RecoveryContext } from "./recover.js";

export async function foldBack(context: RecoveryContext, fallback: Fallback, id: string): Promise<void> {
  await fallback.sweep(id).catch(() => undefined);
  const found = await fallback.find(id);
  if (found === undefined) return;
  const { storage, lock, events, now } = context;
  const plan = planRecovery(await findConversation(storage, id));
  // What is edited, lost or newer in the state directory is not decided here: opening says so, and the copy stays.
  if (plan.kind !== "absent" && plan.kind !== "usable") return;
  const version = versionOf(found);
  // One step: were what is here recovered first, that could use the revision of what is there, which would then seem old.
  if (plan.kind === "absent" || version.revision > plan.version.revision) {
    const quarantined = plan.kind === "absent" ? [] : await keepWhatIsReplaced(context, id, plan);
    const last = plan.kind === "absent" ? 0 : await lastUsed(context, id, plan);
    const ended = isStreaming(version.state) ? withInterruption(version, found.metadata.savedAt) : version;
    const next = { ...ended, revision: Math.max(last, version.revision) + 1 };
    await storage.replace(snapshotKey(id), new SnapshotParts(next.state, metadataOf(next, id, now().toISOString())), lock);
    await storage.remove(journalKey(id));
    const problems = plan.kind === "absent" ? [] : plan.problems;
    if (problems.length > 0) events.emit("recovered", { conversationId: id, revision: next.revision, source: "fallback", problems, quarantined });
  } else {
    // A killed writer may have brought it home and not synced the directory: the copy goes once that is durable.
    await storage.settle("state");
  }
  await fallback.done(id);
}
