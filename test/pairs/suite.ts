/**
 * The pairs of one setting as tests, a test for each start, with a table of what was tried and seen.
 *
 * `DRAFTSTATE_PAIRS_DEPTH=full` tries many more, `DRAFTSTATE_PAIRS_RUNS=n` so many of each pair. `DRAFTSTATE_PAIRS_SEED=n`
 * takes others. `DRAFTSTATE_PAIRS_ONLY="setting/start/first/second"` tries one pair, with `/level: schedule` one run of it,
 * as a fault says. `DRAFTSTATE_PAIRS_TABLE=file` appends every row of the table to a file.
 */
import { appendFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseSchedule } from "../doubles/scheduler.js";
import { PairExploration, type Budget, type Explored } from "./exploration.js";
import { OPERATIONS, type PairOperation } from "./operations.js";
import { nameOf, STARTS, type Level, type PairCase, type Setting, type Start } from "./stage.js";
import { randomFrom, seedOf, time } from "./world.js";

const FULL = process.env["DRAFTSTATE_PAIRS_DEPTH"] === "full";
const RUNS = process.env["DRAFTSTATE_PAIRS_RUNS"];
const SEED = Number(process.env["DRAFTSTATE_PAIRS_SEED"] ?? 20260114);
const TABLE = process.env["DRAFTSTATE_PAIRS_TABLE"];
const ONLY = /^(?<pair>[^:]+?)(?:\/(?<level>storage|files))?(?:: (?<schedule>.*))?$/.exec(
  process.env["DRAFTSTATE_PAIRS_ONLY"] ?? "",
)?.groups;
const MAX_SHOWN = 5;
const MAX_ROWS = 60;

export interface Gate {
  readonly storage: Budget;
  readonly files: Budget;
  /** One of so many pairs, chosen by the seed, unless everything is tried; 1 where it is left out. */
  readonly oneOf?: number;
}

function budgetOf(level: Level, gate: Gate): Budget {
  if (RUNS !== undefined) return { runs: Number(RUNS), random: Math.floor(Number(RUNS) / 5) };
  if (!FULL) return gate[level];
  return level === "storage" ? { runs: 120, random: 20 } : { runs: 40, random: 20 };
}

/** Of two managers the first has what the start gives; of one, it does not matter which side is which. */
function pairsOf(setting: Setting, start: Start): PairCase[] {
  const usable = OPERATIONS.filter(
    (operation) => operation.of === "manager" || start === "handle" || start === "answering",
  );
  const alike = setting === "one manager" || start === "closed" || start === "absent";
  return usable.flatMap((first, index) => {
    const others: readonly PairOperation[] =
      setting === "one manager" ? usable.slice(index) : usable.filter((operation) => operation.of === "manager");
    return others
      .filter((second) => (first.writes || second.writes) && (!alike || usable.indexOf(second) >= index))
      .map((second) => ({ setting, start, first, second }));
  });
}

/** Spread by name: no operation falls between the samples of all starts. */
function isSampled(pair: PairCase, { oneOf = 1 }: Gate): boolean {
  return Math.floor(randomFrom(SEED + seedOf(nameOf(pair)))() * oneOf) === 0;
}

interface Row {
  readonly pair: string;
  readonly tried: number;
  readonly orders: string;
  readonly errors: string;
  readonly faults: number;
}

function rowOf({
  pair,
  level,
  tried,
  exhausted,
  orders,
  errors,
  faults,
}: Explored): Row & { readonly switches: string } {
  return {
    pair: `${nameOf(pair)}/${level}`,
    tried,
    switches: exhausted < 0 ? "some" : `all with ≤ ${exhausted}`,
    orders: [...orders].sort().join(" "),
    errors: [...errors].map(([error, count]) => `${error} × ${count}`).join(", "),
    faults,
  };
}

async function exploreOne(pair: PairCase, level: Level, gate: Gate): Promise<Explored> {
  const exploration = new PairExploration(pair, level, SEED);
  if (ONLY?.["schedule"] === undefined) return exploration.all(budgetOf(level, gate));
  await exploration.follow(parseSchedule(ONLY["schedule"]));
  return exploration.explored;
}

export function testPairs(setting: Setting, gate: Gate, starts: readonly Start[] = STARTS): void {
  const rows: Row[] = [];
  const table: string[] = [];
  const succeeded = new Set<string>();
  const limit = Error.stackTraceLimit;

  beforeAll(() => {
    time.install();
    // Most errors here are caught and counted; making their traces would take much of the time.
    Error.stackTraceLimit = 0;
  });

  afterAll(() => {
    time.uninstall();
    Error.stackTraceLimit = limit;
    const faulty = rows.filter(({ faults }) => faults > 0);
    const sum = (each: (row: Row) => number): number => rows.reduce((total, row) => total + each(row), 0);
    if (faulty.length > 0) console.table(faulty.slice(0, MAX_ROWS));
    if (TABLE !== undefined) appendFileSync(TABLE, table.join(""));
    console.log(
      `${setting}: ${rows.length} pairs, ${sum(({ tried }) => tried)} interleavings tried, orders AB in ${rows.filter(({ orders }) => orders.includes("AB")).length} and BA in ${rows.filter(({ orders }) => orders.includes("BA")).length} pairs, documented errors in ${rows.filter(({ errors }) => errors !== "").length} pairs; faults ${sum(({ faults }) => faults)} in ${faulty.length} pairs`,
    );
  });

  describe(setting, () => {
    test.each(starts)(
      "start %s: two operations at a time end as one after the other, or with a documented error",
      { timeout: 14_400_000 },
      async (start) => {
        const reports: string[] = [];
        for (const pair of pairsOf(setting, start)) {
          if (ONLY !== undefined && ONLY["pair"] !== nameOf(pair)) continue;
          if (ONLY === undefined && !FULL && RUNS === undefined && !isSampled(pair, gate)) continue;
          for (const level of ["storage", "files"] as const) {
            if (ONLY?.["level"] !== undefined && ONLY["level"] !== level) continue;
            if (budgetOf(level, gate).runs === 0) continue;
            const explored = await exploreOne(pair, level, gate);
            rows.push(rowOf(explored));
            for (const name of explored.succeeded) succeeded.add(name);
            table.push(`${JSON.stringify({ ...rowOf(explored), reports: explored.reports })}\n`);
            reports.push(...explored.reports);
          }
        }
        const shown = reports.slice(0, ONLY === undefined ? MAX_SHOWN : Infinity);
        if (shown.length > 0) console.log(shown.join("\n\n"));
        expect(reports.map((text) => text.split("\n").slice(0, 2).join("\n")).slice(0, MAX_ROWS)).toEqual([]);
      },
    );
    // With no handle there are no methods of one.
    const usable = OPERATIONS.filter(({ of }) => of === "manager" || starts.includes("handle"));
    test.runIf(ONLY === undefined)("each operation was done at least once, not only refused", () => {
      expect(usable.map(({ name }) => name).filter((name) => !succeeded.has(name))).toEqual([]);
    });
  });
}
