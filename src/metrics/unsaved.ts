/**
 * Since when changes have been unsaved, told from looks at the live conversations: a change that is not durable at one
 * look and still is not at the next is at least that old. Times are of a clock that never goes back.
 */
export interface Watched {
  readonly id: string;
  readonly revision: number;
  readonly durableRevision: number;
}

interface Pending {
  readonly since: number;
  readonly revision: number;
}

export class UnsavedChanges {
  #pending = new Map<string, Pending>();

  /** Since when, by conversation, on the same clock as `elapsed`. */
  look(elapsed: number, conversations: Iterable<Watched>): ReadonlyMap<string, number> {
    const pending = new Map<string, Pending>();
    for (const { id, revision, durableRevision } of conversations) {
      if (revision <= durableRevision) continue;
      const before = this.#pending.get(id);
      // What was pending is durable by now: what is pending now came later, at some time since the last look.
      const still = before !== undefined && durableRevision < before.revision;
      pending.set(id, still ? before : { since: elapsed, revision: durableRevision + 1 });
    }
    this.#pending = pending;
    return new Map([...pending].map(([id, { since }]) => [id, since]));
  }
}
