/**
 * Any life of a conversation: changes, tokens, saves, backups, restores, retention, power cuts at any moment and flipped
 * bits, in any order, leave a state equal to the model's or a named error.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { FileSystem } from "../../src/storage/file-system.js";
import { anyJson, anyObject, anyText } from "../doubles/json-values.js";
import { runs, timeFor } from "./runs.js";
import { World } from "./world.js";

type Step = (world: World) => Promise<void>;
type Named = readonly [string, Step];

function step(name: string, act: Step): Named {
  return [name, act];
}

const key = fc.constantFrom("a", "b", "constructor", "0");
const number = fc.nat({ max: 10_000 });

const changes: fc.Arbitrary<Named>[] = [
  fc
    .tuple(key, anyJson)
    .map(([name, value]) => step(`set ${name} ${JSON.stringify(value)}`, (world) => world.set(name, value))),
  anyText.map((text) => step(`token ${JSON.stringify(text)}`, (world) => world.token(text))),
  fc.constantFrom("begin" as const, "end" as const).map((part) => step(part, (world) => world.turn(part))),
  anyObject.map((state) => step(`replace ${JSON.stringify(state)}`, (world) => world.replace(state))),
];

const saves: fc.Arbitrary<Named>[] = [
  fc
    .constantFrom(
      "flush" as const,
      "compact" as const,
      "endTurn" as const,
      "backup" as const,
      "close" as const,
      "look" as const,
    )
    .map((name) => step(name, (world) => world[name]())),
  fc.nat({ max: 3 }).map((max) => step(`prune ${max}`, (world) => world.prune(max))),
  fc.nat({ max: 3 }).map((index) => step(`restore ${index}`, (world) => world.restore(index))),
];

const crash = fc
  .record({
    choice: number,
    unfinished: fc.constantFrom(
      "nothing" as const,
      "flush" as const,
      "compact" as const,
      "backup" as const,
      "close" as const,
    ),
    after: fc.nat({ max: 120 }),
  })
  .map(({ choice, unfinished, after }) =>
    step(`crash ${choice} in ${unfinished} after ${after}`, (world) => world.crash(choice, unfinished, after)),
  );

const corrupt = fc
  .record({
    area: fc.constantFrom("state" as const, "backup" as const),
    file: number,
    at: number,
    bit: fc.nat({ max: 7 }),
  })
  .map(({ area, file, at, bit }) =>
    step(`corrupt ${area} ${file} at ${at} bit ${bit}`, (world) => world.corrupt(area, file, at, bit)),
  );

async function liveThrough(steps: readonly Named[]): Promise<void> {
  const world = new World();
  for (const [name, act] of steps) {
    try {
      await act(world);
    } catch (error) {
      throw new Error(`${name}: ${String(error)}; lived through ${steps.map(([each]) => each).join(" | ")}`, {
        cause: error,
      });
    }
  }
  await world.finish();
}

const GATE = 300;

test("with power cuts, leaves what was acknowledged or more, and nothing that never was", timeFor(GATE), async () => {
  const steps = fc.array(fc.oneof(...changes, ...saves, crash), { maxLength: 25 });
  await fc.assert(fc.asyncProperty(steps, liveThrough), runs(GATE));
});

test(
  "with power cuts and flipped bits, leaves what once was true, or an error with a name",
  timeFor(GATE),
  async () => {
    const steps = fc.array(fc.oneof(...changes, ...saves, crash, corrupt), { maxLength: 25 });
    await fc.assert(fc.asyncProperty(steps, liveThrough), runs(GATE));
  },
);

/** A disk whose syncs do nothing. */
function withoutSyncs(disk: FileSystem): FileSystem {
  return new Proxy(disk, {
    get: (target, name) => {
      if (name === "syncDirectory") return () => Promise.resolve();
      if (name !== "createFile") return (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target);
      return async (path: string) => ({ ...(await target.createFile(path)), sync: () => Promise.resolve() });
    },
  });
}

test("the model can see: on a disk that does not sync, acknowledged changes are found missing", async () => {
  const complaints = new Set<string>();
  for (let choice = 0; choice < 12; choice += 1) {
    const world = new World(withoutSyncs);
    await world.set("a", 1);
    await world.flush();
    await world.crash(choice, "nothing", 0).catch((error: unknown) => complaints.add(String(error)));
  }
  expect([...complaints].join()).toMatch(/gone|lost|CORRUPT|no valid file/);
});
