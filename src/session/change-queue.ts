/**
 * Changes on their way to the journal, in order. Bounded: when the disk is slower than the model, neighbouring
 * changes are merged into one record that covers their revisions, so what waits grows with the text and no faster.
 */
import type { InfoChange, JournalRecord } from "../journal/record.js";
import type { Patch, TokenPatch } from "../model/patches.js";

function onlyToken(record: JournalRecord): TokenPatch | undefined {
  const [patch] = record.patches;
  return record.patches.length === 1 && record.info === undefined && patch?.op === "token" ? patch : undefined;
}

function mergePatches(left: JournalRecord, right: JournalRecord): readonly Patch[] {
  const [before, after] = [onlyToken(left), onlyToken(right)];
  if (before === undefined || after === undefined) return [...left.patches, ...right.patches];
  return [{ op: "token", text: before.text + after.text, last: after.last, count: before.count + after.count }];
}

/** One record with the effect of both. */
export function mergeRecords(left: JournalRecord, right: JournalRecord): JournalRecord {
  const info: InfoChange | undefined = left.info === undefined && right.info === undefined ? undefined : { ...left.info, ...right.info };
  return { from: left.from, revision: right.revision, at: right.at, patches: mergePatches(left, right), ...(info === undefined ? {} : { info }) };
}

export class ChangeQueue {
  #records: JournalRecord[] = [];

  constructor(private readonly limit: number) {}

  get length(): number {
    return this.#records.length;
  }

  push(record: JournalRecord): void {
    const last = this.#records.at(-1);
    const full = this.#records.length >= this.limit;
    if (full && last !== undefined) this.#records[this.#records.length - 1] = mergeRecords(last, record);
    else this.#records.push(record);
  }

  takeAll(): JournalRecord[] {
    const taken = this.#records;
    this.#records = [];
    return taken;
  }
}
