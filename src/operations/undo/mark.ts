/** What a conversation is, in a few characters: by its revision, or by its files where no revision can be told. */
import { digestOf } from "../../snapshot/checksum.js";
import { journalKey, snapshotKey } from "../../store/names.js";
import { MAX_FILE_BYTES } from "../../store/codec.js";
import { readPlan } from "../../store/read.js";
import { ABSENT, markOfRevision } from "../../store/redo-record.js";
import type { Store } from "../../store/store.js";

export { ABSENT, markOfRevision };

export async function markOf({ storage }: Pick<Store, "storage">, id: string): Promise<string> {
  const plan = await readPlan(storage, id);
  if (plan.kind === "usable") return markOfRevision(plan.version.revision);
  if (plan.kind === "absent") return ABSENT;
  const files = await Promise.all(
    [snapshotKey(id), journalKey(id)].map((key) => storage.read(key, { maxBytes: MAX_FILE_BYTES })),
  );
  return `files ${digestOf(files.map((bytes) => Buffer.from(bytes ?? []).toString("base64")).join())}`;
}
