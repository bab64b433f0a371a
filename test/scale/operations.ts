/** The operations whose cost must not depend on how many other conversations there are, each on one prepared conversation. */
import { vi } from "vitest";
import type { Conversation, DraftStatePersistenceManager } from "../../src/index.js";
import { versionAt } from "../doubles/snapshots.js";
import { message, sleep, stateWith } from "../seams/seam.js";

export const ID = "tale";
/** Of timed saves; on a clock that the scenario advances. */
export const INTERVAL = 60_000;

/** What a large store may cost more. */
/** An undo lists the trash to choose, and again when its turn comes: something newer may have been done meanwhile. */
export type Allowed = "nothing" | "one listing of each area" | "one listing of each area, two of the trash";

export interface Operation {
  readonly name: string;
  readonly allowed: Allowed;
  /** Up to where it is measured; what it gives is measured. */
  readonly prepare: (manager: DraftStatePersistenceManager) => Promise<() => Promise<unknown>>;
  readonly isTimed?: boolean;
}

export function say(conversation: Conversation): void {
  conversation.update((draft) => {
    draft.messages.push(message(`m${String(draft.messages.length).padStart(6, "0")}`));
  });
}

async function turn(conversation: Conversation): Promise<void> {
  say(conversation);
  await conversation.endTurn();
}

function begin(conversation: Conversation): void {
  conversation.update((draft) => {
    draft.streamingProperties = {
      ...draft.streamingProperties,
      streamingStartTime: "2026-01-14T21:30:00.000Z",
      streamingEndTime: null,
    };
  });
}

async function stream(conversation: Conversation, tokens: number): Promise<void> {
  for (let count = 0; count < tokens; count += 1) conversation.appendToken(` ${count % 10}`);
  await conversation.flush();
}

/** One round of the timer, and the interim backup that it makes. */
async function timedSave(manager: DraftStatePersistenceManager, conversation: Conversation): Promise<void> {
  await stream(conversation, 5);
  let isBackedUp = false;
  manager.on("backupCreated", () => (isBackedUp = true));
  // A round that comes while the one before is not over does nothing.
  while (!isBackedUp) {
    vi.advanceTimersByTime(INTERVAL);
    await settled();
  }
}

/** Whatever was begun and is not awaited is over: with a storage in memory only compression takes any time. */
export async function settled(): Promise<void> {
  await sleep(20);
}

function onOpen(
  name: string,
  allowed: Allowed,
  prepare: (conversation: Conversation, manager: DraftStatePersistenceManager) => Promise<unknown>,
  act: (conversation: Conversation, manager: DraftStatePersistenceManager) => Promise<unknown>,
): Operation {
  return {
    name,
    allowed,
    prepare: async (manager) => {
      const conversation = await manager.open(ID);
      await prepare(conversation, manager);
      return () => act(conversation, manager);
    },
  };
}

function onClosed(
  name: string,
  allowed: Allowed,
  act: (manager: DraftStatePersistenceManager) => Promise<unknown>,
  prepare: (manager: DraftStatePersistenceManager) => Promise<unknown> = () => Promise.resolve(),
): Operation {
  return {
    name,
    allowed,
    prepare: async (manager) => {
      await prepare(manager);
      return () => act(manager);
    },
  };
}

const ONE = "one listing of each area";
const UNDO = "one listing of each area, two of the trash";

function imported(manager: DraftStatePersistenceManager, id: string, inBatch = false): Promise<void> {
  return manager.import({
    id,
    inBatch,
    version: versionAt(1, stateWith("imported") as never),
    points: [],
    at: "2026-01-14T21:30:00.000Z",
  });
}

export const OPERATIONS: readonly Operation[] = [
  onClosed("open, existing", ONE, (manager) => manager.open(ID)),
  onClosed("open, new", ONE, (manager) => manager.open("new-one")),
  onOpen(
    "end of turn, the session's first",
    ONE,
    async (conversation) => say(conversation),
    (conversation) => conversation.endTurn(),
  ),
  onOpen(
    "end of turn, the second",
    "nothing",
    async (conversation) => {
      await turn(conversation);
      say(conversation);
    },
    (conversation) => conversation.endTurn(),
  ),
  onOpen(
    "end of turn, beyond maxBackups",
    "nothing",
    async (conversation) => {
      for (let count = 0; count < 12; count += 1) await turn(conversation);
      say(conversation);
    },
    (conversation) => conversation.endTurn(),
  ),
  {
    ...onOpen(
      "timed save with interim backup",
      "nothing",
      async (conversation, manager) => {
        begin(conversation);
        await timedSave(manager, conversation);
      },
      (conversation, manager) => timedSave(manager, conversation),
    ),
    isTimed: true,
  },
  onOpen(
    "streaming 200 tokens",
    "nothing",
    async (conversation) => begin(conversation),
    (conversation) => stream(conversation, 200),
  ),
  onOpen(
    "compaction",
    "nothing",
    async (conversation) => {
      say(conversation);
      await conversation.flush();
    },
    (conversation) => conversation.compact(),
  ),
  onOpen(
    "close",
    "nothing",
    async (conversation) => {
      await turn(conversation);
      say(conversation);
    },
    (conversation) => conversation.close(),
  ),
  onClosed("saveState, which opens", ONE, (manager) => manager.saveState(ID, stateWith("a000001"))),
  onClosed(
    "saveState, again",
    "nothing",
    (manager) => manager.saveState(ID, stateWith("a000001", "a000002")),
    (manager) => manager.saveState(ID, stateWith("a000001")),
  ),
  onClosed("backup", ONE, (manager) => manager.backup(ID, { reason: "manual", tag: "kept" })),
  onOpen(
    "backup of an open session, the second",
    "nothing",
    (conversation) => conversation.backup({ reason: "manual", tag: "first" }),
    async (conversation) => {
      say(conversation);
      await conversation.backup({ reason: "manual", tag: "second" });
    },
  ),
  onClosed(
    "restore latest",
    ONE,
    (manager) => manager.restore(ID, "latest"),
    async (manager) => {
      const conversation = await manager.open(ID);
      say(conversation);
      await conversation.close();
    },
  ),
  onClosed(
    "undo of a restore",
    UNDO,
    (manager) => manager.undo(ID),
    (manager) => manager.restore(ID, "@1"),
  ),
  onClosed(
    "undo of rm",
    UNDO,
    (manager) => manager.undo(ID),
    (manager) => manager.remove(ID),
  ),
  onClosed("rm", ONE, (manager) => manager.remove(ID)),
  onClosed("rm, purge", ONE, (manager) => manager.remove(ID, { purge: true })),
  onClosed("prune of one", ONE, (manager) => manager.prune({ id: ID, max: 1 })),
  onClosed("fork", ONE, (manager) => manager.fork(ID, { newId: "copy" })),
  onClosed("rename", ONE, (manager) => manager.rename(ID, "Another title")),
  onClosed("load", "nothing", (manager) => manager.load(ID)),
  onClosed("listBackups", ONE, (manager) => manager.listBackups(ID)),
  onClosed(
    "import of one more in a batch",
    "nothing",
    (manager) => imported(manager, "import-2", true),
    (manager) => imported(manager, "import-1"),
  ),
];
