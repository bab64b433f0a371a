/**
 * What the tests of the seams share: managers over real files in temporary directories, a storage some of whose calls
 * are turned, and what a conversation says. The library is used through its public face alone.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  createDraftStatePersistenceManager,
  createLocalStorage,
  DraftstateError,
  isDraftstateError,
  type Conversation,
  type CreateManagerOptions,
  type DraftStatePersistenceManager,
  type Storage,
} from "../../src/index.js";

export const ID = "tale";

const directories: string[] = [];
const managers: DraftStatePersistenceManager[] = [];

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "draftstate-seam-"));
  directories.push(directory);
  return directory;
}

/**
 * Whatever was left open is closed, then its files go. For `afterEach`; for `afterAll` where tests run at a time, each in a
 * directory of its own.
 */
export async function cleanUp(): Promise<void> {
  await Promise.allSettled(managers.splice(0).map((manager) => manager.close()));
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
}

export function stateDirectory(directory: string): string {
  return join(directory, "state");
}

export function managerIn(directory: string, options: CreateManagerOptions = {}): DraftStatePersistenceManager {
  const manager = createDraftStatePersistenceManager({
    stateDir: stateDirectory(directory),
    backupDir: join(directory, "backup"),
    metrics: false,
    telemetry: false,
    autoSave: false,
    retryAttempts: 0,
    ...options,
  });
  managers.push(manager);
  return manager;
}

export function fallbackIn(directory: string): { readonly fallbackDir: string } {
  return { fallbackDir: join(directory, "fallback") };
}

export interface SeenMessage {
  readonly id: string;
  readonly role: "user";
  readonly content: string;
  readonly createdAt: string;
}

export function message(id: string): SeenMessage {
  return { id, role: "user", content: id, createdAt: "2026-01-14T21:30:00.000Z" };
}

export function add(conversation: Conversation, id: string): void {
  conversation.update((draft) => {
    draft.messages.push(message(id));
  });
}

/** Adds each as a message and ends the turn after it. */
export async function turns(conversation: Conversation, ...ids: string[]): Promise<void> {
  for (const id of ids) {
    add(conversation, id);
    await conversation.endTurn();
  }
}

export function stateWith(...ids: string[]): object {
  return {
    messages: ids.map(message),
    currentNarrative: "",
    streamingProperties: {
      lastToken: "",
      tokenCount: 0,
      streamingProgress: 0,
      partialResponse: "",
      streamingStartTime: null,
      streamingEndTime: null,
    },
  };
}

/** The contents of the messages, in order. */
export function texts(state: object | null | undefined): string[] {
  const messages: unknown = state === null || state === undefined ? [] : Reflect.get(state, "messages");
  return Array.isArray(messages) ? messages.map((each: unknown) => String(Reflect.get(each as object, "content"))) : [];
}

/** A conversation of these turns, closed. */
export async function told(
  directory: string,
  ids: readonly string[],
  options: CreateManagerOptions = {},
): Promise<void> {
  const manager = managerIn(directory, options);
  await turns(await manager.open(ID), ...ids);
  await manager.close();
}

/** What a manager of its own finds under the id; a string where that is refused. */
export async function found(
  directory: string,
  options: CreateManagerOptions = {},
  id = ID,
): Promise<string[] | string> {
  const manager = managerIn(directory, options);
  try {
    return texts(await manager.loadState(id));
  } catch (error) {
    return codeOf(error);
  } finally {
    await manager.close();
  }
}

function codeOf(error: unknown): string {
  return isDraftstateError(error) ? error.code : String(error);
}

/** `ok`, or the code of the error. */
export function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "ok", codeOf);
}

/** The same for what throws at once. */
export function outcomeOf(act: () => unknown): Promise<string> {
  return outcome(Promise.resolve().then(act));
}

/** The value, or the code of the error. */
export function valueOr<T>(promise: Promise<T>): Promise<T | string> {
  return promise.catch(codeOf);
}

/** The messages that were acknowledged: added, and flushed without an error. */
export class Acknowledged {
  readonly ids: string[] = [];

  async say(conversation: Conversation | string | undefined, id: string): Promise<void> {
    if (conversation === undefined || typeof conversation === "string") return;
    try {
      add(conversation, id);
      await conversation.flush();
      this.ids.push(id);
    } catch {
      // Refused, and so not acknowledged.
    }
  }

  missingFrom(present: Iterable<string>): string[] {
    const all = new Set(present);
    return this.ids.filter((id) => !all.has(id));
  }
}

/** Everything that can be read of a conversation, its forks and their backups. */
export async function textsAnywhere(directory: string, options: CreateManagerOptions = {}): Promise<Set<string>> {
  const manager = managerIn(directory, options);
  const all = new Set<string>();
  try {
    for (const id of await manager.ids()) {
      for (const text of texts(await manager.loadState(id))) all.add(text);
      for (const text of await textsInBackups(directory, id)) all.add(text);
    }
  } finally {
    await manager.close();
  }
  return all;
}

/** The texts in the backups of a conversation, each read through a fork that is removed again. */
export async function textsInBackups(directory: string, id = ID): Promise<Set<string>> {
  const reader = managerIn(directory);
  const all = new Set<string>();
  try {
    for (const [index, { timestamp, valid }] of (await reader.listBackups(id).catch(() => [])).entries()) {
      if (!valid) continue;
      const newId = `probe${index}-of-${id}`;
      await reader.fork(id, { backup: timestamp, newId });
      for (const text of texts(await reader.loadState(newId))) all.add(text);
      await reader.remove(newId, { purge: true });
    }
  } finally {
    await reader.close();
  }
  return all;
}

/** Everything a manager reports on its own about a conversation. */
export function reportsOf(manager: DraftStatePersistenceManager): string[] {
  const reports: string[] = [];
  manager.on("warning", ({ message: text }) => reports.push(`warning: ${text}`));
  manager.on("fallback", ({ active }) => reports.push(`fallback: ${active ? "active" : "over"}`));
  return reports;
}

export function noRoom(): DraftstateError {
  return new DraftstateError("STORAGE", "the disk is full (ENOSPC)");
}

export function noPermission(): DraftstateError {
  return new DraftstateError("STORAGE", "permission denied (EACCES)");
}

type Method = {
  [Name in keyof Storage]-?: NonNullable<Storage[Name]> extends (...args: never[]) => Promise<unknown> ? Name : never;
}[keyof Storage];
export type StorageCall = Method;
/** Decides what becomes of a call: does it, delays it, or refuses it. */
export type Turn = (go: () => Promise<unknown>, ...args: readonly unknown[]) => Promise<unknown>;

/** The storage of a directory, some of whose calls are turned; `each` turns every call that has no turn of its own. */
export function turnedStorage(directory: string, turnsOf: Partial<Record<StorageCall, Turn>>, each?: Turn): Storage {
  const real = createLocalStorage({
    stateDir: stateDirectory(directory),
    backupDir: join(directory, "backup"),
    command: "test",
  });
  return new Proxy(real, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const turn =
        (turnsOf as Partial<Record<string | symbol, Turn>>)[name] ?? (SYNCHRONOUS.has(name) ? undefined : each);
      const call = (...args: unknown[]): Promise<unknown> => Reflect.apply(value, target, args) as Promise<unknown>;
      return turn === undefined ? call : (...args: unknown[]): Promise<unknown> => turn(() => call(...args), ...args);
    },
  });
}

const SYNCHRONOUS = new Set<string | symbol>(["describe", "pathOf"]);

/** A disk that can be full: the calls named, those that write unless said, are refused then. */
export class Disk {
  full = false;
  readonly storage: Storage;

  constructor(
    directory: string,
    refused: readonly StorageCall[] = ["tryLock", "replace", "createLog", "create", "prepare"],
    whenFull = noRoom,
  ) {
    const refuse: Turn = (go) => (this.full ? Promise.reject(whenFull()) : go());
    this.storage = turnedStorage(directory, Object.fromEntries(refused.map((name) => [name, refuse])));
  }
}

/** The calls that write an opened conversation: its lock can be had, its content has no room. */
export const CONTENT: readonly StorageCall[] = ["replace", "createLog", "create"];

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export function lockFiles(directory: string): string[] {
  const locks = join(stateDirectory(directory), ".draftstate", "locks");
  return existsSync(locks) ? readdirSync(locks).filter((name) => name.endsWith(".lock")) : [];
}

/** The paths of all regular files below a directory, but for what keeps them out of git. */
export function filesBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((path) => ![".gitignore", ".draftstate-owner"].includes(basename(path)) && statSync(path).isFile());
}

/** Those in which the text stands. */
export function filesWith(directory: string, text: string): string[] {
  return filesBelow(directory).filter((path) => readFileSync(path, "latin1").includes(text));
}
