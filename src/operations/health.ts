/** Gathers the facts that health is judged by, through the storage contract alone. A fact that cannot be had says why. */
import { isDraftstateError, messageOf } from "../errors.js";
import { judgeHealth, DEFAULT_LIMITS, type Fact, type Health, type HealthFacts, type HealthLimits } from "../monitoring/health.js";
import type { Area, Storage } from "../storage/storage.js";
import { list } from "./list/list.js";
import { load } from "./load.js";
import type { Store } from "../store/store.js";
import { conversationIds, fromTimestamp, isConversationId, journalKey, parseBackupName, snapshotKey } from "../store/names.js";
import type { Monitor } from "../metrics/monitor.js";
import { pathOfProblem, readMetadataOnly } from "../store/read.js";
import type { Settings } from "../store/settings.js";
import type { Verification } from "./verify/verify.js";

export interface HealthOptions extends Partial<HealthLimits> {
  /** Looks for damage at the ends of the snapshots only, and not at backups: for stores of many gigabytes. */
  readonly quick?: boolean;
}

export interface HealthContext {
  readonly storage: Storage;
  readonly store: Store;
  /** Ids with changes in the fallback directory. */
  readonly spilled: () => Promise<readonly string[]>;
  readonly settings: Settings;
  readonly monitor: Monitor;
  readonly now: () => Date;
  readonly verify: () => Promise<Verification>;
}

const DIRECTORIES: readonly Area[] = ["state", "backup"];

async function fact<T>(gather: () => Promise<T>): Promise<Fact<T>> {
  try {
    return { value: await gather() };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

function directoryOf(storage: Storage, area: Area): string {
  return storage.describe({ area, name: "" }).replace(/(.)[\\/]$/, "$1");
}

async function directories(storage: Storage): Promise<HealthFacts["directories"]> {
  return Promise.all(DIRECTORIES.map(async (area) => ({
    path: directoryOf(storage, area),
    probe: await fact(async () => ((await storage.probe(area)) ? ("writable" as const) : ("missing" as const))),
  })));
}

async function space(storage: Storage) {
  const found = await Promise.all(DIRECTORIES.map(async (area) => {
    const room = await storage.space(area);
    return room === undefined ? [] : [{ path: directoryOf(storage, area), ...room }];
  }));
  return found.flat();
}

async function locks(storage: Storage) {
  const found = (await storage.locks()).filter(({ name }) => isConversationId(name));
  return {
    stale: found.flatMap(({ name, holder, liveness }) => (holder !== undefined && liveness === "dead" ? [{ name, holder: holder.holder, since: holder.since }] : [])),
    unreadable: found.flatMap(({ name, holder }) => (holder === undefined ? [name] : [])),
  };
}

/** Reads the whole only of what the end of its snapshot does not vouch for. */
async function problemsAtTheEnd(store: Store, id: string): Promise<{ path: string; kind: string }[]> {
  const { storage } = store;
  const path = storage.describe(snapshotKey(id));
  try {
    if ((await storage.stat(journalKey(id))) === undefined && (await readMetadataOnly(storage, id)) !== undefined) return [];
    const read = await load(store, id);
    return (read?.problems ?? []).map((problem) => ({ path: pathOfProblem(storage, id, problem), kind: problem.kind }));
  } catch (error) {
    return [{ path, kind: isDraftstateError(error) ? error.code : messageOf(error) }];
  }
}

async function damage({ storage, store, verify }: HealthContext, quick: boolean) {
  const quarantined = (await storage.list("quarantine")).length;
  if (!quick) {
    const { checked, problems } = await verify();
    return { checked, quick, quarantined, problems: problems.map(({ path, kind }) => ({ path, kind })) };
  }
  const ids = conversationIds(await storage.list("state"));
  const problems: { path: string; kind: string }[] = [];
  for (const id of ids) problems.push(...(await problemsAtTheEnd(store, id)));
  return { checked: ids.length, quick, quarantined, problems };
}

async function unsaved({ monitor, now }: HealthContext) {
  const at = now().getTime();
  const own = [...monitor.unsavedSince()].map(([id, since]) => ({ who: `${id} in this process`, ageMs: at - since }));
  const { live } = await monitor.others();
  const others = live.flatMap(({ unsavedSince, holder }) => (unsavedSince === null ? [] : [{ who: holder, ageMs: at - Date.parse(unsavedSince) }]));
  return [...own, ...others];
}

/** A turn that is still streaming gets its backup when it ends. */
async function backups({ storage, store, settings, now }: HealthContext) {
  const enabled = settings.maxBackups > 0;
  if (!enabled) return { enabled, conversations: 0, overdue: [] };
  const newest = new Map<string, number>();
  for (const name of await storage.list("backup")) {
    const backup = parseBackupName(name);
    if (backup === undefined) continue;
    newest.set(backup.conversationId, Math.max(newest.get(backup.conversationId) ?? 0, fromTimestamp(backup.timestamp).getTime()));
  }
  const found = await list(store);
  const overdue = found.flatMap((row) => {
    if (row.error !== undefined || row.status === "streaming" || row.updatedAt === null) return [];
    const backedUp = newest.get(row.conversationId);
    if (backedUp !== undefined && backedUp >= Date.parse(row.updatedAt)) return [];
    const since = backedUp ?? Date.parse(row.createdAt ?? row.updatedAt);
    return [{ id: row.conversationId, ageMs: now().getTime() - since }];
  });
  return { enabled, conversations: found.length, overdue };
}

export async function checkHealth(context: HealthContext, options: HealthOptions = {}): Promise<Health> {
  const { storage, settings } = context;
  const { quick = false, ...limits } = options;
  const facts: HealthFacts = {
    directories: await directories(storage),
    space: await fact(() => space(storage)),
    locks: await fact(() => locks(storage)),
    damage: await fact(() => damage(context, quick)),
    unsaved: await fact(() => unsaved(context)),
    fallback: await fact(async () => ({ directory: settings.fallbackDir, conversations: await context.spilled() })),
    backups: await fact(() => backups(context)),
  };
  return judgeHealth(facts, { ...DEFAULT_LIMITS, ...limits });
}
