/** What cannot be read, or is newer, is STORAGE, CORRUPT or NEWER_VERSION: never an older state as if nothing were, never "not found". */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import type { DraftStatePersistenceManager } from "../../src/index.js";
import { seal } from "../../src/snapshot/checksum.js";
import { ABSENCES, Place } from "./absence.js";
import { run } from "./child.js";
import { contentsOf } from "./contents-of.js";
import {
  add,
  cleanUp,
  filesBelow,
  found,
  ID,
  managerIn,
  outcome,
  stateDirectory,
  stateWith,
  temporaryDirectory,
  texts,
  told,
  turns,
  valueOr,
} from "./seam.js";

afterEach(cleanUp);

function snapshotOf(directory: string): string {
  return join(stateDirectory(directory), `${ID}.json`);
}

function journalOf(directory: string): string {
  return join(stateDirectory(directory), `${ID}.journal`);
}

/** Closed by a kill: the snapshot holds `one`, the journal `two`, and a backup `one`. */
async function cutOff(): Promise<string> {
  const directory = temporaryDirectory();
  const conversation = await managerIn(directory).open(ID);
  await turns(conversation, "one");
  add(conversation, "two");
  await conversation.flush();
  const copy = temporaryDirectory();
  cpSync(directory, copy, { recursive: true, filter: (path) => !path.endsWith(".lock") });
  return copy;
}

/** A line of a journal with other fields, as a writer of that version would sign it. */
function signed(line: string, change: (fields: string) => string): string {
  const fields = change(line.replace(/^\{"crc":"[0-9a-f]{8}","len":\d+,/, "").slice(0, -1));
  const body = `"len":${Buffer.byteLength(fields) + 1},${fields}}`;
  return `{"crc":"${crc32(body).toString(16).padStart(8, "0")}",${body}`;
}

function rewriteJournal(directory: string, change: (lines: readonly string[]) => readonly string[]): void {
  const lines = readFileSync(journalOf(directory), "utf8").split("\n");
  const changed = change(lines).join("\n");
  if (changed === lines.join("\n")) throw new Error(`nothing to change in ${lines.join("\n")}`);
  writeFileSync(journalOf(directory), changed);
}

const newVersion = (fields: string): string => fields.replace('"journal":1', '"journal":2');
const newOp = (fields: string): string => fields.replace(/"op":"(?:add|append)"/, '"op":"splice"');

/** Each is whole and rightly signed, and of a version to come. */
const NEWER: readonly (readonly [string, (directory: string) => void])[] = [
  [
    "a journal whose header is of version 2",
    (directory) => rewriteJournal(directory, ([header = "", ...rest]) => [signed(header, newVersion), ...rest]),
  ],
  [
    "a journal with an operation that is not known",
    (directory) =>
      rewriteJournal(directory, ([header = "", record = "", ...rest]) => [header, signed(record, newOp), ...rest]),
  ],
  [
    "a journal with such a record before known ones",
    (directory) =>
      rewriteJournal(directory, ([header = "", record = "", ...rest]) => [
        header,
        signed(record, newOp),
        signed(record, (fields) =>
          fields.replace(/"rev":(\d+)/, (_, revision: string) => `"rev":${Number(revision) + 1}`),
        ),
        ...rest,
      ]),
  ],
  [
    "a journal with a record of no known kind",
    (directory) =>
      rewriteJournal(directory, ([header = "", record = "", ...rest]) => [
        header,
        signed(record, (fields) => fields.replace(/"(?:patches|patch|ops)":/, '"delta":')),
        ...rest,
      ]),
  ],
  [
    "a snapshot of version 2",
    (directory) =>
      writeFileSync(
        snapshotOf(directory),
        readFileSync(snapshotOf(directory), "utf8").replace('"version": "1.0.0"', '"version": "2.0.0"'),
      ),
  ],
];

type Act = readonly [string, (manager: DraftStatePersistenceManager) => Promise<unknown>];

const CHANGES: readonly Act[] = [
  ["open", (manager) => manager.open(ID)],
  ["saveState", (manager) => manager.saveState(ID, stateWith("other"))],
  ["rename", (manager) => manager.rename(ID, "Another title")],
  ["backup", (manager) => manager.backup(ID)],
  ["restore", (manager) => manager.restore(ID, "latest")],
  ["repair", (manager) => manager.repair(ID)],
  ["migrate", (manager) => manager.migrate({ id: ID })],
];

const READS: readonly Act[] = [
  ["load", (manager) => manager.load(ID)],
  ["loadState", (manager) => manager.loadState(ID)],
  ["diff", (manager) => manager.diff(ID)],
  ["compare", (manager) => manager.compare(ID, "latest", "now")],
  ["fork", (manager) => manager.fork(ID, { newId: "copy" })],
];

describe.each(NEWER)("%s is refused with NEWER_VERSION", (kind, change) => {
  test.each([...CHANGES, ...READS])("by %s, and stays as it is", async (name, act) => {
    const directory = await cutOff();
    change(directory);
    const before = contentsOf(stateDirectory(directory));
    const manager = managerIn(directory);
    const got = await outcome(act(manager));
    // What migrates snapshots alone need not look at a journal.
    expect(name === "migrate" && kind.includes("journal") && got === "ok" ? "NEWER_VERSION" : got).toBe(
      "NEWER_VERSION",
    );
    await outcome(manager.close());
    expect(contentsOf(stateDirectory(directory))).toMatchObject(before);
  });

  test("and verify and list say so", async () => {
    const directory = await cutOff();
    change(directory);
    const manager = managerIn(directory);
    expect(
      (await manager.verify()).problems.map(({ conversationId, kind }) => [conversationId, kind.endsWith("-newer")]),
    ).toEqual([[ID, true]]);
    expect((await manager.list()).map(({ error }) => error?.code)).toEqual(["NEWER_VERSION"]);
  });
});

describe("a backup of a newer version", () => {
  interface NewerBackup {
    readonly directory: string;
    readonly path: string;
    readonly timestamp: string;
    readonly content: string;
  }

  async function withNewerBackup(): Promise<NewerBackup> {
    const directory = temporaryDirectory();
    await told(directory, ["one", "two"]);
    const [newest] = await managerIn(directory).listBackups(ID);
    const [path, timestamp] = [newest?.path ?? "", newest?.timestamp ?? ""];
    const content = readFileSync(path, "utf8").replace('"version": "1.0.0"', '"version": "2.0.0"');
    writeFileSync(path, content);
    return { directory, path, timestamp, content };
  }

  test.each<[string, (manager: DraftStatePersistenceManager, timestamp: string) => Promise<unknown>]>([
    ["restore", (manager, timestamp) => manager.restore(ID, timestamp)],
    ["fork", (manager, timestamp) => manager.fork(ID, { backup: timestamp, newId: "copy" })],
    ["diff", (manager, timestamp) => manager.diff(ID, timestamp, "now")],
  ])("is refused with NEWER_VERSION by %s, and stays as it is", async (_name, act) => {
    const { directory, path, timestamp, content } = await withNewerBackup();
    expect(await outcome(act(managerIn(directory), timestamp))).toBe("NEWER_VERSION");
    expect(readFileSync(path, "utf8")).toBe(content);
  });

  test("is the newest state, and no older one takes its place, where the snapshot is damaged", async () => {
    const { directory, path, content } = await withNewerBackup();
    writeFileSync(snapshotOf(directory), "{");
    const manager = managerIn(directory);
    expect([await outcome(manager.load(ID)), await outcome(manager.open(ID))]).toEqual([
      "NEWER_VERSION",
      "NEWER_VERSION",
    ]);
    expect(readFileSync(path, "utf8")).toBe(content);
  });

  test("is listed as not valid, and retention keeps it", async () => {
    const { directory, path, content } = await withNewerBackup();
    const manager = managerIn(directory);
    expect((await manager.listBackups(ID)).filter(({ valid }) => !valid).map((backup) => backup.path)).toEqual([path]);
    await manager.prune({ id: ID, max: 0, purge: true });
    expect(readFileSync(path, "utf8")).toBe(content);
  });
});

describe("a trash record of a newer version", () => {
  test("is refused with NEWER_VERSION by undo, which takes nothing earlier back in its stead", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["one", "two"]);
    const before = managerIn(directory);
    await before.rename(ID, "First title");
    await before.rename(ID, "Second title");
    await before.close();
    const trash = join(stateDirectory(directory), ".draftstate", "trash");
    const newest = join(
      trash,
      readdirSync(trash)
        .filter((name) => name.includes("_operation_"))
        .sort()
        .at(-1) ?? "",
    );
    const record = { ...(JSON.parse(readFileSync(newest, "utf8")) as object), kind: "merge", checksum: "sha256:" };
    writeFileSync(newest, seal(Buffer.from(`${JSON.stringify(record, null, 2)}\n`)));
    const manager = managerIn(directory);
    expect(await outcome(manager.undo(ID))).toBe("NEWER_VERSION");
    expect((await manager.load(ID))?.metadata.title).toBe("Second title");
    expect(readdirSync(trash).some((name) => newest.endsWith(name))).toBe(true);
  });
});

describe.each(ABSENCES)("while the state directory is away (%s)", (how) => {
  async function away(): Promise<Place> {
    const place = new Place(how);
    const manager = place.manager();
    await turns(await manager.open(ID), "one", "two");
    await manager.close();
    place.takeAway();
    return place;
  }

  test.each<Act>([
    ...READS,
    ["verify of the one", (manager) => manager.verify(ID)],
    ["repair", (manager) => manager.repair(ID)],
    ["migrate", (manager) => manager.migrate({ id: ID })],
    ["remove", (manager) => manager.remove(ID)],
    ["dry run of remove", (manager) => manager.remove(ID, { dryRun: true })],
  ])("%s is STORAGE, or says that it cannot be read", async (name, act) => {
    const got = await valueOr(act((await away()).manager()));
    const problems =
      name.startsWith("verify") && typeof got === "object"
        ? (got as { readonly problems: readonly { readonly conversationId: string }[] }).problems.map(
            ({ conversationId }) => conversationId,
          )
        : undefined;
    expect(problems ?? got).toEqual(problems === undefined ? "STORAGE" : [ID]);
  });

  test("list is STORAGE, or a row that says so", async () => {
    const rows = await valueOr((await away()).manager().list());
    expect(
      typeof rows === "string" ? rows : rows.map(({ conversationId, error }) => [conversationId, error?.code]),
    ).toEqual(typeof rows === "string" ? "STORAGE" : [[ID, "STORAGE"]]);
  });

  test("verify of all is STORAGE, or a problem that says so", async () => {
    const seen = await valueOr((await away()).manager().verify());
    expect(typeof seen === "string" ? seen : seen.problems.map(({ conversationId }) => conversationId)).toEqual(
      typeof seen === "string" ? "STORAGE" : [ID],
    );
  });

  test('listBackups lists what is in sight, or is STORAGE: never "not found"', async () => {
    const backups = await valueOr((await away()).manager().listBackups(ID));
    expect(typeof backups === "string" ? backups : backups.map(({ messageCount }) => messageCount)).toEqual(
      typeof backups === "string" ? "STORAGE" : [2, 1],
    );
  });

  test("health is not ok", async () => {
    const { status } = await (await away()).manager().health();
    expect(status).not.toBe("ok");
  });

  test("a reader whose manager has the conversation open is shown nothing older either", async () => {
    const place = new Place(how);
    const manager = place.manager();
    const conversation = await manager.open(ID);
    await turns(conversation, "one");
    add(conversation, "two");
    await conversation.flush();
    place.takeAway();
    const seen = await valueOr(manager.loadState(ID));
    expect(seen === "STORAGE" ? ["one", "two"] : texts(seen as object | null)).toEqual(["one", "two"]);
    place.bringBack();
    expect(texts(await manager.loadState(ID))).toEqual(["one", "two"]);
  });
});

describe("without any backup, a state directory that is no directory", () => {
  test.each([
    ...READS,
    ["listBackups", (manager: DraftStatePersistenceManager) => manager.listBackups(ID)],
    ["list", (manager: DraftStatePersistenceManager) => manager.list()],
    ["open", (manager: DraftStatePersistenceManager) => manager.open(ID)],
    ["ids", (manager: DraftStatePersistenceManager) => manager.ids()],
  ] as readonly Act[])("is STORAGE for %s", async (_name, act) => {
    const directory = temporaryDirectory();
    writeFileSync(stateDirectory(directory), "");
    expect(await outcome(act(managerIn(directory)))).toBe("STORAGE");
  });
});

describe("commands, while a file has the state directory's place,", () => {
  const EXIT_STORAGE = 7;

  test.each([
    ["show", ["show", ID]],
    ["ls", ["ls"]],
    ["search", ["search", "one"]],
    ["diff", ["diff", ID]],
    ["verify", ["verify"]],
    ["backups", ["backups", ID]],
    ["export", ["export", ID]],
  ])("%s says so", { timeout: 120_000 }, async (name, args) => {
    const place = new Place("a file in its place");
    const manager = place.manager();
    await turns(await manager.open(ID), "one", "two");
    await manager.close();
    place.takeAway();
    const { status, stderr } = await run(args, place.directory);
    // What is in sight may be listed.
    expect(
      name === "backups" && status === 0
        ? "listed"
        : [status, stderr.includes("not a directory") || stderr.includes("stands in the way")],
    ).toEqual(name === "backups" && status === 0 ? "listed" : [EXIT_STORAGE, true]);
  });
});

describe("what happens to the files under an open handle is told by close(), or the next open finds all that was acknowledged:", () => {
  const HARM: readonly (readonly [string, (directory: string) => void])[] = [
    [
      "the snapshot is cut in half",
      (directory) => truncateSync(snapshotOf(directory), Math.floor(statSync(snapshotOf(directory)).size / 2)),
    ],
    ["the snapshot is emptied", (directory) => truncateSync(snapshotOf(directory), 0)],
    ["the snapshot is removed", (directory) => rmSync(snapshotOf(directory))],
    [
      "the snapshot is a directory",
      (directory) => {
        rmSync(snapshotOf(directory));
        mkdirSync(snapshotOf(directory));
      },
    ],
    [
      "the snapshot is an older backup",
      (directory) => {
        const [oldest = ""] = filesBelow(join(directory, "backup")).sort();
        writeFileSync(snapshotOf(directory), readFileSync(oldest));
      },
    ],
    [
      "the journal is cut in half",
      (directory) => truncateSync(journalOf(directory), Math.floor(statSync(journalOf(directory)).size / 2)),
    ],
    ["the journal is removed", (directory) => rmSync(journalOf(directory), { force: true })],
    ["the journal is emptied", (directory) => writeFileSync(journalOf(directory), "")],
    [
      "both are removed",
      (directory) => {
        rmSync(snapshotOf(directory));
        rmSync(journalOf(directory), { force: true });
      },
    ],
  ];

  test.each(HARM)("%s", async (what, harm) => {
    const directory = temporaryDirectory();
    const manager = managerIn(directory);
    const conversation = await manager.open(ID);
    await turns(conversation, "one");
    add(conversation, "two");
    await conversation.flush();
    // The harm is done to what has both, or to a snapshot alone.
    if (what.startsWith("the snapshot")) await conversation.compact();
    harm(directory);
    add(conversation, "three");
    const flushed = await outcome(conversation.flush());
    const closed = await outcome(conversation.close());
    await outcome(manager.close());
    const now = await found(directory);
    expect(closed === "ok" ? now : ["one", "two", "three"]).toEqual(["one", "two", "three"]);
    if (flushed === "ok" && closed !== "ok")
      expect(Object.values(contentsOf(directory)).some((content) => content.includes("three"))).toBe(true);
  });
});
