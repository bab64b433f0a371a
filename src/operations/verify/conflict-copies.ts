/** Second copies of our files that sync tools made: what each is, and the way out. */
import type { Area, Storage } from "../../storage/storage.js";
import { parseConflictCopy, type ConflictCopy } from "../../store/conflict-copies.js";
import { conversationIds, parseBackupName, parseSegmentName, parseSpillName, threadIdOf } from "../../store/names.js";
import type { StoreNames } from "../../store/read.js";
import type { VerifiedProblem } from "./verification.js";

/** Of all conversations and threads, or of one conversation. */
export function conflictCopies(storage: Storage, names: StoreNames, id?: string): VerifiedProblem[] {
  const taken = new Set(conversationIds(names.state));
  const found = (["state", "backup"] as const).flatMap((area) => copiesIn(storage, area, names[area], taken));
  return id === undefined ? found : found.filter(({ conversationId }) => conversationId === id);
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
function copiesIn(storage: Storage, area: Area, names: readonly string[], taken: Set<string>): VerifiedProblem[] {
  const present = new Set(names);
  return names.flatMap((name) => {
    const copy = parseConflictCopy(name);
    if (copy === undefined || (!copy.isSure && !present.has(copy.of))) return [];
    const owner = ownerOf(copy.of);
    if (owner === undefined) return [];
    const way = name.endsWith(".json") ? importOf(storage.describe({ area, name }), freeId(owner, taken)) : REMOVE;
    return [problemOf(copy, owner, storage.describe({ area, name }), way)];
  });
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
  for (let count = 1; ; count += 1) {
    const id = count === 1 ? `${owner}-copy` : `${owner}-copy-${count}`;
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
