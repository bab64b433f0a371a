/** A small store and a large one: the same conversation, alone or among many others. In memory. */
import { gzipSync } from "node:zlib";
import { DraftStatePersistenceManager } from "../../src/index.js";
import { MemoryStorage } from "../../src/storage/memory.js";
import { seal } from "../../src/snapshot/checksum.js";
import type { Area, Storage } from "../../src/storage/storage.js";
import { CountingStorage, type Counts } from "./counting.js";
import { ID, INTERVAL, say, settled, type Operation } from "./operations.js";

export type BackupCompression = "none" | "gzip";

export const OTHERS = 300;
export const BACKUPS = 5;
const START = Date.UTC(2026, 0, 14, 21, 30);
const OWN_TURNS = 3;
/** Of the others: operations that can be undone. */
const RENAMED = 50;

function idOf(other: number): string {
  return `other-${String(other).padStart(4, "0")}`;
}

export function managerOver(
  storage: Storage,
  compression: BackupCompression,
  isTimed = false,
): DraftStatePersistenceManager {
  let [at, elapsed] = [START, 0];
  return new DraftStatePersistenceManager(
    { storage, now: () => new Date((at += 1)), elapsed: () => (elapsed += 0.001), random: () => 0.5 },
    { autoSave: isTimed, autoSaveInterval: INTERVAL, retryDelay: 0, metrics: false, saveOnToken: true, compression },
  );
}

async function write(storage: Storage, area: Area, name: string, bytes: Uint8Array): Promise<void> {
  await storage.replace({ area, name }, bytes);
}

/** The same file, of another conversation. */
function asOf(id: string, bytes: Uint8Array): Buffer {
  const text = Buffer.from(bytes).toString("utf8").replaceAll(`"conversationId": "${ID}"`, `"conversationId": "${id}"`);
  return Buffer.from(seal(Buffer.from(text.replace(/"checksum": "sha256:[0-9a-f]{64}"/, '"checksum": "sha256:"'))));
}

export async function store(others: number, compression: BackupCompression): Promise<CountingStorage> {
  const memory = new MemoryStorage({ now: () => new Date(START), command: "test" });
  const manager = managerOver(memory, "none");
  const conversation = await manager.open(ID);
  for (let count = 0; count < OWN_TURNS; count += 1) {
    say(conversation);
    await conversation.endTurn();
  }
  await manager.close();
  const snapshot = (await memory.read({ area: "state", name: `${ID}.json` })) ?? new Uint8Array();
  const extension = compression === "gzip" ? ".json.gz" : ".json";
  const packed = (bytes: Uint8Array): Uint8Array => (compression === "gzip" ? gzipSync(bytes) : bytes);
  for (let other = 0; other < others; other += 1) {
    const id = idOf(other);
    const file = asOf(id, snapshot);
    const backup = packed(file);
    await write(memory, "state", `${id}.json`, file);
    for (let count = 0; count < BACKUPS; count += 1)
      await write(memory, "backup", `${id}_2026-01-14T21-3${count}-00-000Z${extension}`, backup);
    await write(memory, "quarantine", `${id}.json.2026-01-14T21-30-00-000Z`, file);
  }
  if (compression === "gzip") await packBackups(memory);
  await renameOthers(memory, Math.min(others, RENAMED));
  return new CountingStorage(memory);
}

/** Each leaves a record in the trash. */
async function renameOthers(memory: MemoryStorage, count: number): Promise<void> {
  const manager = managerOver(memory, "none");
  for (let other = 0; other < count; other += 1) await manager.rename(idOf(other), "Another title");
  await manager.close();
}

/** Also those of the conversation itself. */
async function packBackups(memory: MemoryStorage): Promise<void> {
  for (const name of (await memory.list("backup")).filter((each) => each.endsWith(".json"))) {
    const bytes = await memory.read({ area: "backup", name });
    if (bytes === undefined) continue;
    await write(memory, "backup", `${name}.gz`, gzipSync(bytes));
    await memory.remove({ area: "backup", name });
  }
}

export async function countsOf(
  operation: Operation,
  counting: CountingStorage,
  compression: BackupCompression,
): Promise<Counts> {
  const manager = managerOver(counting.storage, compression, operation.isTimed);
  try {
    const act = await operation.prepare(manager);
    await settled();
    counting.reset();
    await act();
    await settled();
    return counting.counts;
  } finally {
    await manager.close();
  }
}
