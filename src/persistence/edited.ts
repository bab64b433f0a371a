/**
 * Rows of the list whose file was changed after it was saved. The list is made from the ends of files, which do not tell;
 * but a file's time does not fit then, and only such a file is read as a whole. So an edit is found without reading
 * thousands of files, and a file that was only copied or touched is not taken for one.
 */
import { isDraftstateError } from "../errors.js";
import type { Storage } from "../storage/storage.js";
import type { CatalogueRow } from "./catalogue.js";
import { snapshotKey } from "./layout.js";
import { planRecovery } from "../plan/recovery.js";
import { findConversation, refusal } from "./reader.js";

/** Milliseconds between the time in a file and the file's own that a write takes by itself. A slower one costs a look at the whole file. */
const SLACK = 250;
const AT_ONCE = 32;

async function isSuspect(storage: Storage, row: CatalogueRow): Promise<boolean> {
  const stat = await storage.stat(snapshotKey(row.conversationId));
  return stat !== undefined && row.updatedAt !== null && Math.abs(stat.modifiedAt.getTime() - new Date(row.updatedAt).getTime()) > SLACK;
}

async function checked(storage: Storage, row: CatalogueRow, everything: boolean): Promise<CatalogueRow> {
  if (row.error !== undefined || row.status === "streaming") return row;
  if (!everything && !(await isSuspect(storage, row))) return row;
  const plan = planRecovery(await findConversation(storage, row.conversationId));
  if (plan.kind === "usable" || plan.kind === "absent") return row;
  const { code, message } = refusal(storage, row.conversationId, plan);
  return { ...row, status: "corrupt", error: { code, message } };
}

/** `everything`: each file is read, whatever its time. A row whose file cannot be read stays as it is. */
export async function withEdits(storage: Storage, rows: readonly CatalogueRow[], options: { readonly everything: boolean }): Promise<CatalogueRow[]> {
  const result = [...rows];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < rows.length; index = next++) {
      const row = rows[index];
      if (row === undefined) return;
      result[index] = await checked(storage, row, options.everything).catch((error: unknown) => {
        if (isDraftstateError(error)) return row;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return result;
}
