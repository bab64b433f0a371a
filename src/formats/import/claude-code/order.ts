/**
 * The turns of a session in the order in which they were had, and those that its user left. A branch was left where a later
 * message of the user's answers the very same turn as an earlier one did, or where an answer came to nothing and another was
 * given to the same message; a fork at any other line does not count, and no turn is left out for a broken link. Pure.
 */
import { answerIdOf, blocksOf, type SessionLine } from "./line.js";
import type { Lineage } from "./links.js";

export interface Ordered {
  readonly kept: readonly SessionLine[];
  readonly left: readonly SessionLine[];
}

export function order(turns: readonly SessionLine[], lineage: Lineage): Ordered {
  const sorted = parentsFirst(turns, lineage);
  const left = leftBranches(sorted, turns, lineage);
  return { kept: sorted.filter((turn) => !left.has(turn)), left: turns.filter((turn) => left.has(turn)) };
}

/** In the order of the file, but no turn before the one that it answers. */
function parentsFirst(turns: readonly SessionLine[], { parentOf }: Lineage): SessionLine[] {
  const placed = new Set<SessionLine>();
  for (const turn of turns) {
    const way: SessionLine[] = [];
    for (let at: SessionLine | undefined = turn; at !== undefined && !placed.has(at); at = parentOf(at)) way.push(at);
    for (const each of way.reverse()) placed.add(each);
  }
  return [...placed];
}

/** Alternatives at one turn: each of the user's own messages is one, and each answer. */
function alternativeOf(turn: SessionLine): string | undefined {
  if (turn.kind === "assistant") return `answer ${answerIdOf(turn) ?? turn.number}`;
  const isPrompt = blocksOf(turn, "tool_result").length === 0 && turn.fields["isCompactSummary"] !== true;
  return isPrompt ? `prompt ${turn.number}` : undefined;
}

/** Of all forks: the alternatives of one kind at one turn. */
function forksOf(turns: readonly SessionLine[], { linkOf }: Lineage): Map<string, SessionLine[]>[] {
  const forks = new Map<SessionLine, Map<string, Map<string, SessionLine[]>>>();
  for (const turn of turns) {
    const [link, alternative] = [linkOf(turn), alternativeOf(turn)];
    if (link?.isDirect !== true || alternative === undefined || isSameAnswer(turn, link.turn)) continue;
    const kinds = forks.get(link.turn) ?? new Map<string, Map<string, SessionLine[]>>();
    const alternatives = kinds.get(turn.kind) ?? new Map<string, SessionLine[]>();
    alternatives.set(alternative, [...(alternatives.get(alternative) ?? []), turn]);
    kinds.set(turn.kind, alternatives);
    forks.set(link.turn, kinds);
  }
  return [...forks.values()].flatMap((kinds) => [...kinds.values()]).filter((alternatives) => alternatives.size > 1);
}

/** Parts of one answer are lines of their own, each linked to another. */
function isSameAnswer(turn: SessionLine, parent: SessionLine): boolean {
  const id = answerIdOf(turn);
  return id !== undefined && id === answerIdOf(parent);
}

function leftBranches(
  sorted: readonly SessionLine[],
  turns: readonly SessionLine[],
  lineage: Lineage,
): Set<SessionLine> {
  const lastOf = lastLines(sorted, lineage);
  const used = usedTurns(sorted, lineage);
  const left = new Set<SessionLine>();
  for (const alternatives of forksOf(turns, lineage)) {
    const last = (branch: readonly SessionLine[]): number =>
      branch.reduce((latest, turn) => Math.max(latest, lastOf.get(turn) ?? 0), 0);
    const branches = [...alternatives.values()];
    const newest = branches.reduce((best, branch) => (last(branch) > last(best) ? branch : best));
    const isLeft = (branch: readonly SessionLine[]): boolean =>
      branch !== newest && (branch[0]?.kind === "user" || !branch.some((turn) => used.has(turn)));
    for (const turn of branches.filter(isLeft).flat()) left.add(turn);
  }
  for (const turn of sorted) {
    const parent = lineage.parentOf(turn);
    if (parent !== undefined && left.has(parent)) left.add(turn);
  }
  return left;
}

/** The last line of each turn and all that follows from it. */
function lastLines(sorted: readonly SessionLine[], { parentOf }: Lineage): Map<SessionLine, number> {
  const last = new Map(sorted.map((turn) => [turn, turn.number]));
  for (const turn of [...sorted].reverse()) {
    const parent = parentOf(turn);
    if (parent !== undefined) last.set(parent, Math.max(last.get(parent) ?? 0, last.get(turn) ?? 0));
  }
  return last;
}

/** Turns from which something followed: a message of the user's, or a tool that was called. */
function usedTurns(sorted: readonly SessionLine[], { parentOf }: Lineage): Set<SessionLine> {
  const used = new Set<SessionLine>();
  for (const turn of [...sorted].reverse()) {
    if (turn.kind === "user" || blocksOf(turn, "tool_use").length > 0) used.add(turn);
    const parent = parentOf(turn);
    if (parent !== undefined && used.has(turn)) used.add(parent);
  }
  return used;
}
