/** Two points of a conversation's history, named as a person names them, as the two states to compare. */
import { jsonEqual, type JsonObject } from "../model/json.js";
import { readBackupVersion, resolveBackup, type Backup } from "../store/backups.js";
import type { Store } from "../store/store.js";
import { listBackups } from "./backups.js";
import { mustLoad } from "./load.js";

export interface ComparedPoint {
  /** A backup's timestamp, or `now`. */
  readonly label: string;
  readonly state: JsonObject;
}

export interface Comparison {
  readonly before: ComparedPoint;
  readonly after: ComparedPoint;
}

async function pointOf({ storage }: Store, backup: Backup): Promise<ComparedPoint> {
  return { label: backup.timestamp, state: (await readBackupVersion(storage, backup)).state };
}

/** Newest backup that differs from now; where none does, now itself: nothing has changed since. */
async function defaultFrom(store: Store, backups: readonly Backup[], now: ComparedPoint): Promise<ComparedPoint> {
  for (const backup of backups) {
    if (!backup.valid) continue;
    const point = await pointOf(store, backup).catch(() => undefined);
    if (point !== undefined && !jsonEqual(point.state, now.state)) return point;
  }
  return now;
}

/** By default from the newest backup that differs to now. Throws `NOT_FOUND`, `CORRUPT`, `USAGE`. */
export async function compare(
  store: Store,
  id: string,
  from: string | undefined,
  to: string | undefined,
): Promise<Comparison> {
  const backups = await listBackups(store, id);
  const present = async (): Promise<ComparedPoint> => ({ label: "now", state: (await mustLoad(store, id)).state });
  const named = (wanted: string): Promise<ComparedPoint> =>
    wanted === "now" ? present() : pointOf(store, resolveBackup(backups, id, wanted));
  const after = to === undefined ? await present() : await named(to);
  const before = from === undefined ? await defaultFrom(store, backups, after) : await named(from);
  return { before, after };
}
