/**
 * What works on an open conversation looks at it in one moment, while its handle goes on changing it. Each test changes it in front
 * of every storage call of the operation in turn.
 */
import { expect, test } from "vitest";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { Conversation } from "../../src/session/conversation.js";
import { interposedStorage } from "../doubles/interposed.js";
import { token } from "../doubles/answering.js";
import { codeRejected } from "../doubles/error-code.js";
import { begin, end, managerOver, memory, turn } from "../doubles/managers.js";
import { isJsonObject } from "../../src/model/json.js";
import { isStreaming, messagesOf, type State } from "../../src/model/conversation.js";

interface Meeting {
  readonly manager: DraftStatePersistenceManager;
  readonly conversation: Conversation;
  /** Whether the operation was over before the change could come. */
  readonly isOver: boolean;
}

interface Case {
  readonly start?: (meeting: Meeting) => Promise<void>;
  readonly act: (meeting: Meeting) => Promise<unknown>;
  readonly change: (conversation: Conversation) => void;
  readonly check: (meeting: Meeting, result: unknown) => Promise<void>;
}

const MOST_CALLS = 60;

/** Changes the conversation in front of the first call, then, of another, in front of the second … */
async function atEachCall({ start, act, change, check }: Case): Promise<void> {
  for (let call = 1; call < MOST_CALLS; call += 1) {
    let left = Infinity;
    const storage = interposedStorage(memory(), () => {
      left -= 1;
      if (left === 0) change(conversation);
    });
    const manager = managerOver(storage, { realTimeSave: false });
    const conversation: Conversation = await manager.open("chat");
    await turn(conversation, "one", "two");
    await start?.({ manager, conversation, isOver: false });
    left = call;
    const result = await act({ manager, conversation, isOver: false });
    const isOver = left > 0;
    left = Infinity;
    await check({ manager, conversation, isOver }, result);
    await manager.close();
    if (isOver) return;
  }
  throw new Error("more calls than were tried");
}

/** What was said, an answer under way left out. */
function said(state: State): string {
  return messagesOf(state)
    .map((message) => (isJsonObject(message) && typeof message["content"] === "string" ? message["content"] : "?"))
    .join();
}

async function backupTexts(manager: DraftStatePersistenceManager): Promise<string[]> {
  const backups = await manager.listBackups("chat");
  return Promise.all(
    backups.map(async ({ timestamp }) => said((await manager.readBackup("chat", timestamp)).version.state)),
  );
}

function titled(title: string): (conversation: Conversation) => void {
  return (conversation) => {
    conversation.updateInfo({ title });
  };
}

const titleOf = async (manager: DraftStatePersistenceManager): Promise<string | undefined> =>
  (await manager.load("chat"))?.metadata.title;

const saved = { messages: [{ id: "s", role: "user", content: "saved", createdAt: "2026-01-14T21:30:00.000Z" }] };

function later(conversation: Conversation): void {
  conversation.update((draft) => void (draft.currentNarrative = "later"));
}

test("a save that ends a turn has its backup, of what it saved, though an answer begins while it is written", () =>
  atEachCall({
    act: ({ manager }) => manager.saveState("chat", saved),
    change: (conversation) => {
      token(conversation, "Once");
    },
    check: async ({ manager }) => {
      expect((await backupTexts(manager))[0]).toBe("saved");
    },
  }));

test("the end of a turn has a backup of that turn, though the next one begins while it is written", () =>
  atEachCall({
    start: async ({ conversation }) => {
      begin(conversation, "three");
      conversation.appendToken("four");
      end(conversation);
      return Promise.resolve();
    },
    act: ({ conversation }) => conversation.endTurn(),
    change: (conversation) => {
      begin(conversation, "five");
    },
    check: async ({ manager }) => {
      expect((await backupTexts(manager))[0]).toBe("one,two,three,four");
    },
  }));

test("a backup is of the moment in which it was asked for", () =>
  atEachCall({
    start: async ({ conversation }) => {
      begin(conversation, "three");
      return Promise.resolve();
    },
    act: ({ manager }) => manager.backup("chat", { reason: "manual", tag: "mine" }),
    change: (conversation) => {
      begin(conversation, "four");
    },
    check: async ({ manager }) => {
      expect((await backupTexts(manager))[0]).toBe("one,two,three");
    },
  }));

test("a rename gives back, once undone, the title that the conversation had when it was renamed", () =>
  atEachCall({
    act: ({ manager }) => manager.rename("chat", "Renamed"),
    change: titled("Mine"),
    check: async ({ manager, conversation, isOver }) => {
      await conversation.flush();
      if (isOver || (await titleOf(manager)) === "Mine") return;
      await manager.undo("chat");
      expect(await titleOf(manager)).toBe("Mine");
    },
  }));

interface Undoable {
  readonly kind: string;
  readonly operate: (manager: DraftStatePersistenceManager) => Promise<unknown>;
  readonly isUndone: (conversation: Conversation) => boolean;
}

const undoables: readonly Undoable[] = [
  {
    kind: "rename",
    operate: (manager) => manager.rename("chat", "Renamed"),
    isUndone: ({ info }) => info.title !== "Renamed",
  },
  {
    kind: "restore",
    operate: async (manager) => {
      const [{ timestamp } = { timestamp: "" }] = await manager.listBackups("chat");
      await manager.saveState("chat", saved);
      return manager.restore("chat", timestamp);
    },
    isUndone: ({ state }) => said(state) === "saved",
  },
];

test.each(undoables)("what comes after the undo of a $kind is never taken away by a redo", ({ operate, isUndone }) => {
  let isAfter = false;
  return atEachCall({
    start: async ({ manager }) => void (await operate(manager)),
    act: ({ manager }) => manager.undo("chat"),
    change: (conversation) => {
      isAfter = isUndone(conversation);
      later(conversation);
    },
    check: async ({ manager, conversation, isOver }) => {
      await conversation.flush();
      if (isAfter && !isOver) expect(await codeRejected(manager.redo("chat"))).toBe("USAGE");
    },
  });
});

test.each(undoables)("a redo of a $kind is refused where a change comes before it", ({ operate, isUndone }) => {
  let isBefore = false;
  return atEachCall({
    start: async ({ manager }) => {
      await operate(manager);
      await manager.undo("chat");
    },
    act: ({ manager }) => codeRejected(manager.redo("chat")),
    change: (conversation) => {
      isBefore = isUndone(conversation);
      later(conversation);
    },
    check: async ({ conversation, isOver }, result) => {
      await conversation.flush();
      if (!isOver) expect(conversation.state.currentNarrative).toBe("later");
      expect(result).toBe(isBefore && !isOver ? "USAGE" : "it resolved");
    },
  });
});

test("the result of a restore is of the restore, not of what was changed since", () =>
  atEachCall({
    start: async ({ manager }) => manager.saveState("chat", saved),
    act: async ({ manager }) => {
      const [, { timestamp } = { timestamp: "" }] = await manager.listBackups("chat");
      return manager.restore("chat", timestamp);
    },
    change: later,
    check: async ({ conversation, isOver }, result) => {
      await conversation.flush();
      const isAfter = !isOver && conversation.state.currentNarrative === "later";
      expect(result).toMatchObject({ revision: isAfter ? conversation.revision - 1 : conversation.revision });
    },
  }));

test(
  "an interim backup is of the answer under way, though it ends while the snapshot is written",
  { timeout: 5000 },
  async () => {
    let isToEnd = false;
    const storage = interposedStorage(memory(), (_method, call) => {
      if (isToEnd && call === "replace state/chat.json") end(conversation);
      isToEnd &&= isStreaming(conversation.state);
    });
    const manager = managerOver(storage, { autoSave: true, autoSaveInterval: 10 });
    const backedUp = new Promise<unknown>((resolve) => manager.on("backupCreated", resolve));
    const conversation: Conversation = await manager.open("chat");
    begin(conversation, "one");
    await conversation.flush();
    isToEnd = true;
    conversation.appendToken("two");
    expect(await backedUp).toMatchObject({ reason: "interim" });
    expect(await backupTexts(manager)).toEqual(["one"]);
    await manager.close();
  },
);
