/**
 * What undoing each operation would change, for a person who is about to do it: read from the records, the copies in
 * the trash and the conversations as they are. Changes nothing and takes no lock; what cannot be read is left out.
 */
import { messagesOf, titleOf } from "../../model/conversation.js";
import { isJsonObject, jsonEqual, type JsonObject } from "../../model/json.js";
import { decodeSnapshot } from "../../snapshot/decode.js";
import { readBackupFile, readBackupHeads } from "../../store/backups.js";
import { load, type LoadedConversation } from "../load.js";
import { undoableOperations } from "../../store/pending.js";
import type { Store } from "../../store/store.js";
import { fromTimestamp } from "../../store/names.js";
import { timeOfStamp, type Operation } from "../../store/trash-record.js";
import type { Threads } from "../../threads/threads.js";
import { previewChanges } from "./thread-preview.js";
import { fitting, type PreviewOptions, type UndoPreview } from "./undone.js";

type Load = (id: string) => Promise<LoadedConversation | undefined>;

function saidAfter(state: JsonObject, at: Date): boolean {
  return messagesOf(state).some(
    (message) =>
      isJsonObject(message) && typeof message["createdAt"] === "string" && new Date(message["createdAt"]) > at,
  );
}

/** The title that comes back where a conversation had none of its own: its first words. */
function titlesOf(
  operation: Operation,
  newer: readonly Operation[],
  now: LoadedConversation | undefined,
): UndoPreview["titles"] {
  if (now === undefined) return undefined;
  const own = titleOf({ state: now.state, info: { createdAt: now.metadata.createdAt } });
  const next = newer.findLast(
    ({ kind, conversationId }) => kind === "rename" && conversationId === operation.conversationId,
  );
  return { from: next === undefined ? now.metadata.title : (next.title ?? own), to: operation.title ?? own };
}

/** Backups of before the operation that hold what is there now: by the newest, undoing loses nothing. */
async function pointHolding({ storage }: Store, id: string, state: JsonObject, before: Date): Promise<string | null> {
  const messageCount = messagesOf(state).length;
  const points = (await readBackupHeads(storage, id)).filter(
    (point) => point.messageCount === messageCount && fromTimestamp(point.timestamp) < before,
  );
  for (const point of points) {
    const decoded = await readBackupFile(storage, point);
    if (decoded?.kind === "valid" && jsonEqual(decoded.state, state)) return point.timestamp;
  }
  return null;
}

async function ofRestore(
  store: Store,
  operation: Operation,
  now: LoadedConversation | undefined,
): Promise<Partial<UndoPreview>> {
  const {
    conversationId: id,
    stamp,
    files: [file],
  } = operation;
  const bytes = file === undefined ? undefined : await store.trash.files.readCopy(stamp, file);
  const before = bytes === undefined ? undefined : decodeSnapshot(bytes, id);
  if (before?.kind !== "valid") return {};
  const { revision } = before.metadata;
  const point = now === undefined ? null : await pointHolding(store, id, now.state, timeOfStamp(stamp));
  // A restore is one revision above what it replaces; going back to a point once more is no change either.
  const changedSince = now !== undefined && now.metadata.revision > revision + 1 && point === null;
  return { restored: { point, messageCount: messagesOf(before.state).length, revision }, changedSince };
}

interface Surroundings {
  readonly newer: readonly Operation[];
  readonly together: readonly string[];
}

async function previewOf(
  store: Store,
  load: Load,
  operation: Operation,
  { newer, together }: Surroundings,
): Promise<UndoPreview> {
  const { kind, conversationId, stamp, files } = operation;
  const at = timeOfStamp(stamp);
  const plain = {
    operation: kind,
    kind: "conversation",
    conversationId,
    at: at.toISOString(),
    files: files.length,
    together,
    changedSince: false,
  } as const;
  if (kind === "rm" || kind === "prune") return plain;
  const now = await load(conversationId);
  if (kind === "restore") return { ...plain, ...(await ofRestore(store, operation, now)) };
  if (kind === "repair") return { ...plain, changedSince: now !== undefined && saidAfter(now.state, at) };
  const titles = titlesOf(operation, newer, now);
  return titles === undefined ? plain : { ...plain, titles };
}

function groupOf({ kind, group }: Operation): string {
  return `${kind} ${group}`;
}

/** The conversations of each command. */
function groupsOf(operations: readonly Operation[]): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>();
  for (const operation of operations)
    groups.set(groupOf(operation), (groups.get(groupOf(operation)) ?? new Set()).add(operation.conversationId));
  return groups;
}

/** In the order of the operations, newest first. */
export async function previewUndos(store: Store, threads: Threads, options: PreviewOptions): Promise<UndoPreview[]> {
  const previews = [...(await ofConversations(store, options)), ...(await previewChanges(threads, options))];
  return previews
    .sort((left, right) => (left.at < right.at ? 1 : left.at > right.at ? -1 : 0))
    .slice(0, options.last === true ? 1 : undefined);
}

async function ofConversations(store: Store, options: PreviewOptions): Promise<UndoPreview[]> {
  const operations = await undoableOperations(store);
  const loaded = new Map<string, Promise<LoadedConversation | undefined>>();
  const loadOnce: Load = (id) => {
    const known = loaded.get(id) ?? load(store, id, { allowEdited: true }).catch(() => undefined);
    loaded.set(id, known);
    return known;
  };
  const wanted = fitting(operations, options).slice(0, options.last === true ? 1 : undefined);
  const previews: UndoPreview[] = [];
  const groups = groupsOf(operations);
  for (const operation of wanted) {
    const together = [...(groups.get(groupOf(operation)) ?? [])].filter((id) => id !== operation.conversationId).sort();
    previews.push(
      await previewOf(store, loadOnce, operation, {
        newer: operations.slice(0, operations.indexOf(operation)),
        together,
      }),
    );
  }
  return previews;
}
