/**
 * Changes on their way to the journal, in order. Bounded: tokens that wait behind a full queue join the last one, which costs
 * the token's size; any other change empties the queue, and the next write is a snapshot, which holds them all.
 */
import type { JournalRecord } from "../journal/record.js";
import type { TokenPatch } from "../model/patches.js";

function onlyToken(record: JournalRecord | undefined): TokenPatch | undefined {
  const [patch] = record?.patches ?? [];
  return record?.patches.length === 1 && record.info === undefined && patch?.op === "token" ? patch : undefined;
}

/** One token with the effect of both; undefined where they are not both tokens alone. */
function joined(left: JournalRecord | undefined, right: JournalRecord): JournalRecord | undefined {
  const [before, after] = [onlyToken(left), onlyToken(right)];
  if (left === undefined || before === undefined || after === undefined) return undefined;
  const patch: TokenPatch = {
    op: "token",
    text: before.text + after.text,
    last: after.last,
    count: before.count + after.count,
  };
  return { from: left.from, revision: right.revision, at: right.at, patches: [patch] };
}

export class ChangeQueue {
  #records: JournalRecord[] = [];
  #hasOverflowed = false;

  constructor(private readonly limit: number) {}

  get length(): number {
    return this.#records.length;
  }

  /** Whether changes were dropped, so that only a snapshot tells everything. */
  get hasOverflowed(): boolean {
    return this.#hasOverflowed;
  }

  push(record: JournalRecord): void {
    if (this.#hasOverflowed) return;
    if (this.#records.length < this.limit) {
      this.#records.push(record);
      return;
    }
    const last = joined(this.#records.at(-1), record);
    if (last !== undefined) this.#records[this.#records.length - 1] = last;
    else {
      this.#records = [];
      this.#hasOverflowed = true;
    }
  }

  /** Everything that waits; after an overflow the caller writes a snapshot. */
  takeAll(): JournalRecord[] {
    const taken = this.#records;
    this.#records = [];
    this.#hasOverflowed = false;
    return taken;
  }
}
