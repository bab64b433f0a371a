/**
 * Random lives of several processes, each from a seed that a fault names: `DRAFTSTATE_PAIRS_LIFE=seed` repeats it alone.
 * `DRAFTSTATE_PAIRS_LIVES=n` tries so many, `DRAFTSTATE_PAIRS_DEPTH=full` many.
 */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Life, type LifeReport } from "./life.js";
import { time } from "./world.js";

vi.mock("node:timers/promises", () => import("../doubles/timers-promises.js"));

const LIVES = Number(
  process.env["DRAFTSTATE_PAIRS_LIVES"] ?? (process.env["DRAFTSTATE_PAIRS_DEPTH"] === "full" ? 20_000 : 120),
);
const SEED = Number(process.env["DRAFTSTATE_PAIRS_SEED"] ?? 20260114);
const ALONE = process.env["DRAFTSTATE_PAIRS_LIFE"];
const MAX_SHOWN = 6;
const MAX_FAULTS = 20;
const limit = Error.stackTraceLimit;

beforeAll(() => {
  time.install();
  if (ALONE === undefined) Error.stackTraceLimit = 0;
});

afterAll(() => {
  time.uninstall();
  Error.stackTraceLimit = limit;
});

function shown({ seed, faults, log }: LifeReport): string {
  return [`DRAFTSTATE_PAIRS_LIFE=${seed}: ${faults.join("; ")}`, ...log.map((line) => `  ${line}`)].join("\n");
}

/** One of each kind, with how many there are; texts and names do not make a kind. */
function faultyKinds(faulty: readonly LifeReport[]): LifeReport[] {
  const kinds = new Map<string, { readonly report: LifeReport; count: number }>();
  for (const report of faulty) {
    const kind = report.faults.map((fault) => fault.replaceAll(/\b[ABC]\b|[\d.,-]|text/g, "")).join("; ");
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, { report, count: 1 });
    else known.count += 1;
  }
  if (kinds.size > 0)
    console.table(
      [...kinds.values()].map(({ report, count }) => ({
        seed: report.seed,
        lives: count,
        fault: report.faults.join("; ").slice(0, 160),
      })),
    );
  return [...kinds.values()].map(({ report }) => report).slice(0, MAX_SHOWN);
}

/** Each of them must have been done at least once, not only been refused. */
const VERBS = [
  ...["say", "turn", "close", "load", "backup", "rename", "list", "verify", "prune"],
  ...["restore", "undo", "redo", "remove", "repair", "fork"],
];

function hasSucceeded(verb: string, results: ReadonlyMap<string, number>): boolean {
  return [...results.keys()].some((kind) => kind.startsWith(`${verb} `) && !/ ([A-Z_]+|unexpected)$/.test(kind));
}

test(
  "whatever several processes do to a conversation, and whatever happens to them, nothing acknowledged is lost",
  { timeout: 14_400_000 },
  async () => {
    const seeds = ALONE === undefined ? Array.from({ length: LIVES }, (_, index) => SEED + index) : [Number(ALONE)];
    const faulty: LifeReport[] = [];
    const results = new Map<string, number>();
    let [acknowledged, calls] = [0, 0];
    for (const seed of seeds) {
      const report = await new Life(seed).run();
      if (report.faults.length > 0) faulty.push(report);
      for (const [kind, count] of report.results) results.set(kind, (results.get(kind) ?? 0) + count);
      acknowledged += report.acknowledged;
      calls += report.calls;
    }
    console.log(
      `random schedules: ${seeds.length} lives, ${calls} calls, ${acknowledged} changes acknowledged; faults in ${faulty.length}\n${[
        ...results,
      ]
        .filter(([kind]) => /^(say|turn|undo|redo|[a-z]+ [A-Z_]+$)/.test(kind))
        .sort()
        .map(([kind, count]) => `${kind} ${count}`)
        .join(", ")}`,
    );
    if (faulty.length > 0) console.log(faultyKinds(faulty).map(shown).join("\n\n"));
    expect(
      faulty.map(({ seed, faults }) => `${seed}: ${faults.join("; ")}`.slice(0, 300)).slice(0, MAX_FAULTS),
    ).toEqual([]);
    if (ALONE !== undefined) return;
    expect(acknowledged).toBeGreaterThan(LIVES);
    expect(VERBS.filter((verb) => !hasSucceeded(verb, results))).toEqual([]);
  },
);
