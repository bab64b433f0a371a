/**
 * Brings home what sessions spilled while their store could not be written, for a writer that holds the store's lock. What
 * continues the store's history becomes its snapshot; what does not is kept as a conversation of its own. A spill goes once
 * its content is durable in the store; while there is no room it stays, and the session continues from it in memory.
 */
import { isDraftstateError, messageOf, DraftstateError } from "../errors.js";
import { metadataOf, type Version } from "../model/conversation.js";
import { jsonEqual } from "../model/json.js";
import { withMark, type SessionMark } from "../model/sessions.js";
import type { Found, RecoveryPlan } from "../plan/recovery.js";
import { SnapshotParts } from "../snapshot/encode.js";
import { journalKey, snapshotKey } from "../store/names.js";
import { copyToQuarantine } from "../store/quarantine.js";
import { readSnapshot } from "../store/read.js";
import { heldBy, isValidSpill, planOf, versionIn, type ValidSpill } from "../store/spills.js";
import { warn, type Store } from "../store/store.js";
import { writeWhole } from "../store/write-snapshot.js";
import { keepWhatIsReplaced, lastNamed, lastUsed, type Locked } from "./recover.js";

export type BroughtHome =
  /** There was nothing that continues the store's history. */
  | { readonly kind: "nothing" }
  /** The store changed: it is to be read again. */
  | { readonly kind: "applied" }
  /** The store cannot be written: what is to be continued from, and the spills that it holds. */
  | { readonly kind: "no-room"; readonly version: Version; readonly sessions: readonly SessionMark[]; readonly spilled: readonly string[]; readonly cause: DraftstateError };

/** Throws `NEWER_VERSION` for a spill of a newer version: it may hold what comes after all that is in the store. */
export async function bringHome(locked: Locked, found: Found, plan: RecoveryPlan): Promise<BroughtHome> {
  const { store: { spills }, id } = locked;
  const all = (await spills?.find(id)) ?? [];
  if (spills === undefined || all.length === 0) return { kind: "nothing" };
  const newer = all.find(({ decoded }) => decoded.kind === "newer");
  if (newer?.decoded.kind === "newer") throw new DraftstateError("NEWER_VERSION", `${newer.path}, which holds changes that could not be saved to the store, was written by a newer version (${newer.decoded.detail}): update draftstate to use it; nothing was changed`, { path: newer.path });
  spills.report(all);
  const valid = all.filter(isValidSpill);
  const planned = planOf(valid, heldBy(found, plan)).map((step, index) => ({ ...step, spill: valid[index] as ValidSpill }));
  const ahead = planned.find(({ kind }) => kind === "apply");
  if (ahead !== undefined) {
    const held = planned.filter(({ kind }) => kind === "held").map(({ spill }) => spill.session);
    try {
      await apply(locked, found, plan, ahead.spill);
    } catch (error) {
      if (!isDraftstateError(error, "STORAGE")) throw error;
      const { version, sessions } = continued(ahead.spill);
      return { kind: "no-room", version, sessions, spilled: [...held, ahead.spill.session], cause: error };
    }
  }
  for (const { kind, spill, reason } of planned) if (kind === "fork") await keepAsFork(locked, spill, reason);
  // A killed writer may have brought it home and not synced the directory: the file goes once that is durable.
  await locked.store.storage.settle("state");
  for (const { kind, spill } of planned) if (kind !== "fork") await spills.remove(id, spill.session);
  return { kind: ahead === undefined ? "nothing" : "applied" };
}

function continued(spill: ValidSpill): { readonly version: Version; readonly sessions: readonly SessionMark[] } {
  const { decoded: { metadata }, session } = spill;
  return { version: versionIn(spill), sessions: withMark(metadata.sessions ?? [], { session, revision: metadata.revision }) };
}

/** One step: were the store recovered first, that could use the revision of the spill, which would then seem old. */
async function apply(locked: Locked, found: Found, plan: RecoveryPlan, spill: ValidSpill): Promise<void> {
  const { store, id, guard } = locked;
  const quarantined = plan.kind === "usable" ? await keepWhatIsReplaced(locked, plan) : await keepDamaged(locked, found);
  const last = plan.kind === "usable" ? await lastUsed(locked, plan) : await lastNamed(store.storage, id);
  const { version, sessions } = continued(spill);
  const isChanged = version.state !== spill.decoded.state;
  const revision = isChanged || last >= version.revision ? Math.max(last, version.revision) + 1 : version.revision;
  await writeWhole(store, id, { ...version, revision }, guard, sessions);
  const problems = plan.kind === "usable" || plan.kind === "lost" ? plan.problems : [];
  if (problems.length > 0) store.events.emit("recovered", { conversationId: id, revision, source: "fallback", problems, quarantined });
}

/** Of a conversation that has no valid file left but the spill. */
async function keepDamaged({ store, id, guard }: Locked, { snapshot, journal }: Found): Promise<string[]> {
  const damaged = [...(snapshot === undefined ? [] : [snapshotKey(id)]), ...(journal === undefined ? [] : [journalKey(id)])];
  const copies: string[] = [];
  for (const key of damaged) {
    const copy = await copyToQuarantine(store, key, guard);
    if (copy !== undefined) copies.push(copy);
  }
  return copies;
}

/** Under a name made of the session's, so that a crash in the middle leads to the same one again. */
async function keepAsFork({ store, id }: Locked, spill: ValidSpill, reason: string): Promise<void> {
  const { storage, spills, now } = store;
  const forkId = `${id.slice(0, 96)}-spill-${spill.session.slice(-12)}`;
  const attempt = await storage.tryLock(forkId, now());
  if (!attempt.acquired) {
    warn(store, id, `${spill.path} stays for now, since ${forkId} is in use: ${reason}`);
    return;
  }
  try {
    const version = versionIn(spill);
    const parts = new SnapshotParts(version.state, metadataOf(version, forkId, now().toISOString()));
    if (!(await storage.create(snapshotKey(forkId), parts, attempt.lock)) && !(await isKept(store, forkId, version))) {
      warn(store, id, `${spill.path} stays as it is: it is to be kept as ${forkId}, which exists and is another conversation`);
      return;
    }
    await storage.settle("state");
    warn(store, id, `changes that could not be saved to the store are kept as the conversation ${forkId}: ${reason}`);
    await spills?.remove(id, spill.session);
  } catch (error) {
    if (!isDraftstateError(error, "STORAGE")) throw error;
    warn(store, id, `${spill.path} stays for now, since the store cannot be written: ${messageOf(error)}`, error);
  } finally {
    await attempt.lock.release().catch(() => undefined);
  }
}

async function isKept({ storage }: Store, id: string, version: Version): Promise<boolean> {
  const found = await readSnapshot(storage, id);
  return found?.kind === "valid" && jsonEqual(found.state, version.state);
}
