/** Two histories of one conversation, both acknowledged: neither is ever given up for the other. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withMark, type SessionMark } from "../../src/model/sessions.js";
import { planSpills, type FoundSpill, type SpillDecision, type SpillStore } from "../../src/plan/spill.js";

const AT = "2026-01-14T21:30:00.000Z";
const mark = (session: string, revision: number): SessionMark => ({ session, revision });

function storeAt(revision: number, ...sessions: SessionMark[]): SpillStore {
  return { createdAt: AT, revision, sessions };
}

const ABSENT: SpillStore = { createdAt: undefined, revision: 0, sessions: [] };

function spillOf(session: string, revision: number, more: Partial<FoundSpill> = {}): FoundSpill {
  return { session, revision, createdAt: AT, base: 8, sessions: [mark("a", 8)], ...more };
}

function decisionsOf(store: SpillStore, ...spills: FoundSpill[]): Record<string, SpillDecision> {
  return Object.fromEntries(
    planSpills(store, spills).map(({ spill, decision }) => [`${spill.session}@${spill.revision}`, decision]),
  );
}

function kindsOf(store: SpillStore, ...spills: FoundSpill[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(decisionsOf(store, ...spills)).map(([name, decision]) => [
      name,
      decision.kind === "fork" ? decision.reason : decision.kind,
    ]),
  );
}

describe("a spill", () => {
  test.each<[string, SpillStore]>([
    ["where its session began", storeAt(8, mark("a", 8))],
    ["behind where its session began, as after a power loss", storeAt(6, mark("a", 6))],
    ["where its own session left it, further than it knew", storeAt(10, mark("a", 8), mark("b", 10))],
    ["where a program left it that names no session", storeAt(8)],
    ["nowhere", ABSENT],
  ])("is applied to a store that is %s", (_where, store) => {
    expect(kindsOf(store, spillOf("b", 12))).toEqual({ "b@12": "apply" });
  });

  test.each<[string, SpillStore]>([
    ["where another session left it", storeAt(15, mark("a", 8), mark("c", 15))],
    ["where another session left it, at a revision that the spill has too", storeAt(9, mark("a", 8), mark("c", 9))],
    ["at the spill's own base, but by another session after a power loss", storeAt(8, mark("a", 6), mark("c", 8))],
    ["where its own session left it and another went on", storeAt(15, mark("a", 8), mark("b", 9), mark("c", 15))],
    ["further, by a program that names no session", storeAt(10, mark("a", 8))],
    ["further than the spill", storeAt(15)],
  ])("is a fork where the store is %s", (_where, store) => {
    expect(kindsOf(store, spillOf("b", 12))).toEqual({ "b@12": "moved-on" });
  });

  test("that names nobody and is at its base is not held by a store that another session brought to that revision", () => {
    const spill = spillOf("b", 8, { base: 8, sessions: [] });
    expect(kindsOf(storeAt(8, mark("c", 8)), spill)).toEqual({ "b@8": "moved-on" });
    expect(kindsOf(storeAt(8), spill)).toEqual({ "b@8": "held" });
  });

  test("is held where the store has its session at its revision or later, whatever was written since", () => {
    for (const store of [
      storeAt(12, mark("b", 12)),
      storeAt(14, mark("a", 8), mark("b", 14)),
      storeAt(20, mark("b", 13), mark("c", 20)),
    ]) {
      expect(decisionsOf(store, spillOf("b", 12))).toMatchObject({ "b@12": { kind: "held", by: "store" } });
    }
  });

  test("of another conversation is a fork, also where its marks would fit", () => {
    const other = { createdAt: "2020-01-01T00:00:00.000Z" };
    expect(kindsOf(storeAt(8, mark("a", 8)), spillOf("b", 12, other))).toEqual({ "b@12": "other-conversation" });
    expect(kindsOf(storeAt(14, mark("b", 14)), spillOf("b", 12, other))).toEqual({ "b@12": "other-conversation" });
    expect(kindsOf(ABSENT, spillOf("b", 12, other), spillOf("c", 13))).toEqual({
      "b@12": "other-conversation",
      "c@13": "apply",
    });
  });

  test("without anything new is not applied", () => {
    expect(kindsOf(storeAt(8), spillOf("b", 8))).toEqual({ "b@8": "moved-on" });
  });

  test("at its base still is held by a store that holds the base, whatever was written since", () => {
    const unchanged = spillOf("b", 8, { sessions: [mark("a", 8), mark("b", 8)] });
    for (const store of [storeAt(8, mark("a", 8)), storeAt(12, mark("a", 8), mark("c", 12)), storeAt(9, mark("a", 9))])
      expect(decisionsOf(store, unchanged)).toMatchObject({ "b@8": { kind: "held", by: "store" } });
    expect(kindsOf(storeAt(8), spillOf("b", 8, { sessions: [mark("b", 8)] }))).toEqual({ "b@8": "held" });
  });

  test("at its base still is not held by a store that lost the base", () => {
    const unchanged = spillOf("b", 8, { sessions: [mark("a", 8), mark("b", 8)] });
    expect(kindsOf(storeAt(6, mark("a", 6)), unchanged)).toEqual({ "b@8": "apply" });
    expect(kindsOf(storeAt(8, mark("a", 6), mark("c", 8)), unchanged)).toEqual({ "b@8": "moved-on" });
    expect(kindsOf(storeAt(9), spillOf("b", 8, { sessions: [mark("b", 8)] }))).toEqual({ "b@8": "moved-on" });
  });

  test("says why in each case", () => {
    const decisions = planSpills(storeAt(8, mark("a", 8)), [
      spillOf("b", 12),
      spillOf("c", 13, { sessions: [mark("a", 8), mark("b", 12)] }),
      spillOf("d", 9),
      spillOf("e", 9, { createdAt: "2020" }),
    ]);
    expect(decisions.map(({ decision: { kind, detail } }) => [kind, detail])).toEqual([
      ["fork", "the store is at revision 8, which it does not hold; it began from revision 8"],
      ["fork", "it belongs to another conversation of this id, begun at 2020"],
      ["held", "the spill of session c at revision 13 holds it"],
      ["apply", "it continues the store's revision 8"],
    ]);
  });
});

describe("several spills", () => {
  const [first, second] = [spillOf("b", 12), spillOf("c", 15, { sessions: [mark("a", 8), mark("b", 12)] })];

  test("of one line: the last is applied, and holds the others", () => {
    expect(decisionsOf(storeAt(8, mark("a", 8)), second, first)).toMatchObject({
      "b@12": { kind: "held", by: { session: "c" } },
      "c@15": { kind: "apply" },
    });
  });

  test("of one line: where the last is a fork, it still holds the others", () => {
    expect(kindsOf(storeAt(20, mark("x", 20)), first, second)).toEqual({ "b@12": "held", "c@15": "moved-on" });
  });

  test("where one went on after another had continued it, neither holds the other", () => {
    expect(kindsOf(storeAt(8, mark("a", 8)), spillOf("b", 13), second)).toEqual({
      "b@13": "moved-on",
      "c@15": "apply",
    });
  });

  test("that both fit: the one with the highest revision is applied", () => {
    expect(kindsOf(storeAt(8, mark("a", 8)), spillOf("d", 20), first)).toEqual({ "b@12": "moved-on", "d@20": "apply" });
  });

  test("of a conversation that is not in the store: where none holds the other, the further one is applied", () => {
    expect(kindsOf(ABSENT, spillOf("d", 20), first)).toEqual({ "b@12": "moved-on", "d@20": "apply" });
  });

  test("of two conversations do not hold each other, whatever their marks say", () => {
    expect(kindsOf(storeAt(8, mark("a", 8)), { ...first, createdAt: "2020" }, second)).toEqual({
      "b@12": "other-conversation",
      "c@15": "apply",
    });
  });

  test("that are copies of one: one of them stays", () => {
    expect(
      planSpills(storeAt(20, mark("x", 20)), [first, { ...first }])
        .map(({ decision: { kind } }) => kind)
        .sort(),
    ).toEqual(["fork", "held"]);
  });

  test.each<[string, readonly [string, string, string]]>([
    ["in the order of their names", ["s1", "s2", "s3"]],
    ["against the order of their names, as after a clock was set back", ["s3", "s2", "s1"]],
    ["in no order of names", ["s2", "s3", "s1"]],
  ])("of one revision, that continue each other %s: the last is applied, and holds the others", (_how, names) => {
    const [x, y, z] = names;
    const line = [
      spillOf(x, 12),
      spillOf(y, 12, { sessions: [mark("a", 8), mark(x, 12)] }),
      spillOf(z, 12, { sessions: [mark("a", 8), mark(x, 12), mark(y, 12)] }),
    ];
    for (const spills of [line, [...line].reverse()]) {
      expect(kindsOf(storeAt(8, mark("a", 8)), ...spills)).toEqual({
        [`${x}@12`]: "held",
        [`${y}@12`]: "held",
        [`${z}@12`]: "apply",
      });
      expect(planSpills(storeAt(8, mark("a", 8)), spills).map(({ spill: { session } }) => session)).toEqual(names);
    }
  });

  test("of one revision, the first of which the last no longer names: they are one line all the same", () => {
    const line = [
      spillOf("z", 12),
      spillOf("y", 12, { sessions: [mark("a", 8), mark("z", 12)] }),
      spillOf("x", 12, { sessions: [mark("y", 12)] }),
    ];
    expect(kindsOf(storeAt(8, mark("a", 8)), ...line)).toEqual({ "z@12": "held", "y@12": "held", "x@12": "apply" });
  });

  test("of one revision that name each other, as no session leaves them: each is decided, and one stays", () => {
    const [left, right] = [
      spillOf("x", 12, { sessions: [mark("y", 12)] }),
      spillOf("y", 12, { sessions: [mark("x", 12)] }),
    ];
    expect(
      planSpills(storeAt(20, mark("c", 20)), [left, right])
        .map(({ decision: { kind } }) => kind)
        .sort(),
    ).toEqual(["fork", "held"]);
  });

  test("of more sessions than a file names are one line while each is there", () => {
    let sessions: readonly SessionMark[] = [mark("a", 8)];
    const line: FoundSpill[] = [];
    for (let index = 0; index < 40; index += 1) {
      const [session, revision] = [`s${index}`, 9 + index];
      sessions = withMark(sessions, mark(session, revision));
      line.push({ session, revision, createdAt: AT, base: 8, sessions });
    }
    expect(planSpills(storeAt(8, mark("a", 8)), line).map(({ decision: { kind } }) => kind)).toEqual([
      ...Array.from({ length: 39 }, () => "held"),
      "apply",
    ]);
    expect(planSpills({ createdAt: AT, revision: 48, sessions }, line).map(({ decision: { kind } }) => kind)).toEqual(
      Array.from({ length: 40 }, () => "held"),
    );
  });
});

/** A file as a test sees it: with every change that it holds, in order. A revision is their number. */
interface File {
  readonly createdAt: string;
  readonly changes: readonly number[];
  readonly sessions: readonly SessionMark[];
}

interface SpillFile extends File {
  readonly session: string;
  readonly base: number;
}

type Step =
  /** A session continues the store: so much is saved there, of which it does not learn `unknown`, and then it spills. */
  | { readonly do: "write"; readonly saved: number; readonly unknown: number; readonly spilled: number }
  | { readonly do: "continue"; readonly spill: number; readonly spilled: number }
  /** A program that names no session. */
  | { readonly do: "write unnamed"; readonly saved: number }
  /** The store loses what it had acknowledged last, as with `relaxed` and a power loss. */
  | { readonly do: "roll back"; readonly to: number }
  | { readonly do: "remove" };

const few = fc.integer({ min: 0, max: 3 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("write" as const), saved: few, unknown: few, spilled: few }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("continue" as const),
      spill: fc.nat(),
      spilled: few,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("write unnamed" as const), saved: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("roll back" as const), to: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const) }) },
);

class World {
  store: File | undefined;
  readonly spills: SpillFile[] = [];
  /** Those that a later session continued. */
  readonly continued = new Set<SpillFile>();
  #before: File[] = [];
  #count = 0;
  #rolledBack = false;

  step(step: Step): void {
    if (step.do === "write") this.#write(step);
    else if (step.do === "continue") this.#continue(step);
    else if (step.do === "roll back") this.#rollBack(step.to);
    else if (step.do === "remove") this.#remove();
    // A revision alone cannot tell what such a program wrote after a loss: the one limit of the plan.
    else if (this.store !== undefined && !this.#rolledBack)
      this.#setStore({ ...this.store, changes: this.#more(this.store.changes, step.saved) });
  }

  #more(changes: readonly number[], count: number): readonly number[] {
    return [...changes, ...Array.from({ length: count }, () => (this.#count += 1))];
  }

  #name(): string {
    // In no order: clocks that name sessions are set back.
    return (((this.#count += 1) * 7919) % 46_656).toString(36);
  }

  #setStore(store: File): void {
    if (this.store !== undefined) this.#before.push(this.store);
    this.store = store;
  }

  #write({ saved, unknown, spilled }: Extract<Step, { do: "write" }>): void {
    const session = this.#name();
    const before = this.store ?? { createdAt: `at ${this.#count}`, changes: [], sessions: [] };
    const changes = this.#more(before.changes, saved);
    if (saved > 0)
      this.#setStore({ ...before, changes, sessions: withMark(before.sessions, mark(session, changes.length)) });
    if (spilled > 0) this.#spill({ ...before, changes }, session, spilled, changes.length - Math.min(unknown, saved));
  }

  #continue({ spill, spilled }: Extract<Step, { do: "continue" }>): void {
    const from = this.spills[spill % Math.max(1, this.spills.length)];
    if (from === undefined) return;
    this.continued.add(from);
    this.#spill(from, this.#name(), spilled, from.base);
  }

  #spill(from: File, session: string, spilled: number, base: number): void {
    const changes = this.#more(from.changes, spilled);
    this.spills.push({
      createdAt: from.createdAt,
      changes,
      sessions: withMark(from.sessions, mark(session, changes.length)),
      session,
      base,
    });
  }

  #rollBack(to: number): void {
    if (this.#before.length === 0) return;
    const at = to % this.#before.length;
    this.store = this.#before[at];
    this.#before = this.#before.slice(0, at);
    this.#rolledBack = true;
  }

  #remove(): void {
    this.store = undefined;
    this.#before = [];
  }
}

function storeOf(store: File | undefined): SpillStore {
  return store === undefined
    ? ABSENT
    : { createdAt: store.createdAt, revision: store.changes.length, sessions: store.sessions };
}

function plan(world: World): { readonly file: SpillFile; readonly decision: SpillDecision }[] {
  const spills = world.spills.map((file) => ({ ...file, revision: file.changes.length, file }));
  return planSpills(storeOf(world.store), spills).map(({ spill, decision }) => ({ file: spill.file, decision }));
}

/** Whether the first holds all of the second, in the same order. */
function contains(whole: File, part: File): boolean {
  return whole.createdAt === part.createdAt && part.changes.every((change, index) => whole.changes[index] === change);
}

function worldAfter(steps: readonly Step[]): World {
  const world = new World();
  for (const step of steps) world.step(step);
  return world;
}

describe("whatever sessions, crashes and losses there were", () => {
  const steps = fc.array(anyStep, { minLength: 1, maxLength: 14 });
  const RUNS = { numRuns: 4000 };

  test("each spill is decided once, at most one is applied, and no change is in no result", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const world = worldAfter(list);
        const planned = plan(world);
        expect(new Set(planned.map(({ file }) => file))).toEqual(new Set(world.spills));
        const applied = planned.filter(({ decision }) => decision.kind === "apply").map(({ file }) => file);
        expect(applied.length).toBeLessThanOrEqual(1);
        for (const file of applied) expect(world.store === undefined || contains(file, world.store)).toBe(true);
        const stays = [
          ...applied,
          ...planned.filter(({ decision }) => decision.kind === "fork").map(({ file }) => file),
          ...(world.store === undefined ? [] : [world.store]),
        ];
        for (const { file, decision } of planned)
          if (decision.kind === "held") expect(stays.some((other) => contains(other, file))).toBe(true);
      }),
      RUNS,
    );
  });

  test("a spill that another session continued is never a fork", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const world = worldAfter(list);
        for (const { file, decision } of plan(world)) if (world.continued.has(file)) expect(decision.kind).toBe("held");
      }),
      RUNS,
    );
  });

  test("a spill that holds all of the store and more is applied, or another that does", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const world = worldAfter(list);
        const { store } = world;
        const fits = world.spills.some(
          (spill) => store === undefined || (contains(spill, store) && spill.changes.length > store.changes.length),
        );
        expect(plan(world).some(({ decision }) => decision.kind === "apply")).toBe(fits);
      }),
      RUNS,
    );
  });

  test("after one was applied, it is held, none is applied, and what was held still is", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const world = worldAfter(list);
        const first = plan(world);
        const applied = first.find(({ decision }) => decision.kind === "apply")?.file;
        fc.pre(applied !== undefined);
        const changes = [...applied.changes, 0];
        world.store = {
          createdAt: applied.createdAt,
          changes,
          sessions: withMark(applied.sessions, mark("recovery", changes.length)),
        };
        const again = new Map(plan(world).map(({ file, decision }) => [file, decision.kind]));
        for (const { file, decision } of first)
          expect(again.get(file)).toBe(decision.kind === "fork" ? "fork" : "held");
      }),
      RUNS,
    );
  });

  test("the order in which they are found does not matter", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const world = worldAfter(list);
        const before = new Map(plan(world).map(({ file, decision }) => [file, decision]));
        world.spills.reverse();
        expect(new Map(plan(world).map(({ file, decision }) => [file, decision]))).toEqual(before);
      }),
      { numRuns: 1000 },
    );
  });
});
