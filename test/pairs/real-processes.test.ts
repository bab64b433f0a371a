/** Two real processes, each with a manager on the same files, act at the same time. What they may end as is what two simulated ones may. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { judge, References } from "./exploration.js";
import { inspect } from "./inspection.js";
import { operationNamed, PENDING } from "./operations.js";
import { buildPairProgram, inTemporaryDirectory, PairProcess, readImage, writeImage } from "./real-processes.js";
import { nameOf, theBase, type PairCase, type Played, type Start } from "./stage.js";
import { OPTIONS, randomFrom, time } from "./world.js";

vi.mock("node:timers/promises", () => import("../doubles/timers-promises.js"));

const ROUNDS = Number(
  process.env["DRAFTSTATE_PAIRS_ROUNDS"] ?? (process.env["DRAFTSTATE_PAIRS_DEPTH"] === "full" ? 40 : 2),
);
const SEED = Number(process.env["DRAFTSTATE_PAIRS_SEED"] ?? 20260114);
const LONGEST_PAUSE = 6;

const PAIRS: readonly (readonly [Start, string, string])[] = [
  ["closed", "open", "open"],
  ["closed", "saveState", "saveState"],
  ["closed", "saveState", "remove"],
  ["closed", "rename", "undo"],
  ["closed", "restore", "restore"],
  ["closed", "undo", "undo"],
  ["closed", "prune", "backup"],
  ["closed", "remove", "restore"],
  ["closed", "remove", "load"],
  ["closed", "fork", "fork"],
  ["closed", "repair", "verify"],
  ["handle", "update", "load"],
  ["handle", "update", "saveState"],
  ["handle", "endTurn", "listBackups"],
  ["handle", "close", "open"],
  ["handle", "close", "saveState"],
  ["handle", "close", "remove"],
  ["handle", "manager.close", "restore"],
  ["idle", "saveState", "open"],
  ["idle", "rename", "prune"],
  ["idle", "manager.close", "undo"],
];

beforeAll(() => {
  time.install();
});

afterAll(() => {
  time.uninstall();
});

async function round(
  pair: PairCase,
  directory: string,
  processes: readonly [PairProcess, PairProcess],
  pauses: readonly [number, number],
): Promise<Played> {
  const { image, state, oldest, acknowledged } = await theBase();
  await mkdir(directory);
  await writeImage(image, directory);
  const [first, second] = processes;
  // The base is older than the trash is kept for by default.
  const common = { directory, base: state, oldest, options: { ...OPTIONS, trashDays: 36_500 } };
  await first.begin({ ...common, side: "A", start: pair.start, operation: pair.first.name });
  await second.begin({ ...common, side: "B", start: "closed", operation: pair.second.name });
  const [one, two] = await Promise.all([first.act(pauses[0]), second.act(pauses[1])]);
  const ends = [await first.end(), await second.end()];
  const said = [
    ...one.acknowledged.filter((text) => text !== PENDING || pair.start === "handle"),
    ...two.acknowledged.filter((text) => text !== PENDING),
  ];
  const inspection = await inspect(
    new SimulatedFileSystem(await readImage(directory)),
    new Set([...acknowledged, ...said]),
  );
  return {
    decisions: [],
    calls: [],
    hanging: [],
    broken: ends.flatMap(({ unhandled }) => unhandled),
    outcome: { results: { A: one.result, B: two.result }, closing: ends.map(({ closing }) => closing), ...inspection },
  };
}

test("two real processes end as one after the other, or with a documented error", { timeout: 600_000 }, async () => {
  await inTemporaryDirectory(async (directory) => {
    const program = await buildPairProgram(directory);
    const processes = [await PairProcess.start(program), await PairProcess.start(program)] as const;
    const random = randomFrom(SEED);
    const faults: string[] = [];
    const seen: Record<string, number> = {};
    for (const [index, [start, first, second]] of PAIRS.entries()) {
      const pair: PairCase = {
        setting: "two processes",
        start,
        first: operationNamed(first),
        second: operationNamed(second),
      };
      const references = new References(pair);
      for (let count = 0; count < ROUNDS; count += 1) {
        const played = await round(pair, join(directory, `round-${index}-${count}`), processes, [
          random() * LONGEST_PAUSE,
          random() * LONGEST_PAUSE,
        ]);
        const verdict = await judge(pair, references, played);
        const kind =
          verdict.kind === "order"
            ? verdict.order
            : verdict.kind === "documented"
              ? `documented ${verdict.error.slice(2)}`
              : "fault";
        seen[kind] = (seen[kind] ?? 0) + 1;
        if (verdict.kind === "fault")
          faults.push(`${nameOf(pair)}: ${verdict.what.join("; ")}: ${JSON.stringify(played.outcome)}`);
      }
    }
    for (const each of processes) await each.stop();
    console.log(`two real processes: ${PAIRS.length} pairs, ${PAIRS.length * ROUNDS} rounds: ${JSON.stringify(seen)}`);
    expect(faults).toEqual([]);
  });
});
