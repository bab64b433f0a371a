/**
 * What a person types for a conversation or a LangGraph thread. A thread's id is its program's text: typed whole, or a unique
 * prefix or end of it; `thread:` or `conversation:` before it tells two of one name apart.
 */
import { DraftstateError } from "../../errors.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import type { Kind } from "../../operations/undo/undone.js";
import { compareNewest } from "../../operations/list/list.js";
import { threadNames } from "../../store/names.js";
import { isMeant, ownFirst, placeOf, resolveId } from "./resolve-id.js";

export interface Target {
  readonly kind: Kind;
  readonly id: string;
}

const SHOWN = 5;
const PLAIN = /^[\w.:@+-]+$/;

/** For messages and commands to copy: in quotes where a shell or a reader needs them. */
export function shownId(id: string): string {
  return PLAIN.test(id) ? id : JSON.stringify(id);
}

/** Ids of the threads in the store. One that is so damaged that nothing tells its id is left out: `verify` tells of it. */
export async function threadIds(manager: DraftStatePersistenceManager): Promise<string[]> {
  const names = threadNames(await manager.storage.list("state"));
  const ids = await Promise.all(names.map((name) => manager.threads.idOf(name)));
  return ids.filter((id) => id !== undefined);
}

/** Throws `NOT_FOUND`, `USAGE` where several fit. */
export async function resolveTarget(manager: DraftStatePersistenceManager, wanted: string): Promise<Target> {
  const threads = await threadIds(manager);
  if (threads.length === 0) return { kind: "conversation", id: await resolveId(manager, wanted) };
  const place = placeOf(wanted);
  if (place !== undefined)
    return (await newestFirst(manager))[place] ?? { kind: "conversation", id: await resolveId(manager, wanted) };
  const all: Target[] = [
    ...(await manager.ids()).map((id): Target => ({ kind: "conversation", id })),
    ...threads.map((id): Target => ({ kind: "thread", id })),
  ];
  return pick(all, wanted) ?? { kind: "conversation", id: await resolveId(manager, wanted) };
}

/** In the order of `ls`. */
async function newestFirst(manager: DraftStatePersistenceManager): Promise<Target[]> {
  const { listThreads } = await import("../../operations/graph-threads/list-threads.js");
  const threads = await listThreads(manager.store, await manager.storage.list("state"));
  const rows = ownFirst([...(await manager.list()), ...threads].sort(compareNewest));
  return rows.map(({ kind, conversationId: id }) => ({ kind, id }));
}

/** Undefined where none fits. */
function pick(all: readonly Target[], wanted: string): Target | undefined {
  const exact = all.filter(({ id }) => id === wanted);
  if (exact.length === 1) return exact[0];
  if (exact.length > 1)
    throw new DraftstateError(
      "USAGE",
      `${JSON.stringify(wanted)} is a conversation and a thread: type "conversation:${wanted}" or "thread:${wanted}"`,
    );
  const [, kind, rest] = /^(conversation|thread):(.+)$/s.exec(wanted) ?? [];
  if (kind !== undefined && rest !== undefined) {
    const named = pick(
      all.filter((target) => target.kind === kind),
      rest,
    );
    if (named !== undefined) return named;
  }
  return onlyWith(all, wanted);
}

function onlyWith(all: readonly Target[], part: string): Target | undefined {
  const fits = part === "" ? [] : all.filter(({ id }) => isMeant(id, part));
  if (fits.length < 2) return fits[0];
  const shown = fits.slice(0, SHOWN).map(({ id }) => shownId(id));
  throw new DraftstateError(
    "USAGE",
    `${JSON.stringify(part)} matches ${fits.length} conversations and threads (${shown.join(", ")}${fits.length > SHOWN ? ", …" : ""}): give more characters of the id`,
  );
}
