/**
 * A LangGraph store on every disk that a power loss or a kill could leave, after each operation of a life: what was
 * acknowledged is there, a batch is there as a whole or not at all, and the next writer resumes.
 */
import { describe, expect, test } from "vitest";
import type { Operation } from "@langchain/langgraph-checkpoint";
import { DraftstateStore } from "../../src/langgraph/index.js";
import type { ManagerOptions } from "../../src/manager.js";
import { PendingDisk, type CrashImage } from "../doubles/crash-states.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { startProcess } from "./world.js";

const NAMESPACE = ["memories", "ann"];
const isFull = process.env["DRAFTSTATE_CRASH_DEPTH"] === "full";
const MOST = isFull ? Infinity : 60;

/** Every batch writes both keys, so that half of one would show. */
interface Batch {
  readonly n: number | undefined;
  readonly asked: number;
  told: number;
}

class Stage {
  readonly batches: Batch[] = [];
  /** Beside the number of the batch. */
  bulk = "";
  #store: DraftstateStore | undefined;
  #pid = 0;

  constructor(
    readonly disk: SimulatedFileSystem,
    private readonly options: ManagerOptions,
  ) {}

  get store(): DraftstateStore {
    return (this.#store ??= new DraftstateStore({
      manager: startProcess(this.disk, { pid: (this.#pid += 1), options: this.options }),
    }));
  }

  put(): Promise<void> {
    const n = this.batches.length + 1;
    return this.#batch(n, { n, bulk: this.bulk });
  }

  delete(): Promise<void> {
    return this.#batch(undefined, null);
  }

  async close(): Promise<void> {
    await this.#store?.manager.close();
    this.#store = undefined;
  }

  /** The process is gone, its lock and its open file stay. */
  kill(): void {
    this.#store = undefined;
  }

  async #batch(n: number | undefined, value: Record<string, unknown> | null): Promise<void> {
    const batch: Batch = { n, asked: this.disk.operationCount, told: Infinity };
    this.batches.push(batch);
    await this.store.batch(["left", "right"].map((key): Operation => ({ namespace: NAMESPACE, key, value })));
    batch.told = this.disk.operationCount;
  }
}

const LIVES: Readonly<
  Record<string, { readonly play: (stage: Stage) => Promise<void>; readonly options?: ManagerOptions }>
> = {
  "puts, deletions, puts": {
    play: async (stage) => {
      await stage.put();
      await Promise.all([stage.put(), stage.put()]);
      await stage.delete();
      await stage.put();
      await stage.close();
    },
  },
  "one process after another": {
    play: async (stage) => {
      for (let process = 0; process < 3; process += 1) {
        await stage.put();
        await stage.close();
      }
    },
  },
  "killed, and begun again": {
    play: async (stage) => {
      for (let process = 0; process < 3; process += 1) {
        await stage.put();
        await stage.put();
        stage.kill();
      }
    },
  },
  "folded into snapshots": {
    play: async (stage) => {
      stage.bulk = "x".repeat(20_000);
      for (let at = 0; at < 4; at += 1) await stage.put();
      stage.kill();
      for (let at = 0; at < 3; at += 1) await stage.put();
      await stage.close();
      await stage.delete();
      await stage.close();
    },
  },
  "folded, without a sync each": {
    play: async (stage) => {
      stage.bulk = "x".repeat(20_000);
      for (let at = 0; at < 4; at += 1) await stage.put();
      stage.kill();
      await stage.put();
    },
    options: { durability: "relaxed" },
  },
};

/** What one disk shows of the life that led to it. */
async function problemsOf(
  disk: SimulatedFileSystem,
  stage: Stage,
  after: number,
  isRelaxed: boolean,
): Promise<string[]> {
  const store = new DraftstateStore({ manager: startProcess(disk, { pid: 100, boot: "boot-2" }) });
  try {
    const [left, right] = await Promise.all(["left", "right"].map((key) => store.get(NAMESPACE, key)));
    const n = left?.value["n"];
    if (n !== right?.value["n"]) return [`half a batch: ${String(n)}, ${String(right?.value["n"])}`];
    const told = isRelaxed ? -1 : stage.batches.findLastIndex((batch) => batch.told <= after);
    const possible = stage.batches.filter((batch, at) => batch.asked <= after && at >= told).map((batch) => batch.n);
    if (told < 0) possible.push(undefined);
    if (!possible.includes(n as number | undefined)) return [`${String(n)} is there, not one of ${possible.join()}`];
    await store.put(NAMESPACE, "next", { n: 1 });
    await store.manager.close();
    const reader = new DraftstateStore({ manager: startProcess(disk, { pid: 101, boot: "boot-2" }) });
    if ((await reader.get(NAMESPACE, "next")) === null) return ["what the next writer put is not there"];
    return (await reader.get(NAMESPACE, "left"))?.value["n"] === n ? [] : ["the next writer lost an item"];
  } catch (error) {
    return [String(error)];
  }
}

async function explore(play: (stage: Stage) => Promise<void>, options: ManagerOptions): Promise<[number, string[]]> {
  const disk = new SimulatedFileSystem();
  const stage = new Stage(disk, options);
  await play(stage);
  const crashes: { readonly crash: CrashImage; readonly after: number }[] = [];
  const pending = new PendingDisk(disk.base);
  for (let after = 0; ; after += 1) {
    for (const crash of pending.images()) crashes.push({ crash, after });
    const operation = disk.operations[after];
    if (operation === undefined) break;
    pending.push(operation);
  }
  const step = Math.max(1, crashes.length / MOST);
  const problems: string[] = [];
  let states = 0;
  for (let at = 0; at < crashes.length && problems.length < 5; at += step) {
    const chosen = crashes[Math.floor(at)];
    if (chosen === undefined) continue;
    states += 1;
    const { crash, after } = chosen;
    const found = await problemsOf(
      new SimulatedFileSystem(crash.image),
      stage,
      after,
      options.durability === "relaxed",
    );
    problems.push(...found.map((problem) => `after ${after}: ${problem} [${crash.label}]`));
  }
  return [states, problems];
}

describe("a LangGraph store after a power loss", () => {
  for (const [name, { play, options = {} }] of Object.entries(LIVES))
    test(name, async () => {
      const [states, problems] = await explore(play, options);
      expect(problems).toEqual([]);
      expect(states).toBeGreaterThanOrEqual(50);
    });
});
