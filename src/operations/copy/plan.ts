/** Which files a conversation is made of in one store and in another, and what copying them means. Pure. */
import type { Key } from "../../storage/storage.js";
import { backupsById, conversationIds, journalKey, snapshotKey } from "../../store/names.js";
import { conversationIn } from "../../store/trash-record.js";

/** The names in the areas that conversations live in, as one look found them. */
export interface AllNames {
  readonly state: readonly string[];
  readonly backup: readonly string[];
  readonly trash: readonly string[];
}

/**
 * By conversation, in the order in which they are copied: backups, trash, journal, snapshot. A copy that was cut off has no
 * snapshot, and is not taken for the whole.
 */
export function filesById({ state, backup, trash }: AllNames): Map<string, Key[]> {
  const files = new Map<string, Key[]>();
  const add = (id: string, key: Key): void => {
    const known = files.get(id);
    if (known === undefined) files.set(id, [key]);
    else known.push(key);
  };
  for (const [id, backups] of backupsById(backup)) for (const { name } of backups) add(id, { area: "backup", name });
  for (const name of trash) {
    const id = conversationIn(name);
    if (id !== undefined) add(id, { area: "trash", name });
  }
  const present = new Set(state);
  for (const id of conversationIds(state))
    for (const key of [journalKey(id), snapshotKey(id)]) if (present.has(key.name)) add(id, key);
  return files;
}

/** What a target has that the source does not have: it is another conversation, or the same one that went another way. */
export function strangers(source: readonly Key[], target: readonly Key[]): Key[] {
  const known = new Set(source.map(nameOf));
  return target.filter((key) => !known.has(nameOf(key)));
}

export function nameOf({ area, name }: Key): string {
  return `${area}/${name}`;
}
