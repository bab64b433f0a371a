/** Second copies of our files that sync tools made: what each is, and the way out. */
import type { Area, Key, Storage } from "../../storage/storage.js";
import { decodeMetadataEnd } from "../../snapshot/decode.js";
import { METADATA_END_BYTES } from "../../store/backups.js";
import { parseConflictCopy, type ConflictCopy } from "../../store/conflict-copies.js";
import {
  conversationIds,
  knownIds,
  parseBackupName,
  parseSegmentName,
  parseSpillName,
  threadIdOf,
} from "../../store/names.js";
import type { StoreNames } from "../../store/read.js";
import type { VerifiedProblem } from "./verification.js";

/** Of all conversations and threads, or of one conversation. */
export async function conflictCopies(storage: Storage, names: StoreNames, id?: string): Promise<VerifiedProblem[]> {
  const taken = new Set(knownIds(names.state, names.backup));
  const found = [
    ...(await copiesIn(storage, "state", names.state, taken)),
    ...(await copiesIn(storage, "backup", names.backup, taken)),
  ];
  return id === undefined ? found : found.filter(({ conversationId }) => conversationId === id);
}

/** Conversations that have only second copies left. */
export async function onlyCopiesLeft(storage: Storage, names: StoreNames): Promise<VerifiedProblem[]> {
  const known = new Set(knownIds(names.state, names.backup));
  const snapshots = names.state.filter((name) => name.endsWith(".json"));
  const found = await copiesIn(storage, "state", snapshots, new Set(known));
  return found.filter(({ conversationId }) => !known.has(conversationId));
}

/** Where second copies of files of these conversations or threads are, for messages; also once what they are copies of is gone. */
export function copiesOf(storage: Storage, names: StoreNames, ids: ReadonlySet<string>): string[] {
  return (["state", "backup"] as const).flatMap((area) =>
    names[area]
      .filter((name) => ids.has(ownerOf(parseConflictCopy(name)?.of ?? "") ?? ""))
      .map((name) => storage.describe({ area, name })),
  );
}

/** `taken` grows: each copy is offered an id of its own. */
async function copiesIn(
  storage: Storage,
  area: Area,
  names: readonly string[],
  taken: Set<string>,
): Promise<VerifiedProblem[]> {
  const present = new Set(names);
  const problems: VerifiedProblem[] = [];
  for (const name of names) {
    const copy = parseConflictCopy(name);
    const owner = copy === undefined ? undefined : ownerOf(copy.of);
    if (copy === undefined || owner === undefined) continue;
    const isCopy = copy.isSure || present.has(copy.of) || (await isSnapshotOf(storage, { area, name }, owner));
    if (!isCopy) continue;
    const way = name.endsWith(".json") ? importOf(storage.describe({ area, name }), freeId(owner, taken)) : REMOVE;
    problems.push(problemOf(copy, owner, storage.describe({ area, name }), way));
  }
  return problems;
}

/** Of a file that may be anybody's, since what it may be a copy of is gone: its content tells. */
async function isSnapshotOf(storage: Storage, key: Key, owner: string): Promise<boolean> {
  if (key.area !== "state" || !key.name.endsWith(".json")) return false;
  const end = await storage.readEnd(key, METADATA_END_BYTES).catch(() => undefined);
  return end !== undefined && decodeMetadataEnd(end.bytes)?.conversationId === owner;
}

/** Undefined where it is a copy of no file of ours. */
function ownerOf(name: string): string | undefined {
  const thread = parseSegmentName(name)?.thread;
  if (thread !== undefined) return threadIdOf(thread) ?? thread;
  return (parseBackupName(name) ?? parseSpillName(name))?.conversationId ?? conversationIds([name])[0];
}

const REMOVE = "remove the file once you know that nothing in it is missed: it cannot be imported";

function importOf(path: string, id: string): string {
  return `keep it as a conversation of its own (readImport(${JSON.stringify(path)}), manager.import() as ${JSON.stringify(id)}), or remove the file`;
}

function freeId(owner: string, taken: Set<string>): string {
  for (let count = 0; ; count += 1) {
    const id = count === 0 ? owner : count === 1 ? `${owner}-copy` : `${owner}-copy-${count}`;
    if (taken.has(id)) continue;
    taken.add(id);
    return id;
  }
}

function problemOf({ of, maker }: ConflictCopy, conversationId: string, path: string, way: string): VerifiedProblem {
  return {
    conversationId,
    path,
    kind: "conflict-copy",
    detail: `a copy of ${of} by ${maker}, made where two machines changed it or someone copied it; it is not used: ${way}`,
    repairable: false,
  };
}
