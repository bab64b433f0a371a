/**
 * Threads on every disk that a power loss could leave, after each operation of a life: what was acknowledged is there, each
 * checkpoint is whole or absent, writes of a task are all there or none, and the next writer resumes.
 */
import { describe, expect, test } from "vitest";
import { emptyCheckpoint, type Checkpoint } from "@langchain/langgraph-checkpoint";
import { DraftstateSaver } from "../../src/langgraph/index.js";
import type { ManagerOptions } from "../../src/manager.js";
import { PendingDisk, type CrashImage } from "../doubles/crash-states.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { startProcess } from "./world.js";

const THREAD = "Thread 1";
const isFull = process.env["DRAFTSTATE_CRASH_DEPTH"] === "full";
const MOST = isFull ? Infinity : 40;

/** What was told, and after how many operations of the disk. */
interface Told {
  readonly at: number;
  readonly id: string;
  readonly task?: string;
}

/** Checkpoints that were let go, or brought back, between two counts of operations. */
interface Change {
  readonly kind: "removed" | "undone";
  readonly asked: number;
  told: number;
  readonly ids: readonly string[];
}

interface Life {
  readonly changes: Change[];
  readonly isRelaxed: boolean;
  readonly told: Told[];
  readonly asked: Map<string, { readonly checkpoint: Checkpoint; readonly at: number }>;
}

type Play = (stage: Stage) => Promise<void>;

class Stage {
  /** Beside what a checkpoint holds otherwise. */
  bulk = "";
  readonly life: Life;
  #saver: DraftstateSaver | undefined;
  #pid = 0;
  #step = 0;
  #messages: string[] = [];

  constructor(
    readonly disk: SimulatedFileSystem,
    private readonly options: ManagerOptions = {},
  ) {
    this.life = { told: [], asked: new Map(), changes: [], isRelaxed: options.durability === "relaxed" };
  }

  get saver(): DraftstateSaver {
    return (this.#saver ??= new DraftstateSaver({
      manager: startProcess(this.disk, { pid: (this.#pid += 1), options: this.options }),
    }));
  }

  async close(): Promise<void> {
    await this.#saver?.manager.close();
    this.#saver = undefined;
  }

  /** The process is gone, its lock and its open file stay. */
  kill(): void {
    this.#saver = undefined;
  }

  async put(parent?: string): Promise<string> {
    this.#step += 1;
    const step = this.#step;
    this.#messages = [...this.#messages, `message ${step}`];
    const checkpoint: Checkpoint = {
      ...emptyCheckpoint(),
      id: `c${String(step).padStart(3, "0")}`,
      ts: "2026-01-14T21:30:00.000Z",
      channel_values: {
        messages: this.#messages,
        fixed: "the same",
        ...(this.bulk === "" ? {} : { bulk: `${this.bulk}${step}` }),
      },
      channel_versions: { messages: step, fixed: 1, ...(this.bulk === "" ? {} : { bulk: step }) },
    };
    this.life.asked.set(checkpoint.id, { checkpoint, at: this.disk.operationCount });
    const config = { configurable: { thread_id: THREAD, checkpoint_ns: "", checkpoint_id: parent } };
    const { fixed: _, ...others } = checkpoint.channel_versions;
    const versions = step === 1 ? checkpoint.channel_versions : others;
    await this.saver.put(config, checkpoint, { source: "loop", step, parents: {} }, versions);
    this.life.told.push({ at: this.disk.operationCount, id: checkpoint.id });
    return checkpoint.id;
  }

  async remove(): Promise<void> {
    await this.#change("removed", [...this.life.asked.keys()], () => this.saver.deleteThread(THREAD));
  }

  /** All but the newest. */
  async prune(): Promise<void> {
    const ids = [...this.life.asked.keys()].slice(0, -1);
    await this.#change("removed", ids, () => this.saver.prune(THREAD, { max: 1 }));
  }

  async undo(): Promise<void> {
    const ids = this.life.changes.findLast(({ kind }) => kind === "removed")?.ids ?? [];
    await this.#change("undone", ids, () => this.saver.undo(THREAD));
  }

  async #change(kind: Change["kind"], ids: readonly string[], act: () => Promise<unknown>): Promise<void> {
    const change: Change = { kind, asked: this.disk.operationCount, told: Infinity, ids };
    this.life.changes.push(change);
    await act();
    change.told = this.disk.operationCount;
  }

  async writes(id: string, task: string): Promise<void> {
    const config = { configurable: { thread_id: THREAD, checkpoint_ns: "", checkpoint_id: id } };
    const writes: [string, unknown][] = [
      ["messages", `by ${task}`],
      ["fixed", "x".repeat(40)],
    ];
    await this.saver.putWrites(config, writes, task);
    this.life.told.push({ at: this.disk.operationCount, id, task });
  }
}

const LIVES: Readonly<Record<string, { readonly play: Play; readonly options?: ManagerOptions }>> = {
  "puts and writes": {
    play: async (stage) => {
      const first = await stage.put();
      await stage.writes(first, "a");
      const second = await stage.put(first);
      await Promise.all([stage.writes(second, "b"), stage.writes(second, "c")]);
      await stage.put(second);
      await stage.close();
    },
  },
  "one process after another": {
    play: async (stage) => {
      let last = await stage.put();
      for (let process = 0; process < 3; process += 1) {
        await stage.close();
        last = await stage.put(last);
        await stage.writes(last, "a");
      }
    },
  },
  "deleted, brought back, and written again": {
    play: async (stage) => {
      const first = await stage.put();
      await stage.writes(first, "a");
      await stage.close();
      await stage.put(first);
      await stage.remove();
      await stage.undo();
      await stage.put(first);
    },
  },
  "deleted for now": {
    play: async (stage) => {
      stage.bulk = "x".repeat(70_000);
      const first = await stage.put();
      await stage.close();
      await stage.put(first);
      await stage.close();
      await stage.remove();
    },
  },
  "pruned, written again, and brought back": {
    play: async (stage) => {
      const first = await stage.put();
      await stage.writes(first, "a");
      await stage.close();
      const second = await stage.put(first);
      await stage.put(second);
      await stage.prune();
      await stage.put(second);
      await stage.undo();
    },
  },
  "pruned for now": {
    play: async (stage) => {
      stage.bulk = "x".repeat(70_000);
      const first = await stage.put();
      await stage.writes(first, "a");
      await stage.close();
      await stage.put(first);
      await stage.close();
      await stage.prune();
    },
  },
  "large segments, one process after another": {
    play: async (stage) => {
      stage.bulk = "x".repeat(70_000);
      let last = await stage.put();
      for (let process = 0; process < 2; process += 1) {
        await stage.close();
        last = await stage.put(last);
      }
    },
  },
  "killed with a large segment, and begun again": {
    play: async (stage) => {
      stage.bulk = "x".repeat(70_000);
      const first = await stage.put();
      await stage.writes(first, "a");
      stage.kill();
      await stage.writes(await stage.put(first), "b");
    },
    options: { durability: "relaxed" },
  },
  "killed, and begun again": {
    play: async (stage) => {
      let last = await stage.put();
      await stage.writes(last, "a");
      stage.kill();
      last = await stage.put(last);
      stage.kill();
      await stage.writes(last, "b");
      await stage.put(last);
    },
  },
};

/** Whether the checkpoint is there, gone, or in between after so many operations. */
function expectedOf({ changes }: Life, id: string, after: number): "there" | "gone" | "either" {
  let expected: "there" | "gone" | "either" = "there";
  for (const { kind, asked, told, ids } of changes) {
    if (asked > after || !ids.includes(id)) continue;
    const done = kind === "removed" ? "gone" : "there";
    expected = told <= after ? done : "either";
  }
  return expected;
}

/** What one disk shows of the life that led to it. */
async function problemsOf(disk: SimulatedFileSystem, life: Life, after: number, pid: number): Promise<string[]> {
  const manager = startProcess(disk, { pid, boot: "boot-2", options: { metrics: false } });
  const saver = new DraftstateSaver({ manager });
  const problems: string[] = [];
  try {
    const found = new Map<string, Checkpoint>();
    const tasks = new Set<string>();
    for await (const { checkpoint, pendingWrites = [] } of saver.list({ configurable: { thread_id: THREAD } })) {
      found.set(checkpoint.id, checkpoint);
      const counts = new Map<string, number>();
      for (const [task] of pendingWrites) counts.set(task, (counts.get(task) ?? 0) + 1);
      for (const [task, count] of counts) {
        tasks.add(`${checkpoint.id} ${task}`);
        if (count !== 2) problems.push(`${count} of 2 writes of ${task}`);
      }
    }
    for (const { id, task, at } of life.told) {
      // Without a sync each, what was acknowledged last may be lost, and nothing else goes wrong.
      if (at > after || life.isRelaxed) continue;
      const expected = expectedOf(life, id, after);
      if (expected === "gone" && found.has(id)) problems.push(`checkpoint ${id} was removed and is there`);
      if (expected !== "there") continue;
      if (task === undefined && !found.has(id)) problems.push(`checkpoint ${id} was acknowledged and is lost`);
      if (task !== undefined && !tasks.has(`${id} ${task}`)) problems.push(`writes of ${task} are lost`);
    }
    const change = life.changes.findLast(({ asked }) => asked <= after);
    // Every step can be undone: also by another process, after a power loss.
    const isMissing = (id: string): boolean => !found.has(id) && life.told.some((told) => told.id === id);
    if (change?.kind === "removed" && (change.told <= after || (after % 2 === 0 && change.ids.some(isMissing)))) {
      await saver.undo(THREAD);
      for (const id of change.ids) {
        const tuple = await saver.getTuple({ configurable: { thread_id: THREAD, checkpoint_id: id } });
        expect(tuple?.checkpoint, `undone ${id}`).toEqual(life.asked.get(id)?.checkpoint);
        if (tuple !== undefined) found.set(id, tuple.checkpoint);
      }
    }
    for (const [id, checkpoint] of found) {
      const asked = life.asked.get(id);
      if (asked === undefined || asked.at > after) problems.push(`${id} was never put`);
      else expect(checkpoint).toEqual(asked.checkpoint);
    }
    const next = {
      ...emptyCheckpoint(),
      id: "z",
      channel_values: { messages: ["next"] },
      channel_versions: { messages: 99 },
    };
    const config = { configurable: { thread_id: THREAD, checkpoint_ns: "" } };
    await saver.put(config, next, { source: "loop", step: 99, parents: {} }, { messages: 99 });
    await manager.close();
    const reader = new DraftstateSaver({
      manager: startProcess(disk, { pid: pid + 1, boot: "boot-2", options: { metrics: false } }),
    });
    const last = await reader.getTuple({ configurable: { thread_id: THREAD } });
    if (last?.checkpoint.id !== "z") problems.push("what the next writer put is not there");
    for (const id of found.keys())
      if ((await reader.getTuple({ configurable: { thread_id: THREAD, checkpoint_id: id } })) === undefined)
        problems.push(`the next writer lost ${id}`);
  } catch (error) {
    problems.push(String(error));
  }
  return problems;
}

async function explore(play: Play, options: ManagerOptions = {}): Promise<{ states: number; problems: string[] }> {
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
  for (let at = 0; at < crashes.length; at += step) {
    const chosen = crashes[Math.floor(at)];
    if (chosen === undefined) continue;
    const { crash, after } = chosen;
    states += 1;
    const found = await problemsOf(new SimulatedFileSystem(crash.image), stage.life, after, 100);
    problems.push(...found.map((problem) => `after ${after}: ${problem} [${crash.label}]`));
    if (problems.length > 5) break;
  }
  return { states, problems };
}

describe("threads after a power loss", () => {
  for (const [name, { play, options }] of Object.entries(LIVES))
    test(name, { timeout: isFull ? 1_800_000 : 60_000 }, async () => {
      const { states, problems } = await explore(play, options);
      expect(problems).toEqual([]);
      expect(states).toBeGreaterThan(30);
    });
});
