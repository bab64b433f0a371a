/**
 * A conversation as every reader sees it: the newest version, be it in the store or in a spill that is ahead of it, an answer
 * whose writer died interrupted. Takes no lock.
 */
import { metadataOf, type Metadata, type Version } from "../model/conversation.js";
import type { JsonObject } from "../model/json.js";
import { conforming, type StateSchema } from "../model/schema.js";
import type { Problem, RecoveryPlan } from "../plan/recovery.js";
import type { LockHolder } from "../storage/storage.js";
import { versionOf } from "../snapshot/decode.js";
import { interruptedVersion, isNotThere, lastChange, readPlan, refusal } from "../store/read.js";
import { assertNoneNewer, heldBy, spillAhead, versionIn, type FoundSpill, type ValidSpill } from "../store/spills.js";
import type { Store } from "../store/store.js";

export interface LoadedConversation {
  readonly conversationId: string;
  readonly state: JsonObject;
  readonly metadata: Metadata;
  /** The process that writes it now. */
  readonly owner: LockHolder | undefined;
  readonly problems: readonly Problem[];
  /** The snapshot was edited by hand or damaged: only ever shown, with a warning. */
  readonly edited: boolean;
  /** Where the changes are that are not in the store yet, for messages. */
  readonly spilledTo?: string;
}

export interface LoadOptions {
  /** Shows an edited one as it is, with `edited` set. */
  readonly allowEdited?: boolean;
  /** The spills of this conversation, where they are known. */
  readonly spills?: readonly FoundSpill[];
}

/** Undefined if there is none. Throws `CORRUPT`, `NEWER_VERSION`, `STORAGE`; never gives half. */
export async function load(
  store: Store,
  id: string,
  options: LoadOptions = {},
): Promise<LoadedConversation | undefined> {
  const { storage } = store;
  const holderBefore = await storage.lockHolder(id);
  const plan = await readPlan(storage, id);
  const all = options.spills ?? (await store.spills?.find(id)) ?? [];
  assertNoneNewer(all);
  const spilled = spillOf(all, plan);
  const owner = holderBefore ?? (await storage.lockHolder(id));
  if (spilled !== undefined) return asSpilled(id, spilled, owner);
  if (plan.kind === "absent") return (await isNotThere(storage, id)) ? undefined : load(store, id, options);
  if (plan.kind === "edited") return asEdited(store, id, plan, owner, options);
  if (plan.kind !== "usable") throw refusal(storage, id, plan);
  const version = owner === undefined ? interruptedVersion(plan) : plan.version;
  // While its writer lives, an unfinished last record is one that is being written.
  const problems =
    owner === undefined ? plan.problems : plan.problems.filter((problem) => problem.kind !== "journal-torn");
  return { ...shown(id, version, lastChange(plan)), owner, problems, edited: false };
}

/** The one that is ahead of the store; what was edited, or is newer, is not decided by a reader. */
function spillOf(spills: readonly FoundSpill[], plan: RecoveryPlan): ValidSpill | undefined {
  return spills.length === 0 || plan.kind === "edited" || plan.kind === "newer"
    ? undefined
    : spillAhead(spills, heldBy(plan));
}

function shown(
  id: string,
  version: Version,
  savedAt: string,
): Pick<LoadedConversation, "conversationId" | "state" | "metadata"> {
  return { conversationId: id, state: version.state, metadata: metadataOf(version, id, savedAt) };
}

function asSpilled(id: string, spill: ValidSpill, owner: LockHolder | undefined): LoadedConversation {
  const { state, metadata } = spill.decoded;
  const version = owner === undefined ? versionIn(spill) : versionOf({ kind: "valid", state, metadata });
  return { ...shown(id, version, metadata.savedAt), owner, problems: [], edited: false, spilledTo: spill.path };
}

function asEdited(
  { storage }: Store,
  id: string,
  plan: Extract<RecoveryPlan, { kind: "edited" }>,
  owner: LockHolder | undefined,
  { allowEdited = false }: LoadOptions,
): LoadedConversation {
  if (!allowEdited) throw refusal(storage, id, plan);
  return { ...shown(id, plan.version, plan.version.info.createdAt), owner, problems: plan.problems, edited: true };
}

/** Throws `NOT_FOUND` if there is none. */
export async function mustLoad(store: Store, id: string, options?: LoadOptions): Promise<LoadedConversation> {
  const loaded = await load(store, id, options);
  if (loaded === undefined) throw refusal(store.storage, id, { kind: "absent" });
  return loaded;
}

/** Null if there is none. Throws `INVALID_STATE` for what the schema refuses. */
export async function loadState(store: Store, id: string, schema: StateSchema | undefined): Promise<JsonObject | null> {
  const loaded = await load(store, id);
  if (loaded === undefined) return null;
  return schema === undefined ? loaded.state : conforming(schema, loaded.state, `conversation ${id}`);
}

export async function spilledIds({ spills }: Store): Promise<readonly string[]> {
  return (await spills?.ids()) ?? [];
}

/** Of every conversation that has a file, be it only a backup or a spill; sorted. */
export async function withSpilledIds(store: Store, ids: readonly string[]): Promise<string[]> {
  const spilled = await spilledIds(store);
  return spilled.length === 0 ? [...ids] : [...new Set([...ids, ...spilled])].sort();
}
