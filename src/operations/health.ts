/**
 * Gathers the facts that health is judged by, through the storage contract alone. A fact that cannot be had says why.
 * Each area is listed once, and what verifies and lists conversations is given the names.
 */
import { isDraftstateError, messageOf } from "../errors.js";
import {
  judgeHealth,
  DEFAULT_LIMITS,
  type Fact,
  type Health,
  type HealthFacts,
  type HealthLimits,
  type ServerFacts,
} from "../monitoring/health.js";
import type { Area, Storage } from "../storage/storage.js";
import type { UnsavedChange } from "../metrics/monitor.js";
import {
  conversationIds,
  fromTimestamp,
  isConversationId,
  journalKey,
  parseBackupName,
  snapshotKey,
  threadOfLock,
} from "../store/names.js";
import { namespaceOfLock } from "../store/item-names.js";
import { listNames, pathOfProblem, readMetadataOnly, type StoreNames } from "../store/read.js";
import type { Settings } from "../store/settings.js";
import type { LoadedConversation } from "./load.js";
import type { CatalogueRow } from "./list/list.js";
import { conflictCopies } from "./verify/conflict-copies.js";
import type { Verification } from "./verify/verification.js";

export interface HealthOptions extends Partial<HealthLimits> {
  /** Looks for damage at the ends of the snapshots only, and not at backups: for stores of many gigabytes. */
  readonly quick?: boolean;
}

export interface HealthContext {
  readonly storage: Storage;
  readonly settings: Pick<Settings, "maxBackups" | "fallbackDir">;
  readonly now: () => Date;
  /** Milliseconds, monotonic. */
  readonly elapsed: () => number;
  /** What is wrong with one conversation; undefined if there is none. */
  readonly load: (id: string) => Promise<Pick<LoadedConversation, "problems"> | undefined>;
  readonly verify: (names: StoreNames) => Promise<Verification>;
  /** The conversations as a list of them shows them. */
  readonly list: (names: StoreNames) => Promise<readonly CatalogueRow[]>;
  /** Ids of conversations that are spilled to the fallback directory. */
  readonly spilled: () => Promise<readonly string[]>;
  readonly unsaved: () => Promise<readonly UnsavedChange[]>;
}

const DIRECTORIES: readonly Area[] = ["state", "backup"];

async function fact<T>(gather: () => Promise<T>): Promise<Fact<T>> {
  try {
    return { value: await gather() };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

/** For messages: where a person would look for what is in the area. */
function placeOf(storage: Storage, area: Area): string {
  return storage.describe({ area, name: "" });
}

async function directories(storage: Storage): Promise<HealthFacts["directories"]> {
  return Promise.all(
    DIRECTORIES.map(async (area) => ({
      place: placeOf(storage, area),
      probe: await fact(async () => ((await storage.probe(area)) ? ("writable" as const) : ("missing" as const))),
    })),
  );
}

async function space(storage: Storage) {
  const found = await Promise.all(
    DIRECTORIES.map(async (area) => {
      const room = await storage.space(area);
      return room === undefined ? [] : [{ place: placeOf(storage, area), ...room }];
    }),
  );
  return found.flat();
}

/** Asked twice: the first answer may have had to wait for a connection. */
async function server(storage: Storage, elapsed: () => number): Promise<ServerFacts> {
  await storage.server?.();
  const began = elapsed();
  const { server = "", tables = [] } = (await storage.server?.()) ?? {};
  return { server, tables, answeredInMs: elapsed() - began };
}

async function locks(storage: Storage) {
  const found = (await storage.locks()).flatMap((lock) => {
    const thread = threadOfLock(lock.name);
    if (thread !== undefined) return [{ ...lock, name: `thread ${thread}` }];
    const namespace = namespaceOfLock(lock.name);
    if (namespace !== undefined) return [{ ...lock, name: `namespace ${namespace}` }];
    return isConversationId(lock.name) ? [lock] : [];
  });
  return {
    stale: found.flatMap(({ name, holder, liveness }) =>
      holder !== undefined && liveness === "dead" ? [{ name, holder: holder.holder, since: holder.since }] : [],
    ),
    unreadable: found.flatMap(({ name, holder }) => (holder === undefined ? [name] : [])),
  };
}

/** Reads the whole only of what the end of its snapshot does not vouch for. */
async function problemsAtTheEnd(
  { storage, load }: HealthContext,
  id: string,
): Promise<{ path: string; kind: string }[]> {
  const path = storage.describe(snapshotKey(id));
  try {
    if ((await storage.stat(journalKey(id))) === undefined && (await readMetadataOnly(storage, id)) !== undefined)
      return [];
    const read = await load(id);
    return (read?.problems ?? []).map((problem) => ({ path: pathOfProblem(storage, id, problem), kind: problem.kind }));
  } catch (error) {
    return [{ path, kind: isDraftstateError(error) ? error.code : messageOf(error) }];
  }
}

async function damage(context: HealthContext, names: () => Promise<StoreNames>, quick: boolean) {
  const { storage, verify } = context;
  const quarantined = (await storage.list("quarantine")).length;
  if (!quick) {
    const { checked, problems } = await verify(await names());
    return { checked, quick, quarantined, problems: problems.map(({ path, kind }) => ({ path, kind })) };
  }
  const listed = await names();
  const ids = conversationIds(listed.state);
  const problems: { path: string; kind: string }[] = (await conflictCopies(storage, listed)).map(({ path, kind }) => ({
    path,
    kind,
  }));
  for (const id of ids) problems.push(...(await problemsAtTheEnd(context, id)));
  return { checked: ids.length, quick, quarantined, problems };
}

/** A turn that is still streaming gets its backup when it ends. */
async function backups({ settings, now, list }: HealthContext, names: () => Promise<StoreNames>) {
  const enabled = settings.maxBackups > 0;
  if (!enabled) return { enabled, conversations: 0, overdue: [] };
  const newest = new Map<string, number>();
  const found = await names();
  for (const name of found.backup) {
    const backup = parseBackupName(name);
    if (backup === undefined) continue;
    newest.set(
      backup.conversationId,
      Math.max(newest.get(backup.conversationId) ?? 0, fromTimestamp(backup.timestamp).getTime()),
    );
  }
  const rows = await list(found);
  const overdue = rows.flatMap((row) => {
    if (row.error !== undefined || row.status === "streaming" || row.updatedAt === null) return [];
    const backedUp = newest.get(row.conversationId);
    if (backedUp !== undefined && backedUp >= Date.parse(row.updatedAt)) return [];
    const since = backedUp ?? Date.parse(row.createdAt ?? row.updatedAt);
    return [{ id: row.conversationId, ageMs: now().getTime() - since }];
  });
  return { enabled, conversations: rows.length, overdue };
}

/** Listed when they are first asked for; all facts are of the same look. */
function namesOnce(storage: Storage): () => Promise<StoreNames> {
  let listed: Promise<StoreNames> | undefined;
  return () => (listed ??= listNames(storage));
}

export async function checkHealth(context: HealthContext, options: HealthOptions = {}): Promise<Health> {
  const { storage, settings, spilled } = context;
  const names = namesOnce(storage);
  const { quick = false, ...limits } = options;
  const facts: HealthFacts = {
    ...(storage.server === undefined ? {} : { server: await fact(() => server(storage, context.elapsed)) }),
    directories: await directories(storage),
    space: await fact(() => space(storage)),
    locks: await fact(() => locks(storage)),
    damage: await fact(() => damage(context, names, quick)),
    unsaved: await fact(context.unsaved),
    fallback: await fact(async () => ({ directory: settings.fallbackDir, conversations: await spilled() })),
    backups: await fact(() => backups(context, names)),
  };
  return judgeHealth(facts, { ...DEFAULT_LIMITS, ...limits });
}
