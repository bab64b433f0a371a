/** What was spilled is neither lost nor hidden, belongs to one conversation of one store, and goes only once the store has it. */
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ABSENCES, Place } from "./absence.js";
import {
  Acknowledged,
  add,
  cleanUp,
  CONTENT,
  Disk,
  fallbackIn,
  filesBelow,
  filesWith,
  found,
  ID,
  managerIn,
  outcome,
  reportsOf,
  sleep,
  stateWith,
  temporaryDirectory,
  texts,
  textsAnywhere,
  told,
  turns,
  valueOr,
  type StorageCall,
} from "./seam.js";
import { createLocalStorage, type CreateManagerOptions, type DraftStatePersistenceManager } from "../../src/index.js";

afterAll(cleanUp);

/** A session that says these while the disk is full, and is over. `first` is said, and saved, before. */
async function spilled(
  directory: string,
  ids: readonly string[],
  options: CreateManagerOptions = {},
  first: readonly string[] = ["saved"],
): Promise<void> {
  if (first.length > 0) await told(directory, first, options);
  const disk = new Disk(directory, CONTENT);
  const manager = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory), ...options });
  const conversation = await manager.open(ID);
  disk.full = true;
  for (const id of ids) {
    add(conversation, id);
    await conversation.flush();
  }
  await outcome(manager.close());
}

describe("a spill of another store", () => {
  test("never replaces a conversation of the same id", async () => {
    const [a, b, shared] = [temporaryDirectory(), temporaryDirectory(), fallbackIn(temporaryDirectory())];
    await told(b, ["of B"]);
    await spilled(a, ["of A, spilled", "of A, spilled too"], shared, ["of A"]);
    const manager = managerIn(b, shared);
    expect(texts(await manager.loadState(ID))).toEqual(["of B"]);
    const opened = await valueOr(manager.open(ID));
    expect(typeof opened === "string" ? ["of B"] : texts(opened.state)).toEqual(["of B"]);
    await manager.close();
    expect(await found(b)).toEqual(["of B"]);
    expect(await found(a, shared)).toEqual(["of A", "of A, spilled", "of A, spilled too"]);
  });

  test("is applied there and nowhere else, when both spill under one id", async () => {
    const [a, b, shared] = [temporaryDirectory(), temporaryDirectory(), fallbackIn(temporaryDirectory())];
    await spilled(a, ["of A, spilled"], shared, ["of A"]);
    await spilled(b, ["of B, spilled"], shared, ["of B"]);
    for (const [directory, name] of [
      [b, "B"],
      [a, "A"],
    ] as const) {
      const manager = managerIn(directory, shared);
      expect(texts((await manager.open(ID)).state)).toEqual([`of ${name}`, `of ${name}, spilled`]);
      await manager.close();
      expect(await found(directory)).toEqual([`of ${name}`, `of ${name}, spilled`]);
    }
  });

  test("begins no conversation where there is none of that id", async () => {
    const [a, b, shared] = [temporaryDirectory(), temporaryDirectory(), fallbackIn(temporaryDirectory())];
    await spilled(a, ["of A, spilled"], shared, ["of A"]);
    const manager = managerIn(b, shared);
    expect(await manager.ids()).toEqual([]);
    expect(await manager.list()).toEqual([]);
    expect(await manager.loadState(ID)).toBeNull();
    expect(texts((await manager.open(ID)).state)).toEqual([]);
    await manager.close();
    expect(await found(a, shared)).toEqual(["of A", "of A, spilled"]);
  });

  test("is this store's where its directory is only reached through a link", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "real"));
    symlinkSync(join(directory, "real"), join(directory, "link"));
    const shared = fallbackIn(directory);
    await spilled(join(directory, "link"), ["spilled"], shared);
    expect(await found(join(directory, "real"), shared)).toEqual(["saved", "spilled"]);
    const manager = managerIn(join(directory, "real"), shared);
    expect(texts((await manager.open(ID)).state)).toEqual(["saved", "spilled"]);
    await manager.close();
    expect(await found(join(directory, "link"))).toEqual(["saved", "spilled"]);
  });
});

describe("a spill of after an undo", () => {
  test("is a change that no redo of the removal takes away", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["saved"]);
    const first = managerIn(directory, fallbackIn(directory));
    await first.remove(ID);
    await first.undo();
    await first.close();
    await spilled(directory, ["since"], {}, []);
    const manager = managerIn(directory, fallbackIn(directory));
    expect(texts(await manager.loadState(ID))).toEqual(["saved", "since"]);
    expect(await manager.undone()).toMatchObject([{ operation: "rm", canRedo: false }]);
    expect(await valueOr(manager.redo())).toBe("USAGE");
    expect(texts(await manager.loadState(ID))).toEqual(["saved", "since"]);
    await manager.close();
  });
});

describe("a spill of a store whose directory is a link", () => {
  test("is this store's by the name of what the link leads to, also while that is away", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "disk"));
    symlinkSync(join(directory, "disk"), join(directory, "mounted"));
    const identityOf = (name: string): string =>
      createLocalStorage({ stateDir: join(directory, name), backupDir: join(directory, "backup"), command: "test" })
        .identity;
    const there = [identityOf("disk"), identityOf("mounted")];
    renameSync(join(directory, "disk"), join(directory, "away"));
    expect([there[1], identityOf("disk"), identityOf("mounted")]).toEqual([there[0], there[0], there[0]]);
  });
});

describe("a spill of an earlier conversation of the same id", () => {
  test("never replaces the later one, is kept beside it, and reported", async () => {
    const directory = temporaryDirectory();
    await spilled(directory, ["spilled", "spilled too", "spilled as well"]);
    const without = managerIn(directory);
    await without.remove(ID, { purge: true });
    add(await without.open(ID), "of the later one");
    await without.close();
    const manager = managerIn(directory, fallbackIn(directory));
    const reports = reportsOf(manager);
    expect(texts((await manager.open(ID)).state)).toEqual(["of the later one"]);
    await manager.close();
    expect(await found(directory)).toEqual(["of the later one"]);
    expect([...(await textsAnywhere(directory))]).toEqual(
      expect.arrayContaining(["spilled", "spilled too", "spilled as well"]),
    );
    expect(reports).not.toEqual([]);
  });

  test("is not shown by readers in the later one's place", async () => {
    const directory = temporaryDirectory();
    await spilled(directory, ["spilled", "spilled too", "spilled as well"]);
    const without = managerIn(directory);
    await without.remove(ID, { purge: true });
    add(await without.open(ID), "of the later one");
    await without.close();
    expect(await found(directory, fallbackIn(directory))).toEqual(["of the later one"]);
  });
});

describe.each(ABSENCES)("while the state directory is away (%s)", (how) => {
  async function place(): Promise<Place> {
    const made = new Place(how);
    const manager = made.manager(fallbackIn(made.directory));
    await turns(await manager.open(ID), "old one", "old two");
    await manager.close();
    return made;
  }

  test("what a new session was acknowledged is found once it is back", async () => {
    const away = await place();
    away.takeAway();
    const acknowledged = new Acknowledged();
    const manager = away.manager(fallbackIn(away.directory));
    await acknowledged.say(await valueOr(manager.open(ID)), "said meanwhile");
    await outcome(manager.close());
    away.bringBack();
    const again = away.manager(fallbackIn(away.directory));
    const now = texts((await again.open(ID)).state);
    expect(now.slice(0, 2)).toEqual(["old one", "old two"]);
    await again.close();
    expect(acknowledged.missingFrom(await textsAnywhere(away.directory, fallbackIn(away.directory)))).toEqual([]);
  });

  test("what an open session was acknowledged is there when it was closed and the directory is back", async () => {
    const away = await place();
    const manager = away.manager(fallbackIn(away.directory));
    const conversation = await manager.open(ID);
    const acknowledged = new Acknowledged();
    await acknowledged.say(conversation, "said before");
    away.takeAway();
    await acknowledged.say(conversation, "said meanwhile");
    await acknowledged.say(conversation, "said still");
    await outcome(manager.close());
    away.bringBack();
    const again = away.manager(fallbackIn(away.directory));
    const now = texts((await again.open(ID)).state);
    await again.close();
    expect(acknowledged.missingFrom(now)).toEqual([]);
    expect(await found(away.directory)).toEqual(now);
  });

  test("an open session loses nothing that was acknowledged when it comes back in the middle", async () => {
    const away = await place();
    const manager = away.manager(fallbackIn(away.directory));
    const conversation = await manager.open(ID);
    const acknowledged = new Acknowledged();
    await acknowledged.say(conversation, "said before");
    away.takeAway();
    await acknowledged.say(conversation, "said meanwhile");
    away.bringBack();
    await acknowledged.say(conversation, "said after");
    const closed = await outcome(manager.close());
    const now = await found(away.directory);
    expect(acknowledged.missingFrom(now)).toEqual([]);
    if (closed === "ok") expect(now).toEqual(["old one", "old two", "said before", "said meanwhile", "said after"]);
  });

  test("what was spilled is no conversation that a new session starts or a reader misses", async () => {
    const away = await place();
    const manager = away.manager(fallbackIn(away.directory));
    const conversation = await manager.open(ID);
    away.takeAway();
    const acknowledged = new Acknowledged();
    await acknowledged.say(conversation, "said meanwhile");
    await outcome(manager.close());
    const later = away.manager(fallbackIn(away.directory));
    expect(await outcome(later.open(ID))).toBe("STORAGE");
    const seen = await valueOr(later.loadState(ID));
    expect(seen === "STORAGE" ? acknowledged.ids : texts(seen as object | null)).toEqual(
      expect.arrayContaining(acknowledged.ids),
    );
  });
});

type Reader = readonly [string, (manager: DraftStatePersistenceManager) => Promise<unknown>, unknown];

function readers(expected: readonly string[], revision: number): readonly Reader[] {
  return [
    ["load", async (manager) => texts((await manager.load(ID))?.state), expected],
    ["loadState", async (manager) => texts(await manager.loadState(ID)), expected],
    [
      "list",
      async (manager) =>
        (await manager.list()).map(({ conversationId, messageCount, status }) => [
          conversationId,
          messageCount,
          status,
        ]),
      [[ID, expected.length, "complete"]],
    ],
    [
      "list's revision",
      async (manager) => Math.min(...(await manager.list()).map((row) => row.revision), revision),
      revision,
    ],
    ["ids", (manager) => manager.ids(), [ID]],
    ["listBackups", (manager) => outcome(manager.listBackups(ID)), "ok"],
    ["compare", async (manager) => texts((await manager.compare(ID, "now", "now")).after.state), expected],
    ["diff", (manager) => outcome(manager.diff(ID)), "ok"],
    // A spill that is ahead is no damage; verify may mention it.
    [
      "verify",
      async (manager) => (await manager.verify(ID)).problems.filter(({ kind }) => !kind.startsWith("spill")),
      [],
    ],
    ["verify as files", async (manager) => (await manager.verify()).checked > 0, true],
    ["a dry run of remove", (manager) => outcome(manager.remove(ID, { dryRun: true })), "ok"],
    [
      "fork",
      async (manager) => texts(await manager.fork(ID, { newId: "copy" }).then(() => manager.loadState("copy"))),
      expected,
    ],
    ["health", (manager) => outcome(manager.health()), "ok"],
    ["metrics", (manager) => outcome(manager.metrics()), "ok"],
  ];
}

describe("a conversation that is in a spill alone", () => {
  test.each(readers(["one", "two"], 3))("is known to %s", async (_name, read, expected) => {
    const directory = temporaryDirectory();
    await spilled(directory, ["one", "two"], {}, []);
    expect(await read(managerIn(directory, fallbackIn(directory)))).toEqual(expected);
  });

  test("comes home with the next session, and its file goes", async () => {
    const directory = temporaryDirectory();
    await spilled(directory, ["one", "two"], {}, []);
    const manager = managerIn(directory, fallbackIn(directory));
    expect(texts((await manager.open(ID)).state)).toEqual(["one", "two"]);
    await manager.close();
    expect(await found(directory)).toEqual(["one", "two"]);
    expect(filesBelow(fallbackIn(directory).fallbackDir)).toEqual([]);
  });

  test("is not taken for a new one: its name is taken", async () => {
    const directory = temporaryDirectory();
    await spilled(directory, ["one", "two"], {}, []);
    expect(await outcome(managerIn(directory, fallbackIn(directory)).open(ID, { expect: "new" }))).toBe("INVALID_ID");
    expect(await found(directory, fallbackIn(directory))).toEqual(["one", "two"]);
  });
});

describe("a spill that is ahead of its store", () => {
  test.each(readers(["saved", "spilled", "spilled too"], 4))(
    "is known to %s, after its session has ended",
    async (_name, read, expected) => {
      const directory = temporaryDirectory();
      await spilled(directory, ["spilled", "spilled too"]);
      expect(await read(managerIn(directory, fallbackIn(directory)))).toEqual(expected);
    },
  );

  test.each(readers(["saved", "spilled", "spilled too"], 4))(
    "is known to %s, while its session lives",
    async (_name, read, expected) => {
      const directory = temporaryDirectory();
      await told(directory, ["saved"]);
      const disk = new Disk(directory, CONTENT);
      const conversation = await managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) }).open(ID);
      disk.full = true;
      for (const id of ["spilled", "spilled too"]) {
        add(conversation, id);
        await conversation.flush();
      }
      expect(await read(managerIn(directory, fallbackIn(directory)))).toEqual(expected);
      disk.full = false;
    },
  );

  test("differs from the newest backup by what was spilled", async () => {
    const directory = temporaryDirectory();
    await spilled(directory, ["spilled"]);
    expect(JSON.stringify(await managerIn(directory, fallbackIn(directory)).diff(ID))).toContain("spilled");
  });

  test("goes with rm and comes back with undo", async () => {
    const directory = temporaryDirectory();
    await spilled(directory, ["spilled"]);
    const manager = managerIn(directory, fallbackIn(directory));
    await manager.remove(ID);
    expect([await manager.ids(), await manager.loadState(ID)]).toEqual([[], null]);
    await manager.undo(ID);
    expect(texts(await manager.loadState(ID))).toEqual(["saved", "spilled"]);
  });

  test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>]>([
    ["saveState", (manager) => manager.saveState(ID, stateWith("saved", "spilled", "later"))],
    ["rename", (manager) => manager.rename(ID, "Another title")],
    ["backup", (manager) => manager.backup(ID)],
    ["migrate", (manager) => manager.migrate({ id: ID })],
  ])("is the base of %s", async (_name, act) => {
    const directory = temporaryDirectory();
    await spilled(directory, ["spilled"]);
    const manager = managerIn(directory, fallbackIn(directory));
    await act(manager);
    await manager.close();
    expect((await found(directory, fallbackIn(directory))).slice(0, 2)).toEqual(["saved", "spilled"]);
  });

  test("is in the backup that a restore makes first", async () => {
    const directory = temporaryDirectory();
    await spilled(directory, ["spilled"]);
    const manager = managerIn(directory, fallbackIn(directory));
    await manager.restore(ID, "latest");
    expect(texts(await manager.loadState(ID))).toEqual(["saved"]);
    await manager.undo(ID);
    expect(texts(await manager.loadState(ID))).toEqual(["saved", "spilled"]);
  });
});

describe("a spill goes away", () => {
  test.each<StorageCall>(["replace", "settle"])(
    "only once it is durable in the store: not while %s is refused",
    async (refused) => {
      const directory = temporaryDirectory();
      await spilled(directory, ["spilled"]);
      const disk = new Disk(directory, [refused]);
      disk.full = true;
      const refusing = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) });
      await outcome(refusing.open(ID));
      await outcome(refusing.close());
      if (refused === "replace") expect(filesWith(fallbackIn(directory).fallbackDir, "spilled")).not.toEqual([]);
      expect(await found(directory, fallbackIn(directory))).toEqual(["saved", "spilled"]);
    },
  );

  test("once the session that made it has saved everything itself", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["saved"]);
    const disk = new Disk(directory, CONTENT);
    const manager = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) });
    const conversation = await manager.open(ID);
    disk.full = true;
    add(conversation, "spilled");
    await conversation.flush();
    expect(filesWith(fallbackIn(directory).fallbackDir, "spilled")).toHaveLength(1);
    disk.full = false;
    add(conversation, "after");
    await conversation.flush();
    await manager.close();
    expect(filesBelow(fallbackIn(directory).fallbackDir)).toEqual([]);
    expect(await found(directory)).toEqual(["saved", "spilled", "after"]);
  });

  test("not with another conversation's, nor with another session's", async () => {
    const directory = temporaryDirectory();
    const shared = fallbackIn(directory);
    const [a, b] = [join(directory, "a"), join(directory, "b")];
    await spilled(a, ["of A, spilled"], shared, ["of A"]);
    await spilled(b, ["of B, spilled"], shared, ["of B"]);
    expect(
      [filesWith(shared.fallbackDir, "of A, spilled"), filesWith(shared.fallbackDir, "of B, spilled")].map(
        ({ length }) => length,
      ),
    ).toEqual([1, 1]);
    const manager = managerIn(a, shared);
    await manager.open(ID);
    await manager.close();
    expect(
      [filesWith(shared.fallbackDir, "of A, spilled"), filesWith(shared.fallbackDir, "of B, spilled")].map(
        ({ length }) => length,
      ),
    ).toEqual([0, 1]);
  });

  test.each<[string, (text: string) => string]>([
    ["was cut off", (text) => text.slice(0, text.length / 2)],
    ["has a bit turned", (text) => text.replace("spilled", "spillee")],
    ["is empty", () => ""],
  ])("not where it is damaged (%s): it is kept, reported, and hides nothing else", async (_how, damage) => {
    const directory = temporaryDirectory();
    await spilled(directory, ["spilled"]);
    const [path = ""] = filesWith(fallbackIn(directory).fallbackDir, "spilled");
    const damaged = damage(readFileSync(path, "utf8"));
    writeFileSync(path, damaged);
    const manager = managerIn(directory, fallbackIn(directory));
    const reports = reportsOf(manager);
    expect(texts((await manager.open(ID)).state)).toEqual(["saved"]);
    await manager.close();
    expect(reports.filter((report) => report.startsWith("warning"))).not.toEqual([]);
    expect(filesBelow(directory).filter((each) => readFileSync(each, "utf8") === damaged)).not.toEqual([]);
  });

  test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>]>([
    ["open", (manager) => manager.open(ID)],
    ["load", (manager) => manager.load(ID)],
    ["saveState", (manager) => manager.saveState(ID, stateWith("other"))],
    ["fork", (manager) => manager.fork(ID, { newId: "copy" })],
  ])("not where a newer version wrote it: %s is refused and it stays as it is", async (_name, act) => {
    const directory = temporaryDirectory();
    await spilled(directory, ["spilled"]);
    const [path = ""] = filesWith(fallbackIn(directory).fallbackDir, "spilled");
    // Whatever names its version: what a newer one seals it with cannot be known here.
    const newer = readFileSync(path, "utf8")
      .replace(/"(version|schema|format|spill)": ?"1\.0\.0"/g, '"$1": "9.0.0"')
      .replace(/"(version|schema|format|spill)": ?\d+/g, '"$1": 9');
    writeFileSync(path, newer);
    expect(await outcome(act(managerIn(directory, fallbackIn(directory))))).toBe("NEWER_VERSION");
    expect(readFileSync(path, "utf8")).toBe(newer);
    expect(await found(directory)).toEqual(["saved"]);
  });
});

describe.concurrent("a save that was accepted and waits", () => {
  interface Waiting {
    readonly disk: Disk;
    readonly directory: string;
    readonly manager: DraftStatePersistenceManager;
  }

  async function waiting(
    save: (manager: DraftStatePersistenceManager) => Promise<unknown>,
    options: CreateManagerOptions = {},
  ): Promise<Waiting> {
    const directory = temporaryDirectory();
    const disk = new Disk(directory, CONTENT);
    const manager = managerIn(directory, {
      saveOnToken: false,
      saveOnStateChange: false,
      storage: disk.storage,
      ...options,
    });
    await manager.saveState(ID, stateWith("one"));
    await save(manager);
    return { disk, directory, manager };
  }

  test.each<[string, (manager: DraftStatePersistenceManager) => Promise<unknown>]>([
    ["saveStateOnToken", (manager) => manager.saveStateOnToken(ID, stateWith("one", "two"))],
    ["saveStateOnChange", (manager) => manager.saveStateOnChange(ID, stateWith("one", "two"))],
  ])("(%s) is saved, or close() rejects, when the idle session meets a full disk", async (_name, save) => {
    const { disk, directory, manager } = await waiting(save);
    disk.full = true;
    await sleep(600);
    disk.full = false;
    const closed = await outcome(manager.close());
    expect(closed === "ok" ? await found(directory) : ["one", "two"]).toEqual(["one", "two"]);
  });

  test("is saved, or close() rejects, when a rename after it met a full disk", async () => {
    const { disk, directory, manager } = await waiting((each) => each.saveStateOnToken(ID, stateWith("one", "two")));
    disk.full = true;
    const renamed = await outcome(manager.rename(ID, "Another title"));
    await sleep(600);
    disk.full = false;
    const closed = await outcome(manager.close());
    expect(renamed).toBe("STORAGE");
    expect(closed === "ok" ? await found(directory) : ["one", "two"]).toEqual(["one", "two"]);
  });

  test("is there for the next operation, though the idle session could not save it", async () => {
    const { disk, directory, manager } = await waiting((each) => each.saveStateOnToken(ID, stateWith("one", "two")));
    disk.full = true;
    await sleep(600);
    disk.full = false;
    const backup = await valueOr(manager.backup(ID));
    const closed = await outcome(manager.close());
    expect(closed === "ok" || typeof backup === "string" ? [closed, await found(directory)] : undefined).toEqual([
      "ok",
      ["one", "two"],
    ]);
  });

  test("goes to the fallback when the idle session meets a full disk, and comes home", async () => {
    const directory = temporaryDirectory();
    const disk = new Disk(directory, CONTENT);
    const manager = managerIn(directory, { saveOnToken: false, storage: disk.storage, ...fallbackIn(directory) });
    await manager.saveState(ID, stateWith("one"));
    await manager.saveStateOnToken(ID, stateWith("one", "two"));
    disk.full = true;
    await sleep(600);
    disk.full = false;
    await outcome(manager.close());
    expect(await found(directory, fallbackIn(directory))).toEqual(["one", "two"]);
  });

  test("by a timer is saved by close() at the latest", async () => {
    const { directory, manager } = await waiting((each) => each.saveStateOnToken(ID, stateWith("one", "two")), {
      autoSave: true,
      autoSaveInterval: 60_000,
    });
    expect(await outcome(manager.close())).toBe("ok");
    expect(await found(directory)).toEqual(["one", "two"]);
  });
});
