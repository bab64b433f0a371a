/**
 * Power loss at every operation of a repair, whatever it began from: the repair is offered for undo where it happened and only
 * there, to a reader and after the next writer, and its undo gives back the files as they were found.
 */
import { describe, expect, test } from "vitest";
import { isDraftstateError } from "../../src/errors.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { FileSystem } from "../../src/storage/file-system.js";
import type { Storage } from "../../src/storage/storage.js";
import { contents } from "../doubles/contents.js";
import { contentOf } from "../doubles/disk-image.js";
import { begin, managerOver, START, turn } from "../doubles/managers.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { BACKUP_DIR, STATE_DIR, storageOver } from "../doubles/storage-over.js";

const SNAPSHOT = `${STATE_DIR}/chat.json`;
const JOURNAL = `${STATE_DIR}/chat.journal`;

let boots = 0;

async function onDisk<T>(
  fs: FileSystem,
  act: (manager: DraftStatePersistenceManager, storage: Storage) => Promise<T>,
): Promise<T> {
  boots += 1;
  const storage = storageOver(fs, new ProcessWorld(`boot-${boots}`).table(1), `b${boots}x`);
  const manager = managerOver(storage, {}, START + boots * 60_000);
  const result = await act(manager, storage);
  await manager.close();
  return result;
}

const IS_FULL = process.env["DRAFTSTATE_CRASH_DEPTH"] === "full";
/** After each operation the simplest losses, and one of so many others; with `npm run test:crash` more of them. */
const [SIMPLEST, ONE_OF] = IS_FULL ? [8, 9] : [4, 29];
const DAMAGED_BACKUPS = ["chat_2026-01-14T21-00-00-000Z.json", "chat_2026-01-14T21-00-01-000Z.json"].slice(
  0,
  IS_FULL ? 2 : 1,
);

/** A turn with its backup, and a change in the journal whose writer died. */
async function lived(): Promise<SimulatedFileSystem> {
  const disk = new SimulatedFileSystem();
  const conversation = await managerOver(storageOver(disk)).open("chat");
  await turn(conversation, "Tell me", "Once");
  begin(conversation, "And then?");
  await conversation.flush();
  return disk.settled();
}

/** As an editor writes it: nothing of it is synced. */
async function write(disk: SimulatedFileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.createFile(`${path}.new`);
  await file.write(bytes);
  await file.close();
  await disk.rename(`${path}.new`, path);
}

/** It has been there for long: what moves it need not write it again. */
async function damaged(disk: SimulatedFileSystem, path: string): Promise<void> {
  const file = await disk.createFile(path);
  await file.write(Buffer.from(`{ torn ${path}`));
  await file.sync();
  await file.close();
  await disk.syncDirectory(BACKUP_DIR);
}

function textAt(disk: SimulatedFileSystem, path: string): string {
  return Buffer.from(contentOf(disk.image, disk.image.entries.get(path) ?? -1)).toString();
}

type Harm = (disk: SimulatedFileSystem) => Promise<unknown>;

const damageSnapshot: Harm = (disk) => write(disk, SNAPSHOT, Buffer.from(textAt(disk, SNAPSHOT).slice(0, 300)));
const tearJournal: Harm = (disk) => write(disk, JOURNAL, Buffer.from(`${textAt(disk, JOURNAL)}{"crc":"00000000"`));

const HARMS: readonly (readonly [string, Harm])[] = [
  [
    "a backup alone",
    async (disk) => {
      await disk.unlink(SNAPSHOT);
      await disk.unlink(JOURNAL);
    },
  ],
  [
    "a backup that is older than the snapshot was",
    async (disk) => {
      await disk.unlink(JOURNAL);
      const conversation = await managerOver(storageOver(disk, new ProcessWorld("boot-0").table(1), "h")).open("chat");
      // The next revision after the backup's, as the repair's will be.
      conversation.updateInfo({ title: "A title" });
      await conversation.close();
      await disk.syncDirectory(STATE_DIR);
      await disk.unlink(SNAPSHOT);
    },
  ],
  ["a backup and a journal", (disk) => disk.unlink(SNAPSHOT)],
  ["a damaged snapshot and a journal", damageSnapshot],
  [
    "a damaged snapshot alone",
    async (disk) => {
      await damageSnapshot(disk);
      await disk.unlink(JOURNAL);
    },
  ],
  [
    "a damaged snapshot beside damaged backups",
    async (disk) => {
      await damageSnapshot(disk);
      for (const name of DAMAGED_BACKUPS) await damaged(disk, `${BACKUP_DIR}/${name}`);
    },
  ],
  ["a torn journal", tearJournal],
  [
    "a torn journal without a record",
    (disk) => write(disk, JOURNAL, Buffer.from(`${textAt(disk, JOURNAL).split("\n")[0] ?? ""}\n{"crc":"00000000"`)),
  ],
  [
    "an edited snapshot",
    (disk) => write(disk, SNAPSHOT, Buffer.from(textAt(disk, SNAPSHOT).replace("Tell me", "Tell us"))),
  ],
  [
    "an edited snapshot alone",
    async (disk) => {
      await disk.unlink(JOURNAL);
      await write(disk, SNAPSHOT, Buffer.from(textAt(disk, SNAPSHOT).replace("Tell me", "Tell us")));
    },
  ],
];

function* some<T>(all: Iterable<T>): Generator<T> {
  let count = 0;
  for (const each of all) {
    if (count < SIMPLEST || count % ONE_OF === 0) yield each;
    count += 1;
  }
}

/** The files of the conversation, and the backups that a repair may take away: others may be made on the way. */
async function foundIn(storage: Storage): Promise<Record<string, string>> {
  const files = await contents(storage, ["state", "backup"]);
  const isLooked = ([name]: readonly [string, string]): boolean =>
    name.startsWith("state/") || DAMAGED_BACKUPS.some((each) => name.endsWith(each));
  return Object.fromEntries(Object.entries(files).filter(isLooked).sort());
}

async function offered(manager: DraftStatePersistenceManager): Promise<boolean> {
  return (await manager.operations()).some(({ operation }) => operation === "repair");
}

/** Opened by a writer, where it can be. */
async function settled(manager: DraftStatePersistenceManager): Promise<void> {
  try {
    await (await manager.open("chat", { expect: "existing" })).close();
  } catch (error) {
    if (!isDraftstateError(error, "CORRUPT")) throw error;
  }
}

async function problemOf(
  fs: SimulatedFileSystem,
  happened: boolean,
  before: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const seen = await onDisk(fs, offered);
  if (seen !== happened) return `a reader is ${seen ? "" : "not "}offered it`;
  await onDisk(fs, settled);
  const later = await onDisk(fs, offered);
  if (later !== happened) return `after the next writer it is ${later ? "" : "not "}offered`;
  if (!happened) return undefined;
  await onDisk(fs, (manager) => manager.undo("chat"));
  if (await onDisk(fs, offered)) return "a second undo is offered";
  const after = await onDisk(fs, (_manager, storage) => foundIn(storage));
  return JSON.stringify(after) === JSON.stringify(before) ? undefined : "its undo gives back other files";
}

describe.each([
  ["and its undo", {}],
  ["--accept", { accept: true }],
] as const)("a power loss during a repair (%s) of", (_how, options) => {
  const harms = HARMS.filter(([name]) => !("accept" in options) || name.includes("edited"));
  test.each(harms)(
    "%s: it is offered for undo if and only if it happened",
    { timeout: 120_000 },
    async (_what, harm) => {
      const disk = await lived();
      // A process that has the store ready already: what is harmed then is not synced by the way.
      const repairer = managerOver(storageOver(disk, new ProcessWorld("boot-r").table(1), "r"), {}, START + 30_000);
      await (await repairer.open("other")).close();
      await harm(disk);
      const from = disk.operationCount;
      const before = await onDisk(disk.settled(), (_manager, storage) => foundIn(storage));
      expect((await repairer.repair("chat", options)).repaired).toBe(true);
      await repairer.close();
      const repaired = textAt(disk, SNAPSHOT);
      const problems: string[] = [];
      let [states, done] = [0, 0];
      const seen = new Set<string>();
      for (let after = from; after <= disk.operationCount && problems.length < 3; after += 1) {
        for (const { label, fingerprint, fileSystem } of some(disk.crashStates({ after }))) {
          // Equal disks are looked at once.
          if (seen.has(fingerprint)) continue;
          seen.add(fingerprint);
          const happened = textAt(fileSystem, SNAPSHOT) === repaired;
          states += 1;
          done += happened ? 1 : 0;
          const problem = await problemOf(fileSystem, happened, before).catch((error: unknown) => String(error));
          if (problem !== undefined) problems.push(`after ${after - from}: ${problem} [${label}]`);
        }
      }
      expect(problems).toEqual([]);
      expect([states > 15, done > 3]).toEqual([true, true]);
    },
  );
});
