/** What waits for the disk costs what its own size costs: a full queue is linear, and loses nothing. In CPU time, which a busy machine changes little. */
import { cpuUsage } from "node:process";
import { afterEach, describe, expect, test } from "vitest";
import type { Conversation } from "../../src/index.js";
import { token } from "../doubles/answering.js";
import { cleanUp, Disk, ID, managerIn, message, temporaryDirectory, turnedStorage } from "./seam.js";

afterEach(cleanUp);

/** Milliseconds of CPU that the work takes. */
function cpuOf(work: () => void): number {
  const start = cpuUsage();
  work();
  const { user, system } = cpuUsage(start);
  return Math.round((user + system) / 1000);
}

/** Whether the last part took far longer than the cheapest before it: growth, and no hiccup. */
function hasGrown(took: readonly number[]): boolean {
  const last = took.at(-1) ?? 0;
  return took.length > 2 && last > 500 && last > 5 * Math.min(...took);
}

const PART = 2000;
const PARTS = 10;

type Change = readonly [string, (conversation: Conversation, count: number) => void];

const CHANGES: readonly Change[] = [
  [
    "updates of one field",
    (conversation, count) =>
      conversation.update((draft) => {
        Reflect.set(draft, "n", count);
      }),
  ],
  [
    "updates of fields in turn",
    (conversation, count) =>
      conversation.update((draft) => {
        Reflect.set(draft, `n${count % 50}`, count);
      }),
  ],
  [
    "new messages",
    (conversation, count) =>
      conversation.update((draft) => {
        if (count % 10 === 0) draft.messages.push(message(`m${count}`));
        else Reflect.set(draft, "n", count);
      }),
  ],
  ["tokens", (conversation, count) => token(conversation, ` ${count}`)],
  [
    "tokens and updates by turns",
    (conversation, count) =>
      count % 2 === 0
        ? token(conversation, ` ${count}`)
        : conversation.update((draft) => {
            Reflect.set(draft, "n", count);
          }),
  ],
  ["changes of the title", (conversation, count) => conversation.updateInfo({ title: `Title ${count}` })],
];

describe("a queue beyond its limit", () => {
  test.each(CHANGES)("takes %s at the same cost each, and all of them are saved", async (_name, change) => {
    const directory = temporaryDirectory();
    const conversation = await managerIn(directory, { realTimeSave: false, maxQueuedChanges: 100 }).open(ID);
    const took: number[] = [];
    for (let part = 0; part < PARTS && !hasGrown(took); part += 1) {
      took.push(
        cpuOf(() => {
          for (let count = part * PART; count < (part + 1) * PART; count += 1) change(conversation, count);
        }),
      );
    }
    expect(hasGrown(took) ? `${PART} at a time took ${took.join(", ")} ms` : "").toBe("");
    await conversation.flush();
    const loaded = await managerIn(directory).load(ID);
    expect([loaded?.state, loaded?.metadata.revision]).toEqual([conversation.state, conversation.revision]);
  });

  test("does not grow while a slow disk has a batch under way", async () => {
    const directory = temporaryDirectory();
    let go: (() => void) | undefined;
    const stuck = new Promise<void>((resolve) => {
      go = resolve;
    });
    let isStuck = false;
    const storage = turnedStorage(directory, {
      createLog: async (call) => {
        if (isStuck) await stuck;
        return call();
      },
    });
    const conversation = await managerIn(directory, { storage, maxQueuedChanges: 100 }).open(ID);
    conversation.update((draft) => {
      Reflect.set(draft, "n", -1);
    });
    await conversation.flush();
    isStuck = true;
    const took: number[] = [];
    for (let part = 0; part < PARTS && !hasGrown(took); part += 1) {
      took.push(
        cpuOf(() => {
          for (let count = part * PART; count < (part + 1) * PART; count += 1)
            conversation.update((draft) => {
              Reflect.set(draft, "n", count);
            });
        }),
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
    go?.();
    expect(hasGrown(took) ? `${PART} at a time took ${took.join(", ")} ms` : "").toBe("");
    await conversation.flush();
    expect(await managerIn(directory).loadState(ID)).toEqual(conversation.state);
  });

  test("is as cheap after a save that failed", async () => {
    const directory = temporaryDirectory();
    const disk = new Disk(directory, ["replace", "createLog"]);
    const conversation = await managerIn(directory, {
      realTimeSave: false,
      maxQueuedChanges: 100,
      storage: disk.storage,
    }).open(ID);
    await conversation.flush();
    disk.full = true;
    const took: number[] = [];
    for (let part = 0; part < PARTS && !hasGrown(took); part += 1) {
      took.push(
        cpuOf(() => {
          for (let count = part * PART; count < (part + 1) * PART; count += 1)
            conversation.update((draft) => {
              Reflect.set(draft, "n", count);
            });
        }),
      );
      await conversation.flush().catch(() => undefined);
    }
    expect(hasGrown(took) ? `${PART} at a time took ${took.join(", ")} ms` : "").toBe("");
    disk.full = false;
    await conversation.flush();
    expect(await managerIn(directory).loadState(ID)).toEqual(conversation.state);
  });
});
