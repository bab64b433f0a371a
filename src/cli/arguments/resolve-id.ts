/** What a person types for a conversation → its id: the full id, a unique prefix or suffix, `@last`, or `@2` for the third newest. */
import { DraftstateError } from "../../errors.js";
import type { CatalogueRow } from "../../operations/list/list.js";
import { didYouMean } from "../../store/nearest.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { threadNames } from "../../store/names.js";

const SHOWN = 5;

/** Generated ids differ at their end. */
const SHORTEST_SUFFIX = 3;

export async function lastConversation(manager: DraftStatePersistenceManager): Promise<string> {
  const [newest] = await newestFirst(manager);
  if (newest !== undefined) return newest;
  throw new DraftstateError("NOT_FOUND", 'no conversations yet: start one with "draftstate chat <prompt>"');
}

async function newestFirst(manager: DraftStatePersistenceManager): Promise<string[]> {
  return ownFirst(await manager.list()).map(({ conversationId }) => conversationId);
}

/** What was only imported was not the last that anybody had here: it comes behind. */
export function ownFirst(listed: readonly CatalogueRow[]): CatalogueRow[] {
  const rows = listed.filter((row) => row.status !== "corrupt");
  return [...rows.filter((row) => !row.imported), ...rows.filter((row) => row.imported)];
}

/** The place that `@last` or `@2` (the third newest) names; undefined for anything else. */
export function placeOf(wanted: string): number | undefined {
  if (wanted === "@last") return 0;
  return wanted.startsWith("@") && PLACE.test(wanted.slice(1)) ? Number(wanted.slice(1)) : undefined;
}

/** `@2`: the third newest. */
async function atPlace(manager: DraftStatePersistenceManager, place: string): Promise<string> {
  const ids = await newestFirst(manager);
  const found = ids[Number(place)];
  if (found !== undefined) return found;
  throw new DraftstateError(
    "NOT_FOUND",
    `@${place} is past the oldest of ${ids.length} ${ids.length === 1 ? "conversation" : "conversations"}: "draftstate ls" lists them`,
  );
}

/** A prefix, or the end. */
export function isMeant(id: string, wanted: string): boolean {
  return id.startsWith(wanted) || (wanted.length >= SHORTEST_SUFFIX && id.endsWith(wanted));
}

export async function resolveId(manager: DraftStatePersistenceManager, wanted: string): Promise<string> {
  if (wanted === "@last") return lastConversation(manager);
  if (wanted.startsWith("@") && PLACE.test(wanted.slice(1))) return atPlace(manager, wanted.slice(1));
  const ids = await manager.ids();
  if (ids.includes(wanted)) return wanted;
  const fits = wanted === "" ? [] : ids.filter((id) => isMeant(id, wanted));
  const [only, ...others] = fits;
  if (only !== undefined && others.length === 0) return only;
  if (only === undefined) await refuseThread(manager, wanted);
  if (only === undefined)
    throw new DraftstateError(
      "NOT_FOUND",
      `there is no conversation ${JSON.stringify(wanted)}${didYouMean(wanted, ["@last", ...ids])}: "draftstate ls" lists them`,
    );
  const shown = fits.slice(0, SHOWN).join(", ");
  throw new DraftstateError(
    "USAGE",
    `${JSON.stringify(wanted)} matches ${fits.length} conversations (${shown}${fits.length > SHOWN ? ", …" : ""}): give more characters of the id`,
  );
}

/** A thread is no conversation: what continues it is its graph. */
async function refuseThread(manager: DraftStatePersistenceManager, wanted: string): Promise<void> {
  const names = threadNames(await manager.storage.list("state"));
  for (const name of names) {
    const id = await manager.threads.idOf(name);
    if (id === undefined || wanted === "" || !(id === wanted || `thread:${id}` === wanted)) continue;
    throw new DraftstateError(
      "USAGE",
      `${JSON.stringify(id)} is a thread of a LangGraph graph, which this command cannot use: its graph continues it ({ configurable: { thread_id: ${JSON.stringify(id)} } }); "draftstate show" prints it, "draftstate restore --backup" goes back to a checkpoint`,
    );
  }
}

/** A place in the list, as in `tale@2`: no timestamp begins like that. */
const PLACE = /^\d{1,3}$/;

/** `tale@2`, `tale@~2`, `tale@latest`: the conversation and the backup. `@last` alone is a conversation. Throws `USAGE` if nothing follows the `@`. */
export function splitPoint(spec: string): { readonly wanted: string; readonly point: string | undefined } {
  const at = spec.indexOf("@", 1);
  if (at === -1) return { wanted: spec, point: undefined };
  const point = spec.slice(at + 1);
  if (point === "") throw new DraftstateError("USAGE", `${spec} names no backup after the "@"`);
  return { wanted: spec.slice(0, at), point: PLACE.test(point) ? `@${point}` : point };
}
