/**
 * A conversation with all its kinds of files, small enough that each of its bytes can be damaged in turn, and everything
 * that the library can be asked of it. What is answered afterwards is held against the states that once were true.
 */
import { DraftstateError, messageOf } from "../../src/errors.js";
import type { AgentState } from "../../src/model/conversation.js";
import type { JsonObject } from "../../src/model/json.js";
import type { Compression } from "../../src/store/names.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { AREAS, type Key } from "../../src/storage/storage.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import { begin, managerOver, memory, turn } from "../doubles/managers.js";

export const ID = "tale";

export interface StoredFile {
  readonly key: Key;
  readonly bytes: Uint8Array;
}

export interface Specimen {
  readonly files: readonly StoredFile[];
  /** Every state that was true once, as text; also with its answer interrupted, as a dead writer leaves it. */
  readonly truths: ReadonlySet<string>;
  readonly present: string;
  readonly compression: Compression;
}

/** Key order aside: Immer and JSON do not promise it. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** A state with its end of an answer left out, since when and by what name it was ended is the reader's to say. */
export function uninterrupted(state: AgentState | JsonObject): string {
  const { messages, streamingProperties } = state as unknown as AgentState;
  const cut = messages.at(-1)?.status === "interrupted";
  return canonical(
    cut
      ? {
          ...state,
          messages: messages.slice(0, -1),
          streamingProperties: { ...streamingProperties, streamingEndTime: null },
        }
      : state,
  );
}

export async function allFiles(storage: MemoryStorage): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for (const area of AREAS) {
    for (const name of await storage.list(area)) {
      const bytes = await storage.read({ area, name });
      if (bytes !== undefined) files.push({ key: { area, name }, bytes });
    }
  }
  return files;
}

export async function storageWith(files: readonly StoredFile[]): Promise<MemoryStorage> {
  const storage = memory();
  await storage.prepare();
  for (const { key, bytes } of files) await storage.replace(key, bytes);
  return storage;
}

/** A turn with its backup, then a question and some tokens of an answer that its writer did not live to end. */
export async function makeSpecimen(compression: Compression): Promise<Specimen> {
  const storage = memory();
  const truths = new Set<string>();
  const manager = managerOver(storage, { saveOnToken: true, compression });
  const conversation = await manager.open(ID);
  const remember = (): void => void truths.add(uninterrupted(conversation.state));
  await turn(conversation, "Tell me", "On", "ce é");
  remember();
  begin(conversation, "And?");
  await conversation.flush();
  remember();
  for (const token of ["a", " 🐳", "\n"]) {
    conversation.appendToken(token);
    remember();
    await conversation.flush();
  }
  return { files: await allFiles(storage), truths, present: uninterrupted(conversation.state), compression };
}

/** What came of one question: a state, nothing at all, or an error by its code. */
export type Answer =
  { readonly state: string } | { readonly absent: true } | { readonly code: string } | { readonly crash: string };

async function answered(act: () => Promise<JsonObject | AgentState | null | undefined>): Promise<Answer> {
  try {
    const state = await act();
    return state === null || state === undefined ? { absent: true } : { state: uninterrupted(state) };
  } catch (error) {
    return error instanceof DraftstateError ? { code: error.code } : { crash: messageOf(error) };
  }
}

export interface Answers {
  readonly load: Answer;
  readonly backup: Answer;
  readonly listed: string;
  readonly verified: boolean;
  readonly opened: Answer;
  readonly restored: Answer;
  /** After `open` had its way, where it had. */
  readonly verifiedAfter: boolean | undefined;
}

function manage(storage: MemoryStorage): DraftStatePersistenceManager {
  return managerOver(storage);
}

async function codeOr<T>(act: () => Promise<T>): Promise<T | string> {
  return act().catch((error: unknown) =>
    error instanceof DraftstateError ? error.code : `crash: ${messageOf(error)}`,
  );
}

async function loaded(manager: DraftStatePersistenceManager): Promise<AgentState | null> {
  const state = await manager.loadState(ID);
  return state;
}

async function openAndClose(manager: DraftStatePersistenceManager): Promise<AgentState> {
  const conversation = await manager.open(ID, { expect: "existing" });
  const { state } = conversation;
  await conversation.close();
  return state;
}

/** Everything at once, on one set of files; what writes has a copy of its own. */
export async function askEverything(files: readonly StoredFile[]): Promise<Answers> {
  const readers = manage(await storageWith(files));
  const writers = manage(await storageWith(files));
  const load = await answered(() => loaded(readers));
  const listed = await codeOr(async () => (await readers.list()).map((row) => row.error?.code ?? row.status).join());
  const backup = await answered(async () => {
    const [newest] = await readers.listBackups(ID);
    return newest === undefined ? undefined : (await readers.readBackup(ID, newest.timestamp)).version.state;
  });
  const verification = await codeOr(() => readers.verify());
  const opened = await answered(() => openAndClose(writers));
  const after = "state" in opened ? await codeOr(() => writers.verify(ID)) : undefined;
  const restorers = manage(await storageWith(files));
  const restored = await answered(async () => {
    await restorers.restore(ID, "latest");
    return loaded(restorers);
  });
  return {
    load,
    backup,
    opened,
    restored,
    listed,
    verified: typeof verification !== "string" && verification.ok,
    verifiedAfter:
      after === undefined
        ? undefined
        : typeof after !== "string" && after.problems.every((problem) => problem.kind.startsWith("backup-")),
  };
}
