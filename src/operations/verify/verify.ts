/** Looks at every file of a conversation and says what is wrong with it: the recovery plan, printed and not carried out. */
import { isDraftstateError } from "../../errors.js";
import { planRecovery } from "../../plan/recovery.js";
import { problemOf, readBackupFile } from "../../store/backups.js";
import type { OnProgress } from "../../store/events.js";
import { namespacesIn } from "../../store/item-names.js";
import { mapAtOnce } from "../../store/map-at-once.js";
import {
  backupKey,
  backupsById,
  journalKey,
  knownIds,
  snapshotKey,
  threadNames,
  type BackupName,
} from "../../store/names.js";
import { findConversation, listNames, pathOfProblem, type StoreNames } from "../../store/read.js";
import type { Store } from "../../store/store.js";
import { withSpilledIds } from "../load.js";
import { conflictCopies } from "./conflict-copies.js";
import type { Verification, VerifiedProblem } from "./verification.js";
import { verifyNamespaces } from "./verify-namespaces.js";
import { verifyThreads } from "./verify-threads.js";
import type { FileToCheck, FindWholeFiles } from "./whole-files.js";

/** How many conversations are under way: what one waits for from the disk, another is parsed and hashed in. */
const AT_ONCE = 8;

/** A file that cannot be read, or a journal that is not a file or too large to be one of ours, is a problem of this conversation and hides no other. */
async function verifyOne(store: Store, id: string, backupNames: readonly BackupName[]): Promise<Verification> {
  try {
    return await verifyReadable(store, id, backupNames);
  } catch (error) {
    const isUnreadable = isDraftstateError(error, "STORAGE");
    if (!isUnreadable && !isDraftstateError(error, "CORRUPT")) throw error;
    const path = error.path ?? store.storage.describe(journalKey(id));
    return {
      checked: 1,
      ok: false,
      problems: [
        {
          conversationId: id,
          path,
          kind: isUnreadable ? "unreadable" : "journal-damaged",
          detail: error.message,
          repairable: false,
        },
      ],
    };
  }
}

async function verifyReadable(store: Store, id: string, backupNames: readonly BackupName[]): Promise<Verification> {
  const { storage } = store;
  const isLiveBefore = (await storage.lockHolder(id)) !== undefined;
  const found = await findConversation(storage, id);
  const plan = planRecovery(found);
  const problems: VerifiedProblem[] = [];
  if (plan.kind !== "absent" && plan.problems.length > 0) {
    // Also one that ended meanwhile: what looked torn was being written.
    const isLive = isLiveBefore || (await storage.lockHolder(id)) !== undefined;
    for (const problem of plan.problems) {
      if (isLive && problem.kind === "journal-torn") continue;
      const path = pathOfProblem(storage, id, problem);
      problems.push({
        conversationId: id,
        path,
        kind: problem.kind,
        detail: problem.detail,
        repairable: plan.kind !== "lost" && plan.kind !== "newer",
      });
    }
  }
  let checked = (found.snapshot === undefined ? 0 : 1) + (found.journal === undefined ? 0 : 1);
  for (const name of backupNames) {
    const decoded = await readBackupFile(storage, name);
    if (decoded === undefined) continue;
    checked += 1;
    const path = storage.describe(backupKey(name));
    if (decoded.kind === "valid" || problems.some((problem) => problem.path === path)) continue;
    problems.push({
      conversationId: id,
      path,
      kind: decoded.kind === "newer" ? "backup-newer" : "backup-damaged",
      detail: problemOf(decoded) ?? "it is damaged",
      // It goes to quarantine.
      repairable: decoded.kind === "damaged" && plan.kind === "usable",
    });
  }
  const spills = await verifySpills(store, id);
  return {
    checked: checked + spills.checked,
    ok: problems.length + spills.problems.length === 0,
    problems: [...problems, ...spills.problems],
  };
}

async function verifySpills(store: Store, id: string): Promise<Pick<Verification, "checked" | "problems">> {
  const spills = (await store.spills?.find(id)) ?? [];
  const problems = spills.flatMap(({ path, decoded }): VerifiedProblem[] => {
    if (decoded.kind === "valid") return [];
    return [
      {
        conversationId: id,
        path,
        kind: decoded.kind === "newer" ? "spill-newer" : "spill-damaged",
        detail: decoded.detail,
        repairable: false,
      },
    ];
  });
  return { checked: spills.length, problems };
}

export interface VerifyOptions {
  /** Where the store was listed already. */
  readonly names?: StoreNames | undefined;
  readonly id?: string | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Where the files can be had by their paths. */
  readonly findWholeFiles?: FindWholeFiles | undefined;
}

interface Listed {
  readonly ids: readonly string[];
  readonly stateNames: ReadonlySet<string>;
  readonly backups: ReadonlyMap<string, readonly BackupName[]>;
}

/** Every conversation, thread and namespace that has a file, or the one conversation. */
export async function verify(store: Store, options: VerifyOptions = {}): Promise<Verification> {
  const { id, onProgress } = options;
  const names = options.names ?? (await listNames(store.storage));
  const { state: stateNames, backup: backupNames } = names;
  const ids = id === undefined ? await withSpilledIds(store, knownIds(stateNames, backupNames)) : [id];
  const listed: Listed = { ids, stateNames: new Set(stateNames), backups: backupsById(backupNames) };
  const whole = await verifiedWhole(store, listed, options);
  const rest = listed.ids.filter((each) => !whole.has(each));
  const threads = id === undefined ? threadNames(stateNames) : [];
  const namespaces = id === undefined ? namespacesIn(stateNames) : [];
  const total = listed.ids.length + threads.length + namespaces.length;
  let count = whole.size;
  const results = await mapAtOnce(rest, AT_ONCE, async (each) => {
    const result = await verifyOne(store, each, listed.backups.get(each) ?? []);
    onProgress?.((count += 1), total);
    return result;
  });
  const done = (): void => onProgress?.((count += 1), total);
  const others = id === undefined ? stateNames : [];
  const ofThreads = await verifyThreads(store.storage, others, done);
  const ofNamespaces = await verifyNamespaces(store.storage, others, done);
  const problems = [
    ...results.flatMap((result) => result.problems),
    ...ofThreads.problems,
    ...ofNamespaces.problems,
    ...(await conflictCopies(store.storage, names, id)),
  ];
  return {
    checked: [...whole.values(), ...results.map(({ checked }) => checked)].reduce(
      (sum, checked) => sum + checked,
      ofThreads.checked + ofNamespaces.checked,
    ),
    ok: problems.length === 0,
    problems,
  };
}

/** Conversations of a snapshot and backups that are all whole, with how many files they are: nothing is to be said of them. */
async function verifiedWhole(
  { storage, spills }: Store,
  { ids, stateNames, backups }: Listed,
  { findWholeFiles, onProgress }: VerifyOptions,
): Promise<Map<string, number>> {
  if (findWholeFiles === undefined || storage.pathOf === undefined) return new Map();
  const pathOf = storage.pathOf.bind(storage);
  const spilled = new Set(await spills?.ids());
  const simple = ids.filter(
    (id) => stateNames.has(snapshotKey(id).name) && !stateNames.has(journalKey(id).name) && !spilled.has(id),
  );
  const filesOf = (id: string): FileToCheck[] => [
    { path: pathOf(snapshotKey(id)), conversationId: id, compression: "none" },
    ...(backups.get(id) ?? []).map((name): FileToCheck => ({
      path: pathOf(backupKey(name)),
      conversationId: id,
      compression: name.compression,
    })),
  ];
  const files = simple.flatMap(filesOf);
  const whole = await findWholeFiles(files, (count) =>
    onProgress?.(Math.floor((count / files.length) * simple.length), ids.length),
  );
  if (whole === undefined) return new Map();
  return new Map(
    simple.flatMap((id) =>
      filesOf(id).every(({ path }) => whole.has(path)) ? [[id, filesOf(id).length] as const] : [],
    ),
  );
}
