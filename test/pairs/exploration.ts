/**
 * Tries interleavings of a pair, simplest first: no switch between the threads but where one must wait, then one switch at
 * each place, then two. Each is held against the sequential orders. A prefix of decisions repeats a run alone.
 */
import { following, writeSchedule, type Strategy } from "../doubles/scheduler.js";
import { documentedError } from "./documented.js";
import { nameOf, play, type Level, type Moment, type Outcome, type PairCase, type Played } from "./stage.js";
import { randomFrom, seedOf } from "./world.js";

export interface Budget {
  /** Interleavings of a pair, at most. */
  readonly runs: number;
  /** Of these, chosen at random at each step. */
  readonly random: number;
}

export interface Explored {
  readonly pair: PairCase;
  readonly level: Level;
  tried: number;
  /** Every interleaving with up to this many switches was tried. */
  exhausted: number;
  readonly orders: Set<"AB" | "BA">;
  readonly errors: Map<string, number>;
  /** Operations that did what they are for at least once. */
  readonly succeeded: Set<string>;
  faults: number;
  /** Of the first faults of each kind. */
  readonly reports: string[];
}

type Side = "A" | "B";

const MAX_REPORTS = 2;
/** Calls after which another thread may see something else. */
const CHANGING =
  /(replace|create|createLog|move|remove|append|sync|settle|tryLock|release|assertHeld|rename|link|unlink|createFile|write) ?/;

/** The runs that a pair is held against, each made when it is first needed. */
export class References {
  readonly #known = new Map<string, Promise<Played>>();

  constructor(private readonly pair: PairCase) {}

  order(sides: readonly Side[], moments: readonly Moment[] = []): Promise<Played> {
    const name = `${sides.join("")} ${moments.filter((moment) => moment !== "nothing").length === 0 ? "" : moments.join()}`;
    const known =
      this.#known.get(name) ??
      play(this.pair, { groups: sides.map((side) => [side]), moments, strategy: following([]), level: "storage" });
    this.#known.set(name, known);
    return known;
  }

  /** With and without a moment before each operation in which what may end by itself has ended. */
  async *all(sides: readonly Side[]): AsyncGenerator<Played> {
    const moments: readonly Moment[] = [
      "nothing",
      this.pair.start === "handle" || this.pair.start === "answering" ? "saved" : "idle",
    ];
    for (const before of moments) {
      if (sides.length === 1) yield await this.order(sides, [before]);
      else for (const between of moments) yield await this.order(sides, [before, between]);
    }
  }
}

function visible({ state, title, copy, backups, operations, lost, closing }: Outcome): string {
  return JSON.stringify({ state, title, copy, backups, operations, lost, closing });
}

function sameOutcome(left: Outcome, right: Outcome): boolean {
  return (
    visible(left) === visible(right) &&
    left.results["A"] === right.results["A"] &&
    left.results["B"] === right.results["B"]
  );
}

/**
 * `update` and `appendToken` change the handle's state at once. A restore or undo that was about to replace that state begins again,
 * and its first backup stays: beside what the order leaves there is one without the change, as long as the change is in the state or in a
 * backup.
 */
function sameButForTheChange({ first, second }: PairCase, seen: Outcome, order: Outcome): boolean {
  if (![first, second].some(({ name }) => name === "restore" || name === "undo")) return false;
  const changes = (
    [
      ["A", first],
      ["B", second],
    ] as const
  ).flatMap(([side, { name }]) =>
    name === "update" ? [`${side} said`] : name === "appendToken" ? [`…${side} token `] : [],
  );
  const here = [seen.state, ...seen.backups];
  if (
    changes.length === 0 ||
    !changes.every(
      (change) => here.some((texts) => texts.includes(change)) || order.lost.some((text) => change.includes(text)),
    )
  )
    return false;
  const without = (outcome: Outcome): Outcome => ({
    ...outcome,
    lost: [],
    backups: [
      ...new Set(
        outcome.backups.map((texts) =>
          texts
            .split(",")
            .filter((text) => !changes.includes(text))
            .join(),
        ),
      ),
    ],
  });
  return seen.lost.every((text) => order.lost.includes(text)) && sameOutcome(without(seen), without(order));
}

/** Readers take no lock: a list of backups that are being removed or made one by one may hold some of them. */
function sameButForTheCount({ first, second }: PairCase, seen: Outcome, orders: readonly Outcome[]): boolean {
  return (["A", "B"] as const).some((side) => {
    if ((side === "A" ? first : second).name !== "listBackups") return false;
    const counts = orders.map(({ results }) => countIn(results[side]));
    const count = countIn(seen.results[side]);
    const between = count >= Math.min(...counts) && count <= Math.max(...counts);
    const without = (outcome: Outcome): Outcome => ({ ...outcome, results: { ...outcome.results, [side]: "" } });
    return between && orders.some((order) => sameOutcome(without(seen), without(order)));
  });
}

function countIn(result = ""): number {
  if (result === "NOT_FOUND") return 0;
  return /^ok \d+$/.test(result) ? Number(result.slice(3)) : Number.NaN;
}

/** What no order excuses. */
function invariants({ broken, outcome }: Played): string[] {
  const { locks, temporary, problems } = outcome;
  const left = (what: string, names: readonly string[]): string[] =>
    names.length === 0 ? [] : [`${what}: ${names.join(", ")}`];
  return [
    ...broken,
    ...left("locks left after every manager was closed", locks),
    ...left("temporary files left", temporary),
    ...left("verify finds", problems),
  ];
}

type Verdict =
  | { readonly kind: "order"; readonly order: "AB" | "BA" }
  | { readonly kind: "documented"; readonly error: string }
  | { readonly kind: "fault"; readonly what: readonly string[] };

export async function judge(pair: PairCase, references: References, played: Played): Promise<Verdict> {
  const excused = new Set<string>();
  for (const order of [
    ["A", "B"],
    ["B", "A"],
  ] as const)
    for (const problem of invariants(await references.order(order))) excused.add(problem);
  const problems = invariants(played).filter((problem) => !excused.has(problem));
  if (problems.length > 0) return { kind: "fault", what: problems };
  const found: Outcome[] = [];
  for (const order of [
    ["A", "B"],
    ["B", "A"],
  ] as const) {
    for await (const { outcome } of references.all(order)) {
      if (sameOutcome(played.outcome, outcome)) return { kind: "order", order: order[0] === "A" ? "AB" : "BA" };
      found.push(outcome);
    }
  }
  const orders = [(await references.order(["A", "B"])).outcome, (await references.order(["B", "A"])).outcome] as const;
  if (sameButForTheChange(pair, played.outcome, orders[0])) return { kind: "order", order: "AB" };
  if (sameButForTheChange(pair, played.outcome, orders[1])) return { kind: "order", order: "BA" };
  if (sameButForTheCount(pair, played.outcome, found)) return { kind: "order", order: "AB" };
  for (const side of ["A", "B"] as const) {
    const result = played.outcome.results[side] ?? "";
    const other = side === "A" ? "B" : "A";
    if (documentedError(pair, side, result) === undefined) continue;
    for await (const alone of references.all([other])) {
      if (
        visible(alone.outcome) === visible(played.outcome) &&
        alone.outcome.results[other] === played.outcome.results[other]
      )
        return { kind: "documented", error: `${side} ${result}` };
    }
  }
  return { kind: "fault", what: [await differences(references, played.outcome)] };
}

async function differences(references: References, outcome: Outcome): Promise<string> {
  const lost = new Set(outcome.lost);
  for (const order of [
    ["A", "B"],
    ["B", "A"],
  ] as const)
    for (const text of (await references.order(order)).outcome.lost) lost.delete(text);
  const loss = lost.size === 0 ? "" : `; acknowledged and lost: ${[...lost].join(", ")}`;
  return `the outcome is that of neither order${loss}`;
}

function shownOutcome({ results, state, title, copy, backups, operations, lost, closing }: Outcome): string {
  const shown = {
    A: results["A"] ?? "never ends",
    B: results["B"] ?? "never ends",
    state,
    title,
    copy,
    backups: backups.join(" | "),
    operations: operations.join(),
    ...(lost.length === 0 ? {} : { lost: lost.join() }),
    closing: closing.join(),
  };
  return Object.entries(shown)
    .map(([name, value]) => `${name}: ${value}`)
    .join("; ");
}

async function report(
  pair: PairCase,
  level: Level,
  references: References,
  played: Played,
  what: readonly string[],
  schedule: string,
): Promise<string> {
  const { first, second } = pair;
  return [
    `${nameOf(pair)}: A = ${first.name}, B = ${second.name}: ${what.join("; ")}`,
    `  repeat: DRAFTSTATE_PAIRS_ONLY="${nameOf(pair)}/${level}: ${schedule}"`,
    `  seen      ${shownOutcome(played.outcome)}`,
    `  A then B  ${shownOutcome((await references.order(["A", "B"])).outcome)}`,
    `  B then A  ${shownOutcome((await references.order(["B", "A"])).outcome)}`,
    "  calls:",
    ...played.calls.map((call) => `    ${call}`),
  ].join("\n");
}

interface Candidate {
  readonly prefix: readonly string[];
  readonly changing: boolean;
}

/** Every run that differs from this one by one more switch, behind its own prefix. */
function switchesIn({ decisions, calls }: Played, from: number): Candidate[] {
  return decisions.flatMap(({ chosen, options }, index) => {
    if (index < from || index === 0) return [];
    const before = decisions.slice(0, index).map((decision) => decision.chosen);
    return options
      .filter((option) => option !== chosen)
      .map((option) => ({ prefix: [...before, option], changing: CHANGING.test(calls[index] ?? "") }));
  });
}

/** At most so many, evenly, half of them before calls that change something. */
function sample(candidates: readonly Candidate[], most: number, offset: number): Candidate[] {
  if (candidates.length <= most) return [...candidates];
  const changing = candidates.filter((candidate) => candidate.changing);
  const first = spread(changing, Math.ceil(most / 2), offset);
  const rest = candidates.filter((candidate) => !first.includes(candidate));
  return [...first, ...spread(rest, most - first.length, offset)];
}

function spread<T>(items: readonly T[], most: number, offset: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, index) => items[Math.floor((index + offset) * (items.length / most))]).filter(
    (item) => item !== undefined,
  );
}

/** Usually the same thread, now and then another one. */
export function atRandom(random: () => number, switching = 0.2): Strategy {
  return (options, last) => {
    const stay = last !== undefined && options.includes(last) && random() >= switching;
    return stay ? last : (options[Math.floor(random() * options.length)] ?? options[0] ?? "");
  };
}

export class PairExploration {
  readonly explored: Explored;
  readonly #references: References;

  constructor(
    private readonly pair: PairCase,
    private readonly level: Level,
    private readonly seed: number,
  ) {
    this.explored = {
      pair,
      level,
      tried: 0,
      exhausted: -1,
      orders: new Set(),
      errors: new Map(),
      succeeded: new Set(),
      faults: 0,
      reports: [],
    };
    this.#references = new References(pair);
  }

  async all({ runs, random }: Budget): Promise<Explored> {
    await this.#sequentialOrders();
    const offset = randomFrom(this.seed + seedOf(nameOf(this.pair)))();
    let layer: Candidate[] = [
      { prefix: ["A"], changing: false },
      { prefix: ["B"], changing: false },
    ];
    const limit = runs - random;
    for (let switches = 0; layer.length > 0 && this.explored.tried < limit; switches += 1) {
      const left = limit - this.explored.tried;
      const chosen = sample(layer, switches < 2 ? Math.max(1, Math.ceil(left * 0.7)) : left, offset);
      const next: Candidate[] = [];
      for (const { prefix } of chosen) next.push(...switchesIn(await this.follow(prefix), prefix.length));
      if (chosen.length === layer.length && this.explored.exhausted === switches - 1)
        this.explored.exhausted = switches;
      layer = next;
    }
    for (let index = 0; index < random; index += 1) await this.#try(atRandom(randomFrom(this.seed + index)));
    return this.explored;
  }

  /** One run. */
  async follow(prefix: readonly string[]): Promise<Played> {
    return this.#try(following(prefix));
  }

  async #try(strategy: Strategy): Promise<Played> {
    const { pair, level, explored } = this;
    const played = await play(pair, { groups: [["A", "B"]], strategy, level });
    explored.tried += 1;
    for (const [side, { name }] of [
      ["A", pair.first],
      ["B", pair.second],
    ] as const)
      if (played.outcome.results[side]?.startsWith("ok") === true) explored.succeeded.add(name);
    const verdict = await judge(pair, this.#references, played);
    if (verdict.kind === "order") explored.orders.add(verdict.order);
    if (verdict.kind === "documented")
      explored.errors.set(verdict.error, (explored.errors.get(verdict.error) ?? 0) + 1);
    if (verdict.kind === "fault")
      await this.#fault(played, verdict.what, writeSchedule(played.decisions.map(({ chosen }) => chosen)));
    return played;
  }

  /** Each must be right in itself. */
  async #sequentialOrders(): Promise<void> {
    for (const order of [
      ["A", "B"],
      ["B", "A"],
    ] as const) {
      const played = await this.#references.order(order);
      const problems = invariants(played);
      if (problems.length > 0)
        await this.#fault(
          played,
          [`one after the other, ${order.join(" then ")}: ${problems.slice(0, 3).join("; ")}`],
          "",
        );
    }
  }

  async #fault(played: Played, what: readonly string[], schedule: string): Promise<void> {
    this.explored.faults += 1;
    if (this.explored.reports.length < MAX_REPORTS)
      this.explored.reports.push(await report(this.pair, this.level, this.#references, played, what, schedule));
  }
}
