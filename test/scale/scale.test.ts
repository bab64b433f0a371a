/**
 * G7, counted and not timed: what an operation on one conversation asks of the storage is the same among many others, but
 * for one listing of each area where the targets allow it. In a directory any listing, with a prefix too, reads all names.
 */
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";
import { CountingStorage, type Counts } from "./counting.js";
import { ID, OPERATIONS, say, settled, type Operation } from "./operations.js";
import { BACKUPS, countsOf, managerOver, OTHERS, store, type BackupCompression } from "./stores.js";

interface Measured {
  readonly compression: BackupCompression;
  readonly operation: Operation;
  readonly small: Counts;
  readonly large: Counts;
}

const measured: Measured[] = [];

function callsIn({ calls }: Counts): number {
  return Object.values(calls).reduce((sum, count) => sum + count, 0);
}

function table(): string {
  const pair = (left: number, right: number): string => (left === right ? String(left) : `${left} / ${right}`);
  const rows = measured.map(
    ({ compression, operation, small, large }) =>
      `| ${operation.name} | ${compression} | ${pair(callsIn(small), callsIn(large))} | ${pair(small.calls["list"] ?? 0, large.calls["list"] ?? 0)} | ${pair(small.namesListed, large.namesListed)} | ${pair(small.valuesRead, large.valuesRead)} | ${pair(small.bytesRead, large.bytesRead)} |`,
  );
  return [
    `A store of one conversation / of ${OTHERS} others with ${BACKUPS} backups each`,
    "| operation | backups | calls | listings | names listed | values read | bytes read |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});

afterEach(() => {
  vi.useRealTimers();
});

function mostListings({ allowed }: Operation, ofTrash: boolean): number {
  if (allowed === "nothing") return 0;
  return ofTrash && allowed.includes("two of the trash") ? 2 : 1;
}

/** Of the conversations that are open now, however many there are in the store; looked through when a lock is taken. */
function isOfLocks(directory: string): boolean {
  return directory.endsWith("/locks");
}

afterAll(() => {
  console.log(table());
});

describe.each<BackupCompression>(["none", "gzip"])(
  "among many other conversations, with backups of compression %s,",
  (compression) => {
    for (const operation of OPERATIONS) {
      const may =
        operation.allowed === "nothing"
          ? "lists nothing, and asks for nothing more"
          : "lists each area once at most, and asks for nothing else more";

      test(`${operation.name} ${may}`, async () => {
        const [small, large] = [
          await countsOf(operation, await store(0, compression), compression),
          await countsOf(operation, await store(OTHERS, compression), compression),
        ];
        measured.push({ compression, operation, small, large });
        expect(
          Object.entries(large.listings).filter(([area, count]) => count > mostListings(operation, area === "trash")),
        ).toEqual([]);
        expect(large.calls).toEqual(small.calls);
        expect([large.valuesRead, large.bytesRead]).toEqual([small.valuesRead, small.bytesRead]);
      });
    }
  },
);

describe("of the directories of a file storage,", () => {
  /** How often each directory is read while the operation runs. */
  async function directoriesRead(operation: Operation): Promise<Map<string, number>> {
    const fs = new SimulatedFileSystem();
    const before = managerOver(storageOver(fs), "none");
    const conversation = await before.open(ID);
    for (let count = 0; count < 3; count += 1) {
      say(conversation);
      await conversation.endTurn();
    }
    await before.close();
    const read = new Map<string, number>();
    const counted = new Proxy(fs, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]): unknown => {
          if (name === "list") read.set(String(args[0]), (read.get(String(args[0])) ?? 0) + 1);
          return Reflect.apply(value, target, args) as unknown;
        };
      },
    });
    const manager = managerOver(storageOver(counted), "none", operation.isTimed);
    const act = await operation.prepare(manager);
    await settled();
    read.clear();
    await act();
    await settled();
    const result = new Map(read);
    await manager.close();
    return result;
  }

  for (const operation of OPERATIONS) {
    test(`${operation.name} reads ${operation.allowed === "nothing" ? "none" : "each once at most"}`, async () => {
      const read = [...(await directoriesRead(operation))].filter(
        ([directory, count]) => !isOfLocks(directory) && count > mostListings(operation, directory.endsWith("/trash")),
      );
      expect(read).toEqual([]);
    });
  }
});

describe.each<BackupCompression>(["none", "gzip"])("of backups of compression %s", (compression) => {
  /** Most of `_metadata` is far smaller; a read has some length. */
  const HEAD = 16 * 1024;

  /** Text that no compression makes small. */
  function noise(length: number): string {
    let seed = 1;
    return Array.from({ length }, () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return String.fromCharCode(48 + (seed % 75));
    })
      .join("")
      .replaceAll("\\", "/");
  }

  async function bytesRead(size: number, act: (counting: CountingStorage) => Promise<unknown>): Promise<number> {
    const counting = await store(0, compression);
    const manager = managerOver(counting.storage, compression);
    const conversation = await manager.open(ID);
    const text = noise(size);
    for (let count = 0; count < BACKUPS; count += 1) {
      conversation.update((draft) => {
        draft.currentNarrative = `${count}${text}`;
      });
      await conversation.endTurn();
    }
    await manager.close();
    counting.reset();
    await act(counting);
    return counting.counts.bytesRead;
  }

  test.each([1000, 1_000_000])("listing them reads their heads alone, at %d characters each", async (size) => {
    const read = await bytesRead(size, ({ storage }) => managerOver(storage, compression).listBackups(ID));
    // A compressed one has to be decompressed up to its end, in bounded memory.
    const whole = compression === "none" ? 0 : BACKUPS * size;
    expect(read).toBeLessThanOrEqual(whole + (BACKUPS + 3) * HEAD);
  });

  test("restoring one reads the heads and that one", async () => {
    const size = 1_000_000;
    const read = await bytesRead(size, async ({ storage }) => {
      const manager = managerOver(storage, compression);
      await manager.restore(ID, "@2");
      await manager.close();
    });
    // The backup, the snapshot as it is opened, and what is read again to be sure of it.
    const whole = compression === "none" ? 0 : BACKUPS * size;
    expect(read).toBeLessThanOrEqual(whole + 4 * size + (BACKUPS + 3) * HEAD);
  });

  test("ending a turn reads none of them whole", async () => {
    const size = 1_000_000;
    const counting = await store(0, compression);
    const manager = managerOver(counting.storage, compression);
    const conversation = await manager.open(ID);
    conversation.update((draft) => {
      draft.currentNarrative = noise(size);
    });
    await conversation.endTurn();
    say(conversation);
    await settled();
    counting.reset();
    await conversation.endTurn();
    await settled();
    expect(counting.counts.bytesRead).toBeLessThanOrEqual((BACKUPS + 3) * HEAD);
    await manager.close();
  });
});
