/** What a person types for a conversation → its id: the full name, a unique prefix, or `@last`. */
import { DraftstateError } from "../errors.js";
import { didYouMean } from "../persistence/nearest.js";
import type { DraftStatePersistenceManager } from "../persistence/manager.js";

const SHOWN = 5;

export async function lastConversation(manager: DraftStatePersistenceManager): Promise<string> {
  const newest = (await manager.list()).find((row) => row.status !== "corrupt");
  if (newest !== undefined) return newest.conversationId;
  throw new DraftstateError("NOT_FOUND", 'there is no conversation yet: begin one with "draftstate chat <prompt>"');
}

export async function resolveId(manager: DraftStatePersistenceManager, wanted: string): Promise<string> {
  if (wanted === "@last") return lastConversation(manager);
  const ids = await manager.ids();
  if (ids.includes(wanted)) return wanted;
  const fits = wanted === "" ? [] : ids.filter((id) => id.startsWith(wanted));
  const [only, ...others] = fits;
  if (only !== undefined && others.length === 0) return only;
  if (only === undefined) throw new DraftstateError("NOT_FOUND", `there is no conversation ${JSON.stringify(wanted)}${didYouMean(wanted, ["@last", ...ids])}: "draftstate ls" lists them`);
  const shown = fits.slice(0, SHOWN).join(", ");
  throw new DraftstateError("USAGE", `${JSON.stringify(wanted)} fits ${fits.length} conversations (${shown}${fits.length > SHOWN ? ", …" : ""}): give more of the id`);
}
