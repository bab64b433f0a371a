/** One conversation has one history: no lock of another store, no spill and no backup begins a second one. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { ABSENCES, Place } from "./absence.js";
import {
  Acknowledged,
  add,
  cleanUp,
  CONTENT,
  Disk,
  fallbackIn,
  filesBelow,
  found,
  ID,
  managerIn,
  outcome,
  reportsOf,
  stateWith,
  temporaryDirectory,
  texts,
  textsAnywhere,
  told,
  turns,
  valueOr,
  type StorageCall,
} from "./seam.js";

afterEach(cleanUp);

describe("a lock of the fallback", () => {
  test.each<[string, StorageCall]>([
    ["lock", "tryLock"],
    ["directory", "prepare"],
  ])("never lets a second writer in while the store has no room for a %s", async (_what, refused) => {
    const directory = temporaryDirectory();
    await told(directory, ["zero"], fallbackIn(directory));
    const disk = new Disk(directory, [refused]);
    disk.full = true;
    const [m1, m2] = [
      managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) }),
      managerIn(directory, fallbackIn(directory)),
    ];
    const c1 = await valueOr(m1.open(ID));
    disk.full = false;
    const c2 = await valueOr(m2.open(ID));
    const acknowledged = new Acknowledged();
    for (const [conversation, id] of [
      [c2, "second"],
      [c1, "first"],
      [c2, "second again"],
      [c1, "first again"],
    ] as const)
      await acknowledged.say(conversation, id);
    await outcome(m1.close());
    await outcome(m2.close());
    const now = await found(directory, fallbackIn(directory));
    expect(acknowledged.missingFrom(now)).toEqual([]);
  });

  test("opens nothing: without a lock of the store there is no session", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["zero"], fallbackIn(directory));
    const disk = new Disk(directory, ["tryLock"]);
    disk.full = true;
    const manager = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) });
    expect(await outcome(manager.open(ID))).toBe("STORAGE");
    expect(await outcome(manager.saveState(ID, stateWith("zero", "one")))).toBe("STORAGE");
  });

  test("does not keep the writer of the store out", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["zero"], fallbackIn(directory));
    const disk = new Disk(directory, ["tryLock"]);
    disk.full = true;
    await outcome(managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) }).open(ID));
    expect(await outcome(managerIn(directory, fallbackIn(directory)).open(ID))).toBe("ok");
  });
});

describe("two sessions that spill", () => {
  test("never overwrite each other's acknowledged change", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["zero"], fallbackIn(directory));
    const [first, second] = [new Disk(directory), new Disk(directory)];
    const [m1, m2] = [first, second].map(({ storage }) =>
      managerIn(directory, { storage, ...fallbackIn(directory) }),
    ) as [ReturnType<typeof managerIn>, ReturnType<typeof managerIn>];
    const c1 = await m1.open(ID);
    first.full = second.full = true;
    const c2 = await valueOr(m2.open(ID));
    const acknowledged = new Acknowledged();
    for (const [conversation, id] of [
      [c1, "first"],
      [c2, "second"],
      [c1, "first again"],
      [c2, "second again"],
    ] as const)
      await acknowledged.say(conversation, id);
    await outcome(m1.close());
    await outcome(m2.close());
    const now = await found(directory, fallbackIn(directory));
    expect(acknowledged.ids).toContain("first");
    expect(acknowledged.missingFrom(now)).toEqual([]);
  });

  test("one after the other, lose nothing of either", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["zero"], fallbackIn(directory));
    const acknowledged = new Acknowledged();
    for (const id of ["first", "second"]) {
      const disk = new Disk(directory, CONTENT);
      const manager = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) });
      disk.full = id === "second";
      const conversation = await valueOr(manager.open(ID));
      disk.full = true;
      await acknowledged.say(conversation, id);
      await outcome(manager.close());
    }
    expect(acknowledged.ids).toContain("first");
    const now = await found(directory, fallbackIn(directory));
    expect(["zero", ...acknowledged.missingFrom(now)]).toEqual(["zero"]);
  });

  test("one after the other at one revision, with the clock set back in between, are one history", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["zero"], fallbackIn(directory));
    try {
      for (const [id, at] of [
        ["first", "2026-01-14T21:30:00.000Z"],
        ["second", "2026-01-14T20:30:00.000Z"],
      ] as const) {
        vi.useFakeTimers({ toFake: ["Date"], now: new Date(at) });
        const disk = new Disk(directory, CONTENT);
        const manager = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) });
        disk.full = id === "second";
        const conversation = await manager.open(ID);
        disk.full = true;
        if (id === "first") add(conversation, id);
        await outcome(conversation.flush());
        await outcome(manager.close());
      }
    } finally {
      vi.useRealTimers();
    }
    expect(filesBelow(fallbackIn(directory).fallbackDir).filter((path) => path.endsWith(".spill"))).toHaveLength(2);
    const manager = managerIn(directory, fallbackIn(directory));
    expect(texts((await manager.open(ID)).state)).toEqual(["zero", "first"]);
    expect(await manager.ids()).toEqual([ID]);
  });

  test("at one base of the store, unknown to each other, leave both histories, and it is reported", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["zero"], fallbackIn(directory));
    const acknowledged = new Acknowledged();
    // The second of them knows another fallback, and so nothing of the first's spill.
    for (const id of ["first", "second"]) {
      const disk = new Disk(directory, CONTENT);
      const manager = managerIn(directory, {
        storage: disk.storage,
        fallbackDir: `${directory}/fallback-of-the-${id}`,
      });
      const conversation = await manager.open(ID);
      disk.full = true;
      await acknowledged.say(conversation, id);
      await outcome(manager.close());
    }
    expect(acknowledged.ids).toEqual(["first", "second"]);
    const reports: string[] = [];
    for (const id of ["first", "second"]) {
      const manager = managerIn(directory, { fallbackDir: `${directory}/fallback-of-the-${id}` });
      const reported = reportsOf(manager);
      await manager.open(ID);
      await manager.close();
      if (id === "second") reports.push(...reported);
    }
    expect(acknowledged.missingFrom(await textsAnywhere(directory))).toEqual([]);
    expect(reports).not.toEqual([]);
  });

  test("leave nothing behind in the fallback once both are in the store", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["zero"], fallbackIn(directory));
    for (const id of ["first", "second"]) {
      const disk = new Disk(directory, CONTENT);
      const manager = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) });
      const conversation = await manager.open(ID);
      disk.full = true;
      add(conversation, id);
      await conversation.flush();
      await outcome(manager.close());
    }
    expect(await found(directory, fallbackIn(directory))).toEqual(["zero", "first", "second"]);
    const manager = managerIn(directory, fallbackIn(directory));
    expect(texts((await manager.open(ID)).state)).toEqual(["zero", "first", "second"]);
    await manager.close();
    expect(filesBelow(fallbackIn(directory).fallbackDir)).toEqual([]);
  });
});

describe("a spill", () => {
  test("whose store has moved on meanwhile is kept beside it, and reported", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["zero"], fallbackIn(directory));
    const disk = new Disk(directory, CONTENT);
    const spilling = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) });
    const conversation = await spilling.open(ID);
    disk.full = true;
    for (const id of ["spilled", "spilled too", "spilled as well"]) {
      add(conversation, id);
      await conversation.flush();
    }
    await outcome(spilling.close());
    // Someone who has no fallback goes on in the store.
    await told(directory, ["in the store"]);
    const manager = managerIn(directory, fallbackIn(directory));
    const reports = reportsOf(manager);
    expect(texts((await manager.open(ID)).state)).toContain("in the store");
    await manager.close();
    const all = await textsAnywhere(directory);
    expect(
      ["zero", "spilled", "spilled too", "spilled as well", "in the store"].filter((text) => !all.has(text)),
    ).toEqual([]);
    expect(reports).not.toEqual([]);
  });
});

describe.each(ABSENCES)("a conversation whose state directory is away (%s), while its backups are in sight,", (how) => {
  async function place(): Promise<Place> {
    const made = new Place(how);
    const manager = made.manager(fallbackIn(made.directory));
    const conversation = await manager.open(ID);
    await turns(conversation, "one");
    add(conversation, "acknowledged");
    await conversation.flush();
    await manager.close();
    return made;
  }

  test("is not opened, with a fallback or without", async () => {
    const away = await place();
    away.takeAway();
    expect(await outcome(away.manager(fallbackIn(away.directory)).open(ID))).toBe("STORAGE");
    expect(await outcome(away.manager().open(ID))).toBe("STORAGE");
  });

  test("is never continued from a backup", async () => {
    const away = await place();
    away.takeAway();
    const manager = away.manager(fallbackIn(away.directory));
    const conversation = await valueOr(manager.open(ID));
    const seen = typeof conversation === "string" ? undefined : texts(conversation.state);
    const acknowledged = new Acknowledged();
    for (const id of ["more", "more still", "and more"]) await acknowledged.say(conversation, id);
    await outcome(manager.close());
    away.bringBack();
    const now = texts(await away.manager(fallbackIn(away.directory)).loadState(ID));
    expect(now).toContain("acknowledged");
    expect(seen ?? ["acknowledged"]).toContain("acknowledged");
    expect(acknowledged.missingFrom(now)).toEqual([]);
  });

  test.each<[string, (manager: ReturnType<Place["manager"]>) => Promise<unknown>]>([
    ["saveState", (manager) => manager.saveState(ID, stateWith("one", "other"))],
    ["rename", (manager) => manager.rename(ID, "Another title")],
    ["backup", (manager) => manager.backup(ID)],
    ["restore", (manager) => manager.restore(ID, "latest")],
    ["repair", (manager) => manager.repair(ID)],
    ["fork", (manager) => manager.fork(ID, { newId: "copy" })],
  ])("gives %s no older state to work on", async (_name, act) => {
    const away = await place();
    away.takeAway();
    const manager = away.manager(fallbackIn(away.directory));
    const got = await outcome(act(manager));
    await outcome(manager.close());
    away.bringBack();
    expect(got).toBe("STORAGE");
    expect(texts(await away.manager(fallbackIn(away.directory)).loadState(ID))).toEqual(["one", "acknowledged"]);
  });
});
