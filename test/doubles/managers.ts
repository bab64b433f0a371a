/** Managers whose clock goes a millisecond a look and whose luck never changes, so that a failing run can be repeated. */
import { randomBytes } from "node:crypto";
import { MemoryStorage } from "../../src/storage/memory.js";
import type { SizeLimits } from "../../src/snapshot/size.js";
import type { Storage } from "../../src/storage/storage.js";
import { type AgentState } from "../../src/model/conversation.js";
import type { Conversation } from "../../src/session/conversation.js";
import { DraftStatePersistenceManager, type ManagerOptions } from "../../src/manager.js";
import { beginTurn, endAnswer } from "../../src/model/transitions.js";

export const START = Date.UTC(2026, 0, 14, 21, 30);

/** A PostgreSQL server on which each store is a schema of its own, instead of in memory: what only memory has is not there then. */
const SERVER = process.env["TEST_POSTGRES_SERVER"];
const postgres = SERVER === undefined ? undefined : await import("../../src/storage/postgres/index.js");

/** With a lock on a server the connection ends that holds it. */
async function breakLock(server: string, schema: string, name: string): Promise<void> {
  await (await import("../postgres/lose-lock.js")).breakLock(server, schema, name);
}

export function memory(): MemoryStorage {
  const storage = new MemoryStorage({ now: () => new Date(START), command: "test" });
  if (postgres === undefined || SERVER === undefined) return storage;
  const schema = `w${randomBytes(8).toString("hex")}`;
  const other = postgres.createPostgresStorage({ connectionString: SERVER, schema, command: "test" });
  return standIn(storage, other, [["breakLock", (name: string) => breakLock(SERVER, schema, name)]]);
}

/** Every call goes to the other, but for those that a test replaces. */
function standIn(
  storage: MemoryStorage,
  other: Storage,
  own: readonly (readonly [PropertyKey, unknown])[],
): MemoryStorage {
  const replaced = new Map<PropertyKey, unknown>(own);
  return new Proxy(storage, {
    get: (_storage, name) => {
      const value: unknown = replaced.has(name) ? replaced.get(name) : Reflect.get(other, name);
      return typeof value === "function" && !replaced.has(name)
        ? (value as (...given: unknown[]) => unknown).bind(other)
        : value;
    },
    set: (_storage, name, value) => replaced.set(name, value).has(name),
  });
}

export function managerOver(
  storage: Storage,
  options: ManagerOptions = {},
  start = START,
): DraftStatePersistenceManager {
  let at = start;
  const now = (): Date => new Date((at += 1));
  return new DraftStatePersistenceManager(
    { storage, now, elapsed: () => performance.now(), random: () => 0.5 },
    { autoSave: false, retryDelay: 0, ...options },
  );
}

/** With other limits of size than the usual ones. */
export function managerWithin(storage: Storage, limits: SizeLimits | undefined): DraftStatePersistenceManager {
  const world = { storage, now: () => new Date(), elapsed: () => performance.now(), random: () => 0.5 };
  const options = { autoSave: false, retryDelay: 0 };
  return new DraftStatePersistenceManager(limits === undefined ? world : { ...world, limits }, options);
}

export function begin(conversation: Conversation, question: string): void {
  conversation.update((draft) => {
    beginTurn(draft, {
      message: {
        id: `u${conversation.revision}`,
        role: "user",
        content: question,
        createdAt: new Date(START).toISOString(),
      },
      at: new Date(START).toISOString(),
    });
  });
}

export function end(conversation: Conversation): void {
  conversation.update((draft) => {
    endAnswer(draft, { id: `a${conversation.revision}`, status: "complete", at: new Date(START).toISOString() });
  });
}

/** A whole turn, with its snapshot and its backup. */
export async function turn(conversation: Conversation, question: string, ...tokens: string[]): Promise<AgentState> {
  begin(conversation, question);
  for (const token of tokens) conversation.appendToken(token);
  end(conversation);
  await conversation.endTurn();
  return conversation.state;
}
