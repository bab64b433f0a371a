/**
 * Each call to the storage fails once, in everything that is done to a thread: what was acknowledged is there, the thread is as
 * before or as after, never in between, and once the fault is over the same can be done, or taken back.
 */
import { expect, test } from "vitest";
import { DraftstateError, isDraftstateError } from "../../src/errors.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { copyInto } from "../../src/threads/copy.js";
import { byPolicy, prune } from "../../src/threads/prune.js";
import { removeThread } from "../../src/threads/remove.js";
import { repairThread } from "../../src/threads/repair.js";
import { encodeStream } from "../../src/checkpoints/token-record.js";
import { FaultyStorage } from "../doubles/faulty-storage.js";
import { managerOver, memory } from "../doubles/managers.js";
import { checkpointsOf, damage, json, message, putLine, putRequest } from "../doubles/threads.js";

const HELLO = [message("Human", "Hello"), message("AI", "Hi"), message("Human", "Bye")];
const ALL = ["c3", "c2", "c1"];

type Act = (manager: DraftStatePersistenceManager) => Promise<unknown>;

interface Deed {
  readonly prepare?: Act;
  readonly act: Act;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly thread?: string;
}

const thread = (manager: DraftStatePersistenceManager) => manager.threads.get("t");
const stream = { kind: "stream", number: 90, at: 1, run: "r", ns: "", node: "n", tasks: [], message: "m" } as const;
const pruned: Act = (manager) => thread(manager).exclusive((locked) => prune(locked, byPolicy({ max: 1 }, new Date())));
const removed: Act = (manager) => thread(manager).holding((held) => removeThread(held));
const undone: Act = (manager) => manager.undo("t", { kind: "thread" });

const DEEDS: Readonly<Record<string, Deed>> = {
  put: {
    act: (manager) => thread(manager).put(putRequest("c4", { parent: "c3", step: 4, values: { messages: HELLO } })),
    before: ALL,
    after: ["c4", ...ALL],
  },
  putWrites: {
    act: (manager) =>
      thread(manager).putWrites({
        ns: "",
        checkpoint: "c3",
        task: "a",
        path: "",
        writes: [{ idx: 0, channel: "n", data: json(1) }],
      }),
    before: ALL,
    after: ALL,
  },
  token: {
    act: (manager) => thread(manager).append(() => Promise.resolve([{ record: stream, bytes: encodeStream(stream) }])),
    before: ALL,
    after: ALL,
  },
  prune: { act: pruned, before: ALL, after: ["c3"] },
  delete: { act: removed, before: ALL, after: [] },
  copy: {
    act: (manager) => manager.threads.get("copy").exclusive((locked) => copyInto(locked, thread(manager))),
    before: [],
    after: ALL,
    thread: "copy",
  },
  "undo of prune": { prepare: pruned, act: undone, before: ["c3"], after: ALL },
  "undo of delete": { prepare: removed, act: undone, before: [], after: ALL },
  repair: {
    prepare: async (manager) => {
      await manager.threads.release();
      await damage(manager.storage, "t", (text) => text.replace('"checkpoint":"c2"', '"checkpoint":"cX"'));
    },
    act: (manager) => thread(manager).holding(repairThread),
    before: ["CORRUPT"],
    after: ["c3", "c1"],
  },
};

async function seen(manager: DraftStatePersistenceManager, threadId: string): Promise<readonly string[]> {
  return checkpointsOf(manager.threads.get(threadId)).catch((error: unknown) =>
    isDraftstateError(error) ? [error.code] : Promise.reject(error as Error),
  );
}

/** False where there are fewer calls. */
async function failsAt(at: number, { prepare, act, before, after, thread: named = "t" }: Deed): Promise<boolean> {
  const storage = new FaultyStorage(memory());
  const manager = managerOver(storage, { metrics: false });
  await putLine(thread(manager), HELLO);
  await prepare?.(manager);
  await manager.threads.release();
  let calls = 0;
  storage.setFault(() => ((calls += 1) === at ? new DraftstateError("STORAGE", `call ${at} fails`) : undefined));
  const outcome = await act(manager).then(
    () => "done" as const,
    (error: unknown) => error,
  );
  await manager.threads.release().catch(() => undefined);
  storage.setFault(undefined);
  if (outcome !== "done") expect(isDraftstateError(outcome, "STORAGE"), String(outcome)).toBe(true);
  const now = await seen(managerOver(storage, { metrics: false }), named);
  expect(outcome === "done" ? [after] : [before, after], `call ${at}: ${String(outcome)}`).toContainEqual(now);
  // The same process goes on.
  if (JSON.stringify(now) !== JSON.stringify(after)) await act(manager);
  expect(await seen(manager, named), `call ${at}, again`).toEqual(after);
  await manager.close();
  expect(await storage.locks()).toEqual([]);
  return calls >= at;
}

test.each(Object.entries(DEEDS))("%s", async (_name, deed) => {
  let at = 1;
  while (await failsAt(at, deed)) at += 1;
  expect(at).toBeGreaterThan(5);
});
