/** Everything that is done to a thread, with what a reader sees before, in between and afterwards: for sweeps of faults and crashes. */
import { encodeStream, encodeToken } from "../../src/checkpoints/token-record.js";
import { isDraftstateError } from "../../src/errors.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { copyInto } from "../../src/threads/copy.js";
import { byPolicy, prune } from "../../src/threads/prune.js";
import { removeThread } from "../../src/threads/remove.js";
import { repairThread } from "../../src/threads/repair.js";
import type { ThreadView } from "../../src/threads/thread-view.js";
import { damage, json, message, putLine, putRequest } from "./threads.js";

export type Act = (manager: DraftStatePersistenceManager) => Promise<unknown>;

export interface Deed {
  readonly prepare?: Act;
  /** Each durable before the next. */
  readonly acts: readonly Act[];
  /** Before the first act, and after each of them. */
  readonly seen: readonly (readonly string[])[];
  readonly thread?: string;
}

export const HELLO = [message("Human", "Hello"), message("AI", "Hi"), message("Human", "Bye")];
const ALL = ["c3", "c2", "c1"];

const thread = (manager: DraftStatePersistenceManager) => manager.threads.get("t");
const stream = { kind: "stream", number: 90, at: 1, run: "r", ns: "", node: "n", tasks: ["a"], message: "m" } as const;

const put: Act = (manager) =>
  thread(manager).put(
    putRequest("c4", { parent: "c3", step: 4, values: { messages: [...HELLO, message("AI", "!")] } }),
  );
const writes =
  (checkpoint: string): Act =>
  (manager) =>
    thread(manager).putWrites({
      ...{ ns: "", checkpoint, task: "a", path: "" },
      writes: [
        { idx: 0, channel: "n", data: json(1) },
        { idx: 1, channel: "m", data: json("x".repeat(40)) },
      ],
    });
const begun: Act = (manager) =>
  thread(manager).append((view) =>
    Promise.resolve(view.index.streams.has(90) ? [] : [{ record: stream, bytes: encodeStream(stream) }]),
  );
const token =
  (text: string): Act =>
  (manager) =>
    thread(manager).append(() => {
      const record = { kind: "token", stream: 90, at: 2, text, calls: [] } as const;
      return Promise.resolve([{ record, bytes: encodeToken(record) }]);
    });
const pruned: Act = (manager) => thread(manager).exclusive((locked) => prune(locked, byPolicy({ max: 1 }, new Date())));
const removed: Act = (manager) => thread(manager).holding((held) => removeThread(held));
const repaired: Act = (manager) => thread(manager).holding(repairThread);
const undone: Act = (manager) => manager.undo("t", { kind: "thread" });
const damaged: Act = async (manager) => {
  await manager.threads.release();
  await damage(manager.storage, "t", (text) => text.replace('"checkpoint":"c2"', '"checkpoint":"cX"'));
};

async function inTurn(manager: DraftStatePersistenceManager, acts: readonly Act[]): Promise<void> {
  for (const act of acts) await act(manager);
}

export const DEEDS: Readonly<Record<string, Deed>> = {
  put: { acts: [put], seen: [ALL, ["c4", ...ALL]] },
  putWrites: { acts: [writes("c3")], seen: [ALL, [...ALL, "2 of a at c3"]] },
  "put, then putWrites": {
    acts: [put, writes("c4")],
    seen: [ALL, ["c4", ...ALL], ["c4", ...ALL, "2 of a at c4"]],
  },
  "an answer that its node writes": {
    acts: [begun, token("Once"), token(" upon"), writes("c3")],
    seen: [ALL, [...ALL, "“”"], [...ALL, "“Once”"], [...ALL, "“Once upon”"], [...ALL, "2 of a at c3"]],
  },
  prune: { acts: [pruned], seen: [ALL, ["c3"]] },
  "prune beside an answer": {
    prepare: (manager) => inTurn(manager, [begun, token("Once")]),
    acts: [pruned],
    seen: [
      [...ALL, "“Once”"],
      ["c3", "“Once”"],
    ],
  },
  delete: { acts: [removed], seen: [ALL, []] },
  copy: {
    acts: [(manager) => manager.threads.get("copy").exclusive((locked) => copyInto(locked, thread(manager)))],
    seen: [[], ALL],
    thread: "copy",
  },
  "undo of prune": { prepare: pruned, acts: [undone], seen: [["c3"], ALL] },
  "undo of delete": { prepare: removed, acts: [undone], seen: [[], ALL] },
  repair: { prepare: damaged, acts: [repaired], seen: [["CORRUPT"], ["c3", "c1"]] },
  "undo of repair": {
    prepare: (manager) => inTurn(manager, [damaged, repaired]),
    acts: [undone],
    seen: [["c3", "c1"], ["CORRUPT"]],
  },
};

/** The thread as all deeds begin. */
export async function prepared(manager: DraftStatePersistenceManager, { prepare }: Deed): Promise<void> {
  await putLine(thread(manager), HELLO);
  await prepare?.(manager);
  await manager.threads.release();
}

/** Checkpoints, writes of tasks and answers under way, each read whole; or the code with which it is refused. */
export async function seenBy(manager: DraftStatePersistenceManager, { thread: id = "t" }: Deed): Promise<string[]> {
  return manager.threads
    .get(id)
    .read(contentOf)
    .catch((error: unknown) => (isDraftstateError(error) ? [error.code] : Promise.reject(error as Error)));
}

async function contentOf(view: ThreadView): Promise<string[]> {
  const entries = view.index.checkpoints();
  const counts = new Map<string, number>();
  for (const entry of entries) {
    await view.checkpoint(entry);
    for (const number of entry.values.values()) await view.value(number);
    for (const write of view.index.writesOf(entry.ns, entry.id)) {
      await view.write(write);
      const of = `${write.task} at ${entry.id}`;
      counts.set(of, (counts.get(of) ?? 0) + 1);
    }
  }
  return [
    ...entries.map(({ id }) => id),
    ...[...counts].map(([of, count]) => `${count} of ${of}`),
    ...view.index.streams.partials.map(({ text }) => `“${text}”`),
  ];
}

/** How many acts have happened, by what is seen; -1 where it is nothing that may be. */
export function stepOf({ seen }: Deed, found: readonly string[]): number {
  return seen.findLastIndex((each) => JSON.stringify(each) === JSON.stringify(found));
}

/** The acts from there on. */
export async function finish(manager: DraftStatePersistenceManager, { acts }: Deed, from: number): Promise<void> {
  await inTurn(manager, acts.slice(from));
}
