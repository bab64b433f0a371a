/**
 * Backups that hold an edit which was signed (`repair --accept`) and then undone, alone or with what was said on it: a repair, which goes
 * back from the edit, looks for another one first.
 */
import type { RecoveryHead } from "../plan/recovery.js";
import type { Locked } from "../session/recover.js";
import { isStanding, undoLog } from "../store/undo-log.js";

/** `edited`: the revision of the snapshot that was edited. */
export async function holdsUndoneEdit({ store, id }: Locked, edited: number): Promise<(head: RecoveryHead) => boolean> {
  const { records } = store.trash;
  const names = await records.names();
  const operations = await records.operations(id, names);
  const signed = (await undoLog(store.storage, names, id))
    .filter(({ operation }) => operation.kind === "repair" && operation.accept === true)
    .filter((entry) => isStanding(entry, operations))

    .flatMap(({ operation: { revision } }) => (revision === undefined || revision <= edited ? [] : [revision]));
  const first = Math.min(...signed);
  return ({ revision }) => revision !== undefined && revision >= first;
}
