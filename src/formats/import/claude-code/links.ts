/**
 * Which turn each turn answers. A link leads to it directly, or through lines that are no turns of the conversation (hooks,
 * progress, notices, side chains). Where it leads nowhere, or around in a ring, it is broken: the order of the file decides. Pure.
 */
import type { SessionLine } from "./line.js";

export interface Link {
  readonly turn: SessionLine;
  /** No other line stands between the two. */
  readonly isDirect: boolean;
}

export interface Lineage {
  /** Links as the file has them; none where they are broken. */
  readonly linkOf: (turn: SessionLine) => Link | undefined;
  /** The turn before, by its link or else by the order of the file; undefined for the first. */
  readonly parentOf: (turn: SessionLine) => SessionLine | undefined;
}

/** `turns` in the order of the file, `others` all lines that are none of them. */
export function lineageOf(
  turns: readonly SessionLine[],
  byUuid: ReadonlyMap<string, SessionLine>,
  others: readonly SessionLine[],
): Lineage {
  const links = new LinkFinder(turns, byUuid, others);
  const linkOf = new Map(turns.map((turn) => [turn, links.of(turn)]));
  const positions = new Map(turns.map((turn, index) => [turn, index]));
  const isForward = (turn: SessionLine, parent: SessionLine): boolean =>
    (positions.get(parent) ?? 0) >= (positions.get(turn) ?? 0);
  const parents = (mayLeadForward: boolean): Map<SessionLine, SessionLine | undefined> =>
    new Map(
      turns.map((turn, index) => {
        const parent = linkOf.get(turn)?.turn;
        const isBroken = parent === undefined || (!mayLeadForward && isForward(turn, parent));
        return [turn, isBroken ? turns[index - 1] : parent];
      }),
    );
  const asLinked = parents(true);
  const chosen = hasRing(turns, asLinked) ? parents(false) : asLinked;
  return {
    linkOf: (turn) => (chosen.get(turn) === linkOf.get(turn)?.turn ? linkOf.get(turn) : undefined),
    parentOf: (turn) => chosen.get(turn),
  };
}

function hasRing(turns: readonly SessionLine[], parents: ReadonlyMap<SessionLine, SessionLine | undefined>): boolean {
  const sound = new Set<SessionLine>();
  for (const start of turns) {
    const way = new Set<SessionLine>();
    let at: SessionLine | undefined = start;
    for (; at !== undefined && !sound.has(at); at = parents.get(at)) {
      if (way.has(at)) return true;
      way.add(at);
    }
    for (const turn of way) sound.add(turn);
  }
  return false;
}

class LinkFinder {
  readonly #turns: ReadonlySet<SessionLine>;
  /** Copies of one uuid in the order of the file: hooks write the same again and again. */
  readonly #others = new Map<string, SessionLine[]>();
  /** Where the lines that are no turns lead. */
  readonly #led = new Map<SessionLine, SessionLine | undefined>();

  constructor(
    turns: readonly SessionLine[],
    private readonly byUuid: ReadonlyMap<string, SessionLine>,
    others: readonly SessionLine[],
  ) {
    this.#turns = new Set(turns);
    for (const line of others) {
      const same = this.#others.get(line.uuid);
      if (same === undefined) this.#others.set(line.uuid, [line]);
      else same.push(line);
    }
  }

  of(turn: SessionLine): Link | undefined {
    const way: SessionLine[] = [];
    const seen = new Set<SessionLine>([turn]);
    let [from, found] = [turn, this.#parent(turn)];
    while (found !== undefined && !this.#turns.has(found) && !seen.has(found)) {
      if (this.#led.has(found)) {
        found = this.#led.get(found);
        break;
      }
      seen.add(found);
      way.push(found);
      [from, found] = [found, this.#parent(found)];
    }
    const end = found !== undefined && this.#turns.has(found) ? found : undefined;
    for (const line of way) this.#led.set(line, end);
    return end === undefined || end === turn
      ? undefined
      : { turn: end, isDirect: from === turn && way.length === 0 && this.#parent(turn) === end };
  }

  /** Of several lines of one uuid the last before the line that names it. */
  #parent(line: SessionLine): SessionLine | undefined {
    if (line.parent === undefined) return undefined;
    const turn = this.byUuid.get(line.parent);
    if (turn !== undefined && turn !== line) return turn;
    const same = this.#others.get(line.parent);
    return same?.findLast(({ number }) => number < line.number) ?? same?.find((other) => other !== line);
  }
}
