/**
 * What becomes of the spills of one conversation: each is held already, takes the store's place, or is kept as a fork. Pure.
 * Histories are told apart by marks (model/sessions.ts): a file holds another if one of its marks names the session that wrote
 * the other's last revision, at that revision or a later one. Nothing that only one file holds is ever given up:
 * a spill is held only by what stays, and it takes the store's place only where it holds all of the store.
 */
import { holdsMark, lastMark, withMark, type SessionMark } from "../model/sessions.js";

/** The store's side: snapshot and journal as recovery reads them. */
export interface SpillStore {
  /** Undefined where the conversation is not in the store. */
  readonly createdAt: string | undefined;
  /** 0 where it is not in the store. */
  readonly revision: number;
  /** As a recovery plan gives them: with the session of the journal. */
  readonly sessions: readonly SessionMark[];
}

export interface FoundSpill {
  readonly session: string;
  readonly createdAt: string;
  /** The last revision that the session, or the spill it continued, saw durable in the store. */
  readonly base: number;
  readonly revision: number;
  readonly sessions: readonly SessionMark[];
}

/** `detail` is a clause for messages. */
export type SpillDecision =
  /** By the store, or by another spill, which is held, applied or kept itself. */
  | { readonly kind: "held"; readonly by: "store" | { readonly session: string }; readonly detail: string }
  /** At most one. */
  | { readonly kind: "apply"; readonly detail: string }
  | { readonly kind: "fork"; readonly reason: "moved-on" | "other-conversation"; readonly detail: string };

export interface PlannedSpill<S extends FoundSpill> {
  readonly spill: S;
  readonly decision: SpillDecision;
}

interface Candidate<S extends FoundSpill> {
  readonly spill: S;
  readonly mark: SessionMark;
  readonly marks: readonly SessionMark[];
  /** Spills of lower rank that this one holds. */
  readonly holds: readonly Candidate<S>[];
  readonly heldByStore: boolean;
  /** Holds all that the store holds. */
  readonly continuesStore: boolean;
}

/** In the order in which they were written: to be removed in this order too, since a later one may be what an earlier one is held by. */
export function planSpills<S extends FoundSpill>(store: SpillStore, spills: readonly S[]): readonly PlannedSpill<S>[] {
  const candidates: Candidate<S>[] = [];
  for (const spill of inOrder(spills)) candidates.push(candidateOf(store, spill, candidates));
  const holders = new Map(candidates.flatMap((holder) => holder.holds.map((held) => [held, holder] as const)));
  // The last that continues the store is held by none: what held it would continue the store too, and come later.
  const applied = candidates.findLast((each) => each.continuesStore && each.spill.revision > store.revision);
  const conversation = store.createdAt ?? applied?.spill.createdAt;
  return candidates.map((each) => ({
    spill: each.spill,
    decision: decide(store, each, holders.get(each), each === applied, conversation),
  }));
}

/**
 * By revision. Of one revision, a spill that names another comes later: names decide only where no mark does, since the clock
 * that they begin with may have been set back.
 */
function inOrder<S extends FoundSpill>(spills: readonly S[]): readonly S[] {
  const sorted = [...spills].sort(
    (left, right) => left.revision - right.revision || compareNames(left.session, right.session),
  );
  const ordered: S[] = [];
  const visited = new Set<S>();
  const visit = (spill: S): void => {
    if (visited.has(spill)) return;
    visited.add(spill);
    for (const other of sorted) if (other.revision === spill.revision && holdsSpill(spill, other)) visit(other);
    ordered.push(spill);
  };
  for (const spill of sorted) visit(spill);
  return ordered;
}

function markOf({ session, revision }: FoundSpill): SessionMark {
  return { session, revision };
}

/** With the mark of its own session. */
function marksOf(spill: FoundSpill): readonly SessionMark[] {
  return withMark(spill.sessions, markOf(spill));
}

function holdsSpill(spill: FoundSpill, other: FoundSpill): boolean {
  return other.createdAt === spill.createdAt && holdsMark(marksOf(spill), markOf(other));
}

/** Of the same revision, or a lower one: so two copies of one spill do not hold each other. */
function candidateOf<S extends FoundSpill>(store: SpillStore, spill: S, lower: readonly Candidate<S>[]): Candidate<S> {
  const mark = markOf(spill);
  const marks = marksOf(spill);
  const holds = lower.filter((other) => holdsSpill(spill, other.spill));
  const heldByStore =
    store.createdAt === spill.createdAt && (holdsMark(store.sessions, mark) || addsNothing(store, spill));
  return {
    spill,
    mark,
    marks,
    holds,
    heldByStore,
    continuesStore: continuesStore(store, spill, marks) || holds.some((held) => held.continuesStore),
  };
}

/** It is at its base still, and the store holds that: by the mark of the base's writer or, without one, by its revision. */
function addsNothing(store: SpillStore, { session, base, revision, sessions }: FoundSpill): boolean {
  if (revision > base) return false;
  const last = lastMark(
    sessions.filter((mark) => mark.session !== session),
    base,
  );
  if (last !== undefined) return holdsMark(store.sessions, last);
  return store.revision === base && lastMark(store.sessions, base) === undefined;
}

function continuesStore(store: SpillStore, { createdAt, base }: FoundSpill, marks: readonly SessionMark[]): boolean {
  if (store.createdAt === undefined) return true;
  if (store.createdAt !== createdAt) return false;
  const last = lastMark(store.sessions, store.revision);
  return last === undefined ? store.revision <= base : holdsMark(marks, last);
}

function decide<S extends FoundSpill>(
  store: SpillStore,
  { spill, heldByStore }: Candidate<S>,
  holder: Candidate<S> | undefined,
  isApplied: boolean,
  conversation: string | undefined,
): SpillDecision {
  const { session, revision, createdAt } = spill;
  if (heldByStore)
    return {
      kind: "held",
      by: "store",
      detail: `the store holds what session ${session} had written by revision ${revision}`,
    };
  if (holder !== undefined)
    return {
      kind: "held",
      by: { session: holder.spill.session },
      detail: `the spill of session ${holder.spill.session} at revision ${holder.spill.revision} holds it`,
    };
  if (isApplied)
    return {
      kind: "apply",
      detail:
        store.createdAt === undefined
          ? "the conversation is not in the store"
          : `it continues the store's revision ${store.revision}`,
    };
  if (conversation !== createdAt)
    return {
      kind: "fork",
      reason: "other-conversation",
      detail: `it belongs to another conversation of this id, begun at ${createdAt}`,
    };
  const other =
    store.createdAt === undefined
      ? "another spill of the conversation went further"
      : `the store is at revision ${store.revision}, which it does not hold`;
  return { kind: "fork", reason: "moved-on", detail: `${other}; it began from revision ${spill.base}` };
}

function compareNames(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
