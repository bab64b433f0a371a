/**
 * What is left on a disk, as a later process finds it: the present, what can be gone back to, and what should not be
 * there. Backups are read from their files, so that this depends on the format alone.
 */
import { isJsonObject } from "../../src/model/json.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { START } from "../doubles/managers.js";
import { ProcessWorld } from "../doubles/process-world.js";
import type { DiskImage } from "../doubles/disk-image.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { BACKUP_DIR, storageOver } from "../doubles/storage-over.js";
import { COPY, ID, textsOf } from "./operations.js";
import { clock, managerOn, resultOf } from "./world.js";

export interface Inspection {
  /** Texts of the conversation, `absent`, or the code with which it cannot be read. */
  readonly state: string;
  readonly title: string;
  /** The same of a copy under another id. */
  readonly copy: string;
  /** Texts of each backup, oldest first. */
  readonly backups: readonly string[];
  /** What can be undone, newest first. */
  readonly operations: readonly string[];
  readonly problems: readonly string[];
  /** Acknowledged, and neither in the state, nor in a backup, nor brought back by an undo. */
  readonly lost: readonly string[];
  readonly locks: readonly string[];
  readonly temporary: readonly string[];
}

const LATEST = START + 7_200_000;
const MAX_UNDOS = 8;

function laterProcess(disk: SimulatedFileSystem): DraftStatePersistenceManager {
  const world = new ProcessWorld();
  for (const pid of [1, 2, 3]) world.kill(pid);
  return managerOn({ name: "later", storage: storageOver(disk, world.table(9), "later"), now: clock(LATEST) });
}

export async function inspect(disk: SimulatedFileSystem, acknowledged: ReadonlySet<string>): Promise<Inspection> {
  const { image } = disk;
  const left = [...image.entries.keys()];
  const locks = left
    .filter((path) => path.includes("/locks/") && !path.includes("/.tmp-"))
    .map((path) => path.slice(path.lastIndexOf("/") + 1));
  const temporary = left.filter((path) => path.includes("/.tmp-"));
  const manager = laterProcess(disk);
  const found = await look(manager);
  const problems = await manager.verify().then(
    (result) => result.problems.map(({ conversationId, kind }) => `${conversationId}: ${kind}`),
    (error: unknown) => [resultOf(error)],
  );
  const operations = await manager.operations().then(
    (all) => all.filter(({ conversationId }) => conversationId === ID).map(({ operation }) => operation as string),
    (error: unknown) => [resultOf(error)],
  );
  await manager.close();
  const backups = backupsIn(image);
  return {
    ...found,
    backups,
    operations,
    problems,
    locks,
    temporary,
    lost: await lostOf(disk, acknowledged, [found.state, found.copy, ...backups]),
  };
}

async function look(manager: DraftStatePersistenceManager): Promise<Pick<Inspection, "state" | "title" | "copy">> {
  const one = async (id: string): Promise<{ state: string; title: string }> => {
    try {
      const loaded = await manager.load(id);
      return loaded === undefined
        ? { state: "absent", title: "" }
        : { state: textsOf(loaded.state).join(), title: loaded.metadata.title };
    } catch (error) {
      return { state: resultOf(error), title: "" };
    }
  };
  const [present, copy] = [await one(ID), await one(COPY)];
  return { ...present, copy: copy.state };
}

function backupsIn({ entries, contents }: DiskImage): string[] {
  const paths = [...entries.keys()].filter((path) => path.startsWith(`${BACKUP_DIR}/${ID}_`)).sort();
  return paths.map((path) => {
    try {
      const value: unknown = JSON.parse(Buffer.from(contents.get(entries.get(path) ?? -1) ?? []).toString());
      return isJsonObject(value) ? textsOf(value).join() : "damaged";
    } catch {
      return "damaged";
    }
  });
}

/** Undoes as long as there is something to undo, on a copy of the disk, until everything has been met. */
async function lostOf(
  disk: SimulatedFileSystem,
  acknowledged: ReadonlySet<string>,
  seen: readonly string[],
): Promise<string[]> {
  const missing = new Set(acknowledged);
  const meet = (found: readonly string[]): void => {
    for (const text of [...missing]) if (found.some((texts) => texts.includes(text))) missing.delete(text);
  };
  meet(seen);
  if (missing.size === 0) return [];
  const copy = disk.settled();
  const manager = laterProcess(copy);
  for (let count = 0; count < MAX_UNDOS && missing.size > 0; count += 1) {
    try {
      await manager.undo();
    } catch {
      break;
    }
    const found = await look(manager);
    meet([found.state, found.copy, ...backupsIn(copy.image)]);
  }
  await manager.close().catch(() => undefined);
  return [...missing];
}
