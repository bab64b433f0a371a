/** An operation of a session that is still open, whose outcome could not be saved or recorded at once: it is settled before an undo chooses, or the undo is refused. */
import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Conversation, DraftStatePersistenceManager, Key } from "../../src/index.js";
import {
  add,
  cleanUp,
  found,
  ID,
  managerIn,
  noRoom,
  outcome,
  stateDirectory,
  temporaryDirectory,
  texts,
  turnedStorage,
  turns,
  type Turn,
} from "./seam.js";

afterEach(cleanUp);

/** A store whose content, or whose trash, takes no change while that is said. */
class Refusing {
  readonly directory = temporaryDirectory();
  readonly manager: DraftStatePersistenceManager;
  content = false;
  trash = false;
  /** Called when content is refused. */
  onRefused: () => void = () => undefined;
  /** Called once a pending record is written. */
  onPending: () => void = () => undefined;

  constructor() {
    const content: Turn = (go, key) => {
      if (!this.content || (key as Key).area !== "state") return go();
      this.onRefused();
      return Promise.reject(noRoom());
    };
    const trash: Turn = (go, key) =>
      this.trash && (key as Key).name.startsWith("pending_") ? Promise.reject(noRoom()) : go();
    const log: Turn = async (go, key) => refusingLog((await content(go, key)) as object, () => this.content);
    const replace: Turn = async (go, key) => {
      const done = await content(go, key);
      if ((key as Key).name.startsWith("pending_")) this.onPending();
      return done;
    };
    const storage = turnedStorage(this.directory, { replace, createLog: log, remove: trash, move: trash });
    this.manager = managerIn(this.directory, { storage });
  }

  async told(...ids: string[]): Promise<Conversation> {
    const conversation = await this.manager.open(ID);
    await turns(conversation, ...ids);
    return conversation;
  }

  pendingRecords(): string[] {
    const trash = join(stateDirectory(this.directory), ".draftstate", "trash");
    return readdirSync(trash).filter((name) => name.startsWith("pending_"));
  }

  /** The directory as a kill would leave it now. */
  killed(): string {
    const image = temporaryDirectory();
    cpSync(this.directory, image, { recursive: true });
    const locks = join(stateDirectory(image), ".draftstate", "locks");
    for (const name of readdirSync(locks)) rmSync(join(locks, name));
    return image;
  }
}

function refusingLog(log: object, isRefused: () => boolean): object {
  return new Proxy(log, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown =>
        isRefused() && String(name).startsWith("append")
          ? Promise.reject(noRoom())
          : Reflect.apply(value, target, args);
    },
  });
}

async function kinds(manager: DraftStatePersistenceManager): Promise<string[]> {
  return (await manager.operations()).map(({ operation }) => operation);
}

/** Refused for want of room, and it stands all the same: something was said on the content that it put there. */
async function standing(older: boolean): Promise<{ readonly store: Refusing; readonly conversation: Conversation }> {
  const store = new Refusing();
  const conversation = await store.told("one", "two");
  if (older) await store.manager.rename(ID, "title");
  store.content = true;
  store.onRefused = () => {
    if (texts(conversation.state).join() === "one") add(conversation, "later");
  };
  expect(await outcome(store.manager.restore(ID, "@1"))).toBe("STORAGE");
  expect(texts(conversation.state)).toEqual(["one", "later"]);
  return { store, conversation };
}

describe("a restore that stands because of a later change", () => {
  test.each([false, true])("is what undo takes back once it is saved (an older operation: %s)", async (older) => {
    const { store, conversation } = await standing(older);
    store.content = false;
    await conversation.flush();
    expect(await store.manager.undo(ID)).toMatchObject({ operation: "restore" });
    expect(texts(conversation.state)).toEqual(["one", "two"]);
  });

  test("is saved by the undo, which takes it back", async () => {
    const { store, conversation } = await standing(true);
    store.content = false;
    expect(await store.manager.undo()).toMatchObject({ operation: "restore" });
    expect(texts(conversation.state)).toEqual(["one", "two"]);
  });

  test("while it cannot be saved, undo is refused, and nothing older is taken back", async () => {
    const { store, conversation } = await standing(true);
    for (const undo of [store.manager.undo(ID), store.manager.undo()]) expect(await outcome(undo)).toBe("STORAGE");
    expect(texts(conversation.state)).toEqual(["one", "later"]);
    expect(conversation.info.title).toBe("title");
  });

  test("is offered as soon as it is saved", async () => {
    const { store, conversation } = await standing(true);
    store.content = false;
    await conversation.flush();
    await conversation.compact();
    expect(await kinds(store.manager)).toEqual(["restore", "rename"]);
  });

  test("is offered once the conversation is closed", async () => {
    const { store, conversation } = await standing(false);
    store.content = false;
    await conversation.close();
    expect(await kinds(store.manager)).toEqual(["restore"]);
    expect(store.pendingRecords()).toEqual([]);
  });

  test("is taken back by an undo that chose an older operation while it was under way", async () => {
    const store = new Refusing();
    const conversation = await store.told("one", "two");
    await store.manager.rename(ID, "title");
    store.content = true;
    store.onRefused = () => {
      if (texts(conversation.state).join() === "one") add(conversation, "later");
    };
    const restoring = outcome(store.manager.restore(ID, "@1")).finally(() => {
      store.content = false;
    });
    const undoing = store.manager.undo(ID);
    expect(await restoring).toBe("STORAGE");
    expect(await undoing).toMatchObject({ operation: "restore" });
    expect(texts(conversation.state)).toEqual(["one", "two"]);
  });
});

describe("a restore that was taken back, and whose record could not be", () => {
  async function takenBack(): Promise<{ readonly store: Refusing; readonly conversation: Conversation }> {
    const store = new Refusing();
    const conversation = await store.told("one", "two");
    store.content = true;
    store.onRefused = () => {
      store.trash = true;
    };
    expect(await outcome(store.manager.restore(ID, "@1"))).toBe("STORAGE");
    expect(texts(conversation.state)).toEqual(["one", "two"]);
    store.content = false;
    return { store, conversation };
  }

  test("lets nothing be saved that would be taken for it after a kill", async () => {
    const { store, conversation } = await takenBack();
    add(conversation, "three");
    expect(await outcome(conversation.flush())).toBe("STORAGE");
    const image = store.killed();
    await (await managerIn(image).open(ID)).close();
    expect(await kinds(managerIn(image))).toEqual([]);
    expect(await found(image)).toEqual(["one", "two"]);
  });

  test("is forgotten by the next save that can, which saves all", async () => {
    const { store, conversation } = await takenBack();
    add(conversation, "three");
    store.trash = false;
    await conversation.flush();
    const image = store.killed();
    await (await managerIn(image).open(ID)).close();
    expect(await kinds(managerIn(image))).toEqual([]);
    expect(await found(image)).toEqual(["one", "two", "three"]);
  });

  test("is forgotten before anything else is done to the open conversation, or that is refused", async () => {
    const { store } = await takenBack();
    expect(await outcome(store.manager.prune({ id: ID, max: 1 }))).toBe("STORAGE");
    expect(await store.manager.listBackups(ID)).toHaveLength(2);
    store.trash = false;
    expect(await outcome(store.manager.prune({ id: ID, max: 1 }))).toBe("ok");
  });
});

test("a restore that gave up because something was said meanwhile lets nothing be saved beside its record", async () => {
  const store = new Refusing();
  const conversation = await store.told("one", "two");
  store.onPending = () => {
    add(conversation, "meanwhile");
    store.trash = true;
  };
  expect(await outcome(store.manager.restore(ID, "@1"))).toBe("STORAGE");
  expect(await outcome(conversation.flush())).toBe("STORAGE");
  const image = store.killed();
  await (await managerIn(image).open(ID)).close();
  expect(await kinds(managerIn(image))).toEqual([]);
  store.trash = false;
  await conversation.close();
  expect(await found(store.directory)).toEqual(["one", "two", "meanwhile"]);
  expect(store.pendingRecords()).toEqual([]);
});

test("a pending record whose replacement rejected though it took its name is in the way of nothing", async () => {
  const directory = temporaryDirectory();
  let isOnce = true;
  const replace: Turn = async (go, key) => {
    const done = await go();
    if (!isOnce || !(key as Key).name.startsWith("pending_")) return done;
    isOnce = false;
    throw noRoom();
  };
  const manager = managerIn(directory, { storage: turnedStorage(directory, { replace }) });
  await turns(await manager.open(ID), "one", "two");
  expect(await outcome(manager.rename(ID, "first"))).toBe("STORAGE");
  expect(await outcome(manager.rename(ID, "second"))).toBe("ok");
  expect(await kinds(manager)).toEqual(["rename"]);
});
