/** Second copies of our files that sync tools made: what each is, and the way out. */
import type { Area, Storage } from "../../storage/storage.js";
import { parseConflictCopy, type ConflictCopy } from "../../store/conflict-copies.js";
import { conversationIds, parseBackupName, parseSegmentName, parseSpillName, threadIdOf } from "../../store/names.js";
import type { StoreNames } from "../../store/read.js";
import type { VerifiedProblem } from "./verification.js";

/** Of all conversations and threads, or of one conversation. */
export function conflictCopies(storage: Storage, names: StoreNames, id?: string): VerifiedProblem[] {
  const found = (["state", "backup"] as const).flatMap((area) => copiesIn(storage, area, names[area]));
  return id === undefined ? found : found.filter(({ conversationId }) => conversationId === id);
}

function copiesIn(storage: Storage, area: Area, names: readonly string[]): VerifiedProblem[] {
  const present = new Set(names);
  return names.flatMap((name) => {
    const copy = parseConflictCopy(name);
    if (copy === undefined || (!copy.isSure && !present.has(copy.of))) return [];
    const owner = ownerOf(copy.of);
    return owner === undefined ? [] : [problemOf(copy, owner, storage.describe({ area, name }))];
  });
}

/** Undefined where it is a copy of no file of ours. */
function ownerOf(name: string): string | undefined {
  const thread = parseSegmentName(name)?.thread;
  if (thread !== undefined) return threadIdOf(thread) ?? thread;
  return (parseBackupName(name) ?? parseSpillName(name))?.conversationId ?? conversationIds([name])[0];
}

function problemOf({ of, maker, name }: ConflictCopy, conversationId: string, path: string): VerifiedProblem {
  const way = name.endsWith(".json")
    ? `keep it as a conversation of its own (readImport(${JSON.stringify(path)}), manager.import() as ${JSON.stringify(`${conversationId}-copy`)}), or remove the file`
    : "remove the file once you know that nothing in it is missed: it cannot be imported";
  return {
    conversationId,
    path,
    kind: "conflict-copy",
    detail: `a copy of ${of} by ${maker}, made where two machines changed it or someone copied it; it is not used: ${way}`,
    repairable: false,
  };
}
