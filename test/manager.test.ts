/** The manager's promises, over storage in memory and over files: what is saved, when, by whom, and what a reader sees. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DraftstateError } from "../src/errors.js";
import { initialState, MAX_REVISION } from "../src/model/conversation.js";
import type { DraftStatePersistenceManager, ManagerOptions } from "../src/manager.js";
import { createLocalStorage } from "../src/storage/index.js";
import type { Storage } from "../src/storage/storage.js";
import { codeRejected, codeThrown } from "./doubles/error-code.js";
import { answering } from "./doubles/answering.js";
import { begin, end, managerOver, memory, turn } from "./doubles/managers.js";
import { snapshotBytes, versionAt } from "./doubles/snapshots.js";
import { ProcessWorld } from "./doubles/process-world.js";
import { SimulatedFileSystem } from "./doubles/simulated-file-system.js";
import { storageOver } from "./doubles/storage-over.js";

interface Store {
  readonly storage: Storage;
  /** The same files as another process sees them. */
  other(): Storage;
  dispose(): Promise<void>;
}

async function files(): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), "draftstate-manager-"));
  const make = (): Storage =>
    createLocalStorage({ stateDir: join(directory, "state"), backupDir: join(directory, "backup"), command: "test" });
  return { storage: make(), other: make, dispose: () => rm(directory, { recursive: true, force: true }) };
}

function inMemory(): Promise<Store> {
  const storage = memory();
  return Promise.resolve({ storage, other: () => storage, dispose: () => Promise.resolve() });
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.each([
  ["memory", inMemory],
  ["files", files],
] as const)("over %s", (_name, make) => {
  let store: Store;
  let manager: DraftStatePersistenceManager;
  const open: DraftStatePersistenceManager[] = [];

  const managing = (options: ManagerOptions = {}, storage = store.other()): DraftStatePersistenceManager => {
    const made = managerOver(storage, options);
    open.push(made);
    return made;
  };
  beforeEach(async () => {
    store = await make();
    manager = managing();
  });
  afterEach(async () => {
    await Promise.allSettled(open.splice(0).map((each) => each.close()));
    await store.dispose();
  });

  describe("open, update, flush, close", () => {
    test("what was flushed another process reads", async () => {
      const conversation = await manager.open("chat");
      begin(conversation, "Tell me");
      conversation.appendToken("Once");
      await conversation.flush();
      expect(await managing().loadState("chat")).toEqual(conversation.state);
    });

    test("closing saves what was not", async () => {
      const conversation = await manager.open("chat");
      await turn(conversation, "Tell me", "Once");
      answering(conversation);
      conversation.appendToken("!");
      await conversation.close();
      expect((await managing().loadState("chat"))?.currentNarrative).toBe("Once!");
    });

    test("a closed conversation takes no change", async () => {
      const conversation = await manager.open("chat");
      await conversation.close();
      expect(
        codeThrown(() => {
          conversation.appendToken("x");
        }),
      ).toBe("USAGE");
    });

    test.each(["appendToken", "appendReasoning"] as const)(
      "outside an answer, %s is refused and changes nothing",
      async (method) => {
        const conversation = await manager.open("chat");
        const refused = (): void => {
          const before = conversation.version;
          expect(codeThrown(() => conversation[method]("x"))).toBe("USAGE");
          expect(conversation.version).toEqual(before);
        };
        refused();
        begin(conversation, "Tell me");
        conversation[method]("Once");
        end(conversation);
        refused();
      },
    );

    test("opened again it continues at the same revision", async () => {
      const first = await manager.open("chat");
      await turn(first, "Tell me", "Once");
      await first.close();
      const second = await manager.open("chat");
      expect([second.revision, second.state]).toEqual([first.revision, first.state]);
    });

    test("closing leaves no journal", async () => {
      const conversation = await manager.open("chat");
      await turn(conversation, "Tell me", "Once");
      await conversation.close();
      expect(await store.storage.list("state")).toEqual(["chat.json"]);
    });

    test("a closed manager opens nothing", async () => {
      await manager.close();
      expect(await codeRejected(manager.open("chat"))).toBe("USAGE");
    });

    test.each(["", "../x", "a/b", ".hidden", "con", "x".repeat(129)])("%j is no id", async (id) => {
      expect(await codeRejected(manager.open(id))).toBe("INVALID_ID");
    });

    test("an id that differs by case alone is refused", async () => {
      await (await manager.open("Chat")).close();
      expect(await codeRejected(manager.open("chat"))).toBe("INVALID_ID");
    });

    test("expecting it new or existing is kept", async () => {
      expect(await codeRejected(manager.open("chat", { expect: "existing" }))).toBe("NOT_FOUND");
      await (await manager.open("chat", { expect: "new" })).close();
      expect(await codeRejected(manager.open("chat", { expect: "new" }))).toBe("INVALID_ID");
    });
  });

  describe("one writer", () => {
    test("a second one is refused with LOCKED", async () => {
      await manager.open("chat");
      expect(await codeRejected(managing().open("chat"))).toBe("LOCKED");
      expect(await codeRejected(manager.open("chat"))).toBe("LOCKED");
    });

    test("a second one waits for lockTimeout, and gets it", async () => {
      const first = await manager.open("chat");
      const second = managing({ lockTimeout: 5000 }).open("chat");
      await wait(30);
      await first.close();
      expect((await second).id).toBe("chat");
    });

    test("a waiting one gives up after lockTimeout", async () => {
      await manager.open("chat");
      const started = performance.now();
      expect(await codeRejected(managing({ lockTimeout: 60 }).open("chat"))).toBe("LOCKED");
      expect(performance.now() - started).toBeGreaterThan(50);
    });

    test("readers take no lock, and see the answer as streaming", async () => {
      const conversation = await manager.open("chat");
      begin(conversation, "Tell me");
      conversation.appendToken("Once");
      await conversation.flush();
      const [row] = await managing().list();
      expect([row?.status, (await managing().load("chat"))?.metadata.status]).toEqual(["streaming", "streaming"]);
    });
  });

  describe("saveState", () => {
    test("is durable when it resolves, and comes back without _metadata", async () => {
      await manager.saveState("chat", { a: [1, "é\ud83d"], _metadata: { revision: 99 } });
      expect(await managing().loadState("chat")).toEqual({ a: [1, "é\ud83d"] });
    });

    test("refuses what is no plain JSON, and keeps what was", async () => {
      await manager.saveState("chat", { a: 1 });
      expect(await codeRejected(manager.saveState("chat", { a: Number.NaN }))).toBe("INVALID_STATE");
      expect(await managing().loadState("chat")).toEqual({ a: 1 });
    });

    test("neither changes nor freezes the caller's object", async () => {
      const mine = { list: [1] };
      await manager.saveState("chat", mine);
      mine.list.push(2);
      expect(await managing().loadState("chat")).toEqual({ list: [1] });
    });

    test("of many at once, the last wins and none is lost to a lock", async () => {
      await Promise.all(Array.from({ length: 20 }, (_, n) => manager.saveState("chat", { n })));
      expect(await managing().loadState("chat")).toEqual({ n: 19 });
    });

    test("lets go of the lock when no more saves come", async () => {
      await manager.saveState("chat", { a: 1 });
      const other = await managing({ lockTimeout: 3000 }).open("chat");
      expect(other.state).toEqual({ a: 1 });
    });

    test("there is nothing to load where nothing was saved", async () => {
      expect(await manager.loadState("chat")).toBeNull();
    });
  });

  describe("the settings decide what is saved when", () => {
    const save = async (
      options: ManagerOptions,
      method: "saveStateOnToken" | "saveStateOnChange",
    ): Promise<unknown> => {
      const saving = managing(options);
      await saving.saveState("chat", { a: 1 });
      await saving[method]("chat", { a: 2 });
      return managing().loadState("chat");
    };

    test.each<[string, ManagerOptions, "saveStateOnToken" | "saveStateOnChange", number]>([
      ["saveOnToken on", { saveOnToken: true }, "saveStateOnToken", 2],
      ["saveOnToken off", { saveOnToken: false }, "saveStateOnToken", 1],
      ["saveOnStateChange on", { saveOnStateChange: true }, "saveStateOnChange", 2],
      ["saveOnStateChange off", { saveOnStateChange: false }, "saveStateOnChange", 1],
      ["realTimeSave off, for tokens", { saveOnToken: true, realTimeSave: false }, "saveStateOnToken", 1],
      ["realTimeSave off, for changes", { realTimeSave: false }, "saveStateOnChange", 1],
    ])("%s", async (_label, options, method, saved) => {
      expect(await save(options, method)).toEqual({ a: saved });
    });

    test("what waited is saved with the next save", async () => {
      const saving = managing({ saveOnToken: false });
      await saving.saveStateOnToken("chat", { a: 1 });
      await saving.saveState("chat", { a: 1, b: 2 });
      expect(await managing().loadState("chat")).toEqual({ a: 1, b: 2 });
    });

    test("with realTimeSave off a change is saved at the interval", async () => {
      const conversation = await managing({ realTimeSave: false, autoSave: true, autoSaveInterval: 500 }).open("chat");
      await conversation.flush();
      answering(conversation);
      conversation.appendToken("Once");
      const narrative = async (): Promise<unknown> => (await managing().loadState("chat"))?.currentNarrative;
      expect(await narrative()).toBe("");
      await expect.poll(narrative, { timeout: 10_000 }).toBe("Once");
    });

    test("with saveOnToken on a token is saved by itself", async () => {
      const conversation = await managing({ saveOnToken: true }).open("chat");
      await conversation.flush();
      answering(conversation);
      conversation.appendToken("Once");
      await conversation.whenDurable(conversation.revision);
      expect((await managing().loadState("chat"))?.currentNarrative).toBe("Once");
    });
  });

  describe("damage", () => {
    const key = { area: "state", name: "chat.json" } as const;

    test("with nothing valid left it is CORRUPT, and nothing is changed", async () => {
      await managing().saveState("other", { a: 1 });
      await store.storage.replace(key, Buffer.from('{"messages":['));
      expect(await codeRejected(manager.loadState("chat"))).toBe("CORRUPT");
      expect(await codeRejected(manager.open("chat"))).toBe("CORRUPT");
      expect(Buffer.from((await store.storage.read(key)) ?? []).toString()).toBe('{"messages":[');
    });

    test("a newer version is NEWER_VERSION, and nothing is changed", async () => {
      const bytes = Buffer.from('{"_metadata":{"version":"2.0.0","conversationId":"chat"}}');
      await store.storage.prepare();
      await store.storage.replace(key, bytes);
      expect([await codeRejected(manager.loadState("chat")), await codeRejected(manager.open("chat"))]).toEqual([
        "NEWER_VERSION",
        "NEWER_VERSION",
      ]);
      expect(Buffer.from((await store.storage.read(key)) ?? [])).toEqual(bytes);
    });

    test("a snapshot changed from outside is never overwritten", async () => {
      const conversation = await manager.open("chat");
      await turn(conversation, "Tell me", "Once");
      const bytes = Buffer.from((await store.storage.read(key)) ?? [])
        .toString()
        .replace(/"revision": \d+/, '"revision": 999');
      await store.storage.replace(key, Buffer.from(bytes));
      answering(conversation);
      conversation.appendToken("!");
      await conversation.flush();
      expect(await codeRejected(conversation.compact())).toBe("LOCKED");
      expect(Buffer.from((await store.storage.read(key)) ?? []).toString()).toBe(bytes);
    });

    test("a damaged row hides no other", async () => {
      await manager.saveState("good", initialState());
      await store.storage.replace(key, Buffer.from("x"));
      expect((await managing().list()).map(({ conversationId, status }) => [conversationId, status]).sort()).toEqual([
        ["chat", "corrupt"],
        ["good", "complete"],
      ]);
    });
  });
});

describe("a writer that died", () => {
  async function dead(): Promise<SimulatedFileSystem> {
    const disk = new SimulatedFileSystem();
    const conversation = await managerOver(storageOver(disk)).open("chat");
    await turn(conversation, "Tell me", "Once");
    begin(conversation, "And then?");
    conversation.appendToken("Half an ans");
    await conversation.flush();
    return disk.settled();
  }
  const rebooted = (disk: SimulatedFileSystem, boot: string): DraftStatePersistenceManager =>
    managerOver(storageOver(disk, new ProcessWorld(boot).table(1), boot.replace("-", "")));

  test("leaves an answer that is interrupted, the same for each reader and the next writer", async () => {
    const disk = await dead();
    const [one, two] = [
      await rebooted(disk, "boot-2").loadState("chat"),
      await rebooted(disk, "boot-3").loadState("chat"),
    ];
    const writer = rebooted(disk, "boot-4");
    const conversation = await writer.open("chat");
    expect([two, conversation.state, await writer.loadState("chat")]).toEqual([one, one, one]);
    expect(one?.messages.at(-1)).toMatchObject({ role: "assistant", status: "interrupted", content: "Half an ans" });
  });

  test("is recovered once, with an event", async () => {
    const disk = await dead();
    const events: number[] = [];
    for (const boot of ["boot-2", "boot-3"]) {
      const writer = rebooted(disk, boot);
      writer.on("recovered", ({ revision }) => events.push(revision));
      await (await writer.open("chat")).close();
    }
    expect(events).toHaveLength(1);
  });

  test("whose journal is torn loses the torn record alone, and its bytes go to quarantine", async () => {
    const disk = await dead();
    const storage = storageOver(disk, new ProcessWorld("boot-2").table(1), "q");
    const journal = { area: "state", name: "chat.journal" } as const;
    const bytes = (await storage.read(journal)) ?? new Uint8Array();
    await storage.replace(journal, bytes.slice(0, -5));
    const conversation = await managerOver(storage).open("chat");
    const [kept] = await storage.list("quarantine");
    expect(conversation.state.messages.at(-1)).toMatchObject({ status: "interrupted", content: "" });
    expect(await storage.read({ area: "quarantine", name: kept ?? "" })).toEqual(bytes.slice(0, -5));
  });
});

describe("ids that look alike", () => {
  const IDS = [
    "chat",
    "chat_2025-01-14T21-30-00-000Z",
    "chat.json",
    "chat-1",
    "chat_",
    "2025-01-14T21-30-00-000Z",
    "chat.journal",
  ];

  test("never touch each other's files", async () => {
    const directory = await mkdtemp(join(tmpdir(), "draftstate-ids-"));
    const storage = createLocalStorage({
      stateDir: join(directory, "state"),
      backupDir: join(directory, "backup"),
      command: "test",
    });
    const manager = managerOver(storage, { maxBackups: 2 });
    const backups = async (): Promise<string[]> =>
      (await readdir(join(directory, "backup"))).filter((name) => name.endsWith(".json"));
    try {
      for (const id of IDS) {
        const conversation = await manager.open(id);
        for (const word of ["a", "b", "c"]) await turn(conversation, id, word);
        await conversation.close();
      }
      const before = new Map(
        await Promise.all(
          (await backups()).map(
            async (name) => [name, await readFile(join(directory, "backup", name), "utf8")] as const,
          ),
        ),
      );
      await manager.prune({ id: "chat", max: 1 });
      const left = await backups();
      expect([before.size, left.length]).toEqual([IDS.length * 2, IDS.length * 2 - 1]);
      for (const id of IDS) {
        expect((await manager.loadState(id))?.messages[0]?.content, id).toBe(id);
        expect(
          (await manager.listBackups(id)).map(({ conversationId, valid }) => [conversationId, valid]),
          id,
        ).toEqual(Array(id === "chat" ? 1 : 2).fill([id, true]));
      }
      expect((await manager.verify()).ok).toBe(true);
    } finally {
      await manager.close();
      await rm(directory, { recursive: true, force: true });
    }
  });

  test("a temporary file of one is not swept by another", async () => {
    const directory = await mkdtemp(join(tmpdir(), "draftstate-sweep-"));
    const storage = createLocalStorage({
      stateDir: join(directory, "state"),
      backupDir: join(directory, "backup"),
      command: "test",
    });
    await storage.prepare();
    const aside = join(directory, "state", ".tmp-abc-chat-1.json");
    await writeFile(aside, "x");
    await (await managerOver(storage).open("chat")).close();
    expect((await stat(aside)).size).toBe(1);
    await rm(directory, { recursive: true, force: true });
  });
});

test("a conversation whose revisions are used up is not changed any more: what followed could never be read", async () => {
  const storage = memory();
  const bytes = snapshotBytes(versionAt(MAX_REVISION));
  await storage.replace({ area: "state", name: "chat.json" }, bytes);
  const conversation = await managerOver(storage).open("chat");
  const changes = [
    () => {
      conversation.update((draft) => {
        draft.currentNarrative = "more";
      });
    },
    () => {
      conversation.appendToken("more");
    },
    () => {
      conversation.updateInfo({ title: "More" });
    },
  ];
  expect(changes.map(codeThrown)).toEqual(["INVALID_STATE", "INVALID_STATE", "INVALID_STATE"]);
  await conversation.close();
  expect(await managerOver(storage).loadState("chat")).toEqual(initialState());
});

test("verify names a file that it may not read, and checks the others all the same", async () => {
  const storage = memory();
  for (const id of ["a", "b", "c"]) await managerOver(storage).saveState(id, initialState());
  await storage.replace({ area: "state", name: "c.json" }, Buffer.from("torn"));
  const path = storage.describe({ area: "state", name: "b.json" });
  const read = storage.read.bind(storage);
  storage.read = async (key, options) => {
    if (key.name === "b.json") throw new DraftstateError("STORAGE", `${path}: permission denied`, { path });
    return read(key, options);
  };
  const { ok, problems } = await managerOver(storage).verify();
  expect([ok, problems.map(({ conversationId, kind }) => [conversationId, kind])]).toEqual([
    false,
    [
      ["b", "unreadable"],
      ["c", "snapshot-damaged"],
    ],
  ]);
});
