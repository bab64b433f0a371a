/** Two points of a conversation's history, named as a person names them, as the two states to compare. */
import { jsonEqual, type JsonObject } from "../model/json.js";
import type { Storage } from "../storage/storage.js";
import { contentOf, listBackups, resolveBackup, type Backup } from "../store/backups.js";

export interface ComparedPoint {
  /** A backup's timestamp, or `now`. */
  readonly label: string;
  readonly state: JsonObject;
}

export interface Comparison {
  readonly before: ComparedPoint;
  readonly after: ComparedPoint;
}

function pointOf(backup: Backup): ComparedPoint {
  return { label: backup.timestamp, state: contentOf(backup).state };
}

/** Newest backup that differs from now; where none does, now itself: nothing has changed since. */
function defaultFrom(backups: readonly Backup[], now: ComparedPoint): ComparedPoint {
  const differing = backups.find((backup) => backup.valid && !jsonEqual(contentOf(backup).state, now.state));
  return differing === undefined ? now : pointOf(differing);
}

export async function comparePoints(
  storage: Storage,
  id: string,
  from: string | undefined,
  to: string | undefined,
  loadNow: () => Promise<JsonObject>,
): Promise<Comparison> {
  const backups = await listBackups(storage, id);
  const named = (wanted: string): Promise<ComparedPoint> | ComparedPoint => (wanted === "now" ? present() : pointOf(resolveBackup(backups, id, wanted)));
  const present = async (): Promise<ComparedPoint> => ({ label: "now", state: await loadNow() });
  const after = to === undefined ? await present() : await named(to);
  const before = from === undefined ? defaultFrom(backups, after) : await named(from);
  return { before, after };
}
