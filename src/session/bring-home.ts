/**
 * Brings home what sessions spilled while their store could not be written, for a writer that holds the store's lock. What
 * continues the store's history becomes its snapshot; what does not is kept as a conversation of its own. A spill goes once
 * its content is durable in the store; while there is no room it stays, and the session continues from it in memory.
 */
import { DraftstateError, isDraftstateError, messageOf } from "../errors.js";
import { metadataOf, type Version } from "../model/conversation.js";
import { jsonEqual } from "../model/json.js";
import { holdsMark, withMark, type SessionMark } from "../model/sessions.js";
import type { Found, RecoveryPlan } from "../plan/recovery.js";
import { SnapshotParts } from "../snapshot/encode.js";
import { TakenIds } from "../store/taken-ids.js";
import { journalKey, snapshotKey } from "../store/names.js";
import { copyToQuarantine } from "../store/quarantine.js";
import { listIds, readSnapshot } from "../store/read.js";
import { assertNoneNewer, heldBy, planOf, versionIn, type PlannedSpill, type ValidSpill } from "../store/spills.js";
import { warn, type Store } from "../store/store.js";
import { writeWhole } from "../store/write-snapshot.js";
import { keepWhatIsReplaced, lastNamed, lastUsed, type Locked } from "./recover.js";

export type BroughtHome =
  /** There was nothing that continues the store's history. */
  | { readonly kind: "nothing"; readonly kept: readonly string[] }
  /** The store changed: it is to be read again. */
  | { readonly kind: "applied"; readonly kept: readonly string[] }
  /** The store cannot be written: what is to be continued from, and the spills that it holds. */
  | {
      readonly kind: "no-room";
      readonly version: Version;
      readonly sessions: readonly SessionMark[];
      readonly spilled: readonly string[];
      readonly cause: DraftstateError;
    };

/** `kept`: where the spills are that could not be brought home now, neither into the conversation nor as one of their own. Throws `NEWER_VERSION` for a spill of a newer version: it may hold what comes after all that is in the store. */
export async function bringHome(locked: Locked, found: Found, plan: RecoveryPlan): Promise<BroughtHome> {
  const {
    store: { spills },
    id,
  } = locked;
  const all = (await spills?.find(id)) ?? [];
  if (spills === undefined || all.length === 0) return { kind: "nothing", kept: [] };
  assertNoneNewer(all);
  spills.report(all);
  const planned = planOf(all, heldBy(plan));
  const ahead = planned.find(({ decision }) => decision.kind === "apply")?.found;
  if (ahead !== undefined && plan.kind === "absent") await assertNoneLike(locked, ahead);
  const next = ahead === undefined ? undefined : await continued(locked, plan, ahead);
  try {
    if (next !== undefined) await apply(locked, found, plan, next);
  } catch (error) {
    // What would have to go to quarantine first is never continued.
    if (ahead === undefined || next === undefined || !isDraftstateError(error, "STORAGE") || !isUndamaged(plan))
      throw error;
    return { kind: "no-room", ...next, spilled: sessionsHeldBy(ahead.session, planned), cause: error };
  }
  const kept = new Set<string>();
  for (const { decision, found: spill } of planned) {
    if (decision.kind === "fork" && !(await keepAsFork(locked, spill, decision.detail))) kept.add(spill.session);
  }
  // A killed writer may have brought it home and not synced the directory: the file goes once that is durable.
  await locked.store.storage.settle("state");
  for (const { decision, found: spill } of planned) {
    // What a spill that stays is needed for stays as well.
    if (decision.kind === "held" && decision.by !== "store" && kept.has(decision.by.session)) kept.add(spill.session);
  }
  for (const { found: spill } of planned) if (!kept.has(spill.session)) await spills.remove(id, spill.session);
  return {
    kind: ahead === undefined ? "nothing" : "applied",
    kept: planned.flatMap(({ found: { session, path } }) => (kept.has(session) ? [path] : [])),
  };
}

/** What is in a spill alone is new to the store. Throws `INVALID_ID` where its name is another's but for case: the spill stays. */
async function assertNoneLike({ store: { storage }, id }: Locked, { path }: ValidSpill): Promise<void> {
  const like = new TakenIds(await listIds(storage)).lookalike(id);
  if (like === undefined) return;
  throw new DraftstateError(
    "INVALID_ID",
    `conversation ${id}, which is in ${path} alone, differs from ${like} by upper and lower case alone: keep it under another name with manager.fork("${id}", { newId }), or remove it with manager.remove("${id}", { purge: true })`,
    { path },
  );
}

/** The spill that the session continues from, and those that it holds: all go once the store has their content. */
function sessionsHeldBy(session: string, planned: readonly PlannedSpill[]): string[] {
  const held = new Set([session]);
  // In the order of their revisions: what one holds stands before it.
  for (const { decision, found } of [...planned].reverse()) {
    if (decision.kind === "held" && (decision.by === "store" || held.has(decision.by.session))) held.add(found.session);
  }
  return [...held];
}

function isUndamaged(plan: RecoveryPlan): boolean {
  return (
    plan.kind === "absent" ||
    (plan.kind === "usable" && plan.quarantine.length === 0 && plan.migratedFrom === undefined)
  );
}

interface Continued {
  readonly version: Version;
  readonly sessions: readonly SessionMark[];
}

/** What follows the spill, in the store or in memory: its revision, or the next where that is another state's. */
async function continued(locked: Locked, plan: RecoveryPlan, spill: ValidSpill): Promise<Continued> {
  const {
    decoded: { metadata, state },
    session,
  } = spill;
  const last = plan.kind === "usable" ? await lastUsed(locked, plan) : await lastNamed(locked.store.storage, locked.id);
  const version = versionIn(spill);
  const isChanged = version.state !== state;
  const revision = isChanged || last >= version.revision ? Math.max(last, version.revision) + 1 : version.revision;
  return {
    version: { ...version, revision },
    sessions: withMark(metadata.sessions ?? [], { session, revision: metadata.revision }),
  };
}

/** One step: were the store recovered first, that could use the revision of the spill, which would then seem old. */
async function apply(
  locked: Locked,
  found: Found,
  plan: RecoveryPlan,
  { version, sessions }: Continued,
): Promise<void> {
  const { store, id, guard } = locked;
  const quarantined =
    plan.kind === "usable" ? await keepWhatIsReplaced(locked, plan) : await keepDamaged(locked, found);
  await writeWhole(store, id, version, guard, sessions);
  const problems = plan.kind === "usable" || plan.kind === "lost" ? plan.problems : [];
  if (problems.length > 0)
    store.events.emit("recovered", {
      conversationId: id,
      revision: version.revision,
      source: "fallback",
      problems,
      quarantined,
    });
}

/** Of a conversation that has no valid file left but the spill. */
async function keepDamaged({ store, id, guard }: Locked, { snapshot, journal }: Found): Promise<string[]> {
  const damaged = [
    ...(snapshot === undefined ? [] : [snapshotKey(id)]),
    ...(journal === undefined ? [] : [journalKey(id)]),
  ];
  const copies: string[] = [];
  for (const key of damaged) {
    const copy = await copyToQuarantine(store, key, guard);
    if (copy !== undefined) copies.push(copy);
  }
  return copies;
}

/** How many names are tried. Where another conversation has the name, such as a fork that lost its mark, the next is tried. */
const MAX_FORK_NAMES = 9;

/** Under names made of the session's, so that a crash in the middle leads to the same one again. False where the spill stays. */
async function keepAsFork(locked: Locked, spill: ValidSpill, reason: string): Promise<boolean> {
  const name = `${locked.id.slice(0, 96)}-spill-${spill.session.slice(-12)}`;
  for (let number = 1; number <= MAX_FORK_NAMES; number += 1) {
    const outcome = await keepAs(locked, number === 1 ? name : `${name}-${number}`, spill, reason);
    if (outcome !== "taken") return outcome === "kept";
  }
  warn(
    locked.store,
    locked.id,
    `${spill.path} stays as it is: it is to be kept as ${name}, which exists and is another conversation`,
  );
  return false;
}

async function keepAs(
  { store, id }: Locked,
  forkId: string,
  spill: ValidSpill,
  reason: string,
): Promise<"kept" | "taken" | "stays"> {
  const { storage, now, locks } = store;
  const attempt = await locks.try(forkId);
  if (!attempt.acquired) {
    warn(store, id, `${spill.path} stays for now, since ${forkId} is in use: ${reason}`);
    return "stays";
  }
  try {
    // A writer that was killed over the same fork.
    if (attempt.takenOverFrom !== undefined) await storage.sweep(forkId);
    const version = versionIn(spill);
    const { sessions } = spill.decoded.metadata;
    const parts = new SnapshotParts(version.state, metadataOf(version, forkId, now().toISOString(), sessions));
    if (!(await storage.create(snapshotKey(forkId), parts, attempt.lock)) && !(await isKept(store, forkId, spill)))
      return "taken";
    warn(store, id, `changes that could not be saved to the store are kept as the conversation ${forkId}: ${reason}`);
    return "kept";
  } catch (error) {
    if (!isDraftstateError(error, "STORAGE")) throw error;
    warn(store, id, `${spill.path} stays for now, since the store cannot be written: ${messageOf(error)}`, error);
    return "stays";
  } finally {
    await locks.release(attempt.lock);
  }
}

/** By its marks, whatever became of the fork since; forks of earlier versions have none, and are known by their state alone. */
async function isKept({ storage }: Store, id: string, spill: ValidSpill): Promise<boolean> {
  const found = await readSnapshot(storage, id);
  if (found?.kind !== "valid") return false;
  const {
    session,
    decoded: { metadata },
  } = spill;
  return (
    (found.metadata.createdAt === metadata.createdAt &&
      holdsMark(found.metadata.sessions ?? [], { session, revision: metadata.revision })) ||
    jsonEqual(found.state, versionIn(spill).state)
  );
}
