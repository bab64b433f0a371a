/**
 * A version and the records that follow it, as one later version. Records the version already holds are skipped (I3);
 * a gap (I2) or a change that does not fit ends the replay there: what stands behind is not believed.
 */
import type { Info, Version } from "../model/conversation.js";
import { Patcher } from "../model/patches.js";
import { messageOf } from "../errors.js";
import { continuityOf } from "./continuity.js";
import type { InfoChange, JournalRecord } from "./record.js";

export interface Replayed {
  readonly version: Version;
  readonly applied: number;
  readonly skipped: number;
  /** Time of the last record applied, milliseconds since 1970. */
  readonly lastAt: number | undefined;
  /** Why records behind were not believed, and how many. */
  readonly stopped: { readonly detail: string; readonly records: number } | undefined;
}

export function changeInfo(info: Info, change: InfoChange): Info {
  const next: Record<string, unknown> = { ...info };
  for (const [field, value] of Object.entries(change)) {
    if (value === null) delete next[field];
    else next[field] = value;
  }
  return next as Info;
}

export function replay(base: Version, records: readonly JournalRecord[]): Replayed {
  const patcher = new Patcher(base.state);
  let { info, revision } = base;
  let [applied, skipped] = [0, 0];
  let lastAt: number | undefined;
  for (const [index, record] of records.entries()) {
    const continuity = continuityOf(revision, record);
    if (continuity === "held") {
      skipped += 1;
      continue;
    }
    const detail = continuity === "next" ? applyRecord(patcher, record) : `revision ${record.from} follows ${revision}`;
    if (detail !== undefined) {
      // Begun again without it, since what a misfit changed before it failed must not stay: never half a change.
      return { ...replay(base, records.slice(0, index)), stopped: { detail, records: records.length - index } };
    }
    if (record.info !== undefined) info = changeInfo(info, record.info);
    revision = record.revision;
    lastAt = record.at;
    applied += 1;
  }
  return { version: { state: patcher.finish(), info, revision }, applied, skipped, lastAt, stopped: undefined };
}

function applyRecord(patcher: Patcher, record: JournalRecord): string | undefined {
  try {
    for (const patch of record.patches) patcher.apply(patch);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
