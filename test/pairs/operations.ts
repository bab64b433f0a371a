/**
 * The operations that are paired: what each does to the conversation, what it acknowledges, and what of its result the
 * order of two operations decides. Texts name the side that wrote them, so that a loss has an author.
 */
import { isJsonObject, type JsonObject } from "../../src/model/json.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { Conversation } from "../../src/session/conversation.js";
import { token } from "../doubles/answering.js";

export const ID = "tale";
export const COPY = "copy";
/** In the handle's memory and not yet saved when the pair begins. */
export const PENDING = "pending";

export interface Actor {
  /** `A` or `B`: part of every text that it writes. */
  readonly side: string;
  readonly manager: DraftStatePersistenceManager;
  /** Open before the pair begins, where the start has one. */
  readonly handle: Conversation | undefined;
  /** Whole states that it saves begin with these messages. */
  readonly base: JsonObject;
  /** Timestamp of the oldest backup. */
  readonly oldest: string;
  /** The text must be reachable from now on. */
  readonly acknowledge: (text: string) => void;
  /** The manager has said that it is done. */
  readonly closed: () => void;
}

export interface PairOperation {
  readonly name: string;
  /** `handle`: a method of the open conversation; `manager`: works with and without one. */
  readonly of: "handle" | "manager";
  readonly writes: boolean;
  readonly act: (actor: Actor) => Promise<string>;
}

export function messageOf(text: string): JsonObject {
  return { id: text, role: "user", content: text, createdAt: "2026-01-14T21:30:00.000Z" };
}

export function say(conversation: Conversation, text: string): void {
  conversation.update((draft) => {
    (draft.messages as unknown[]).push(messageOf(text));
  });
}

/** Contents of the messages in order, and of an answer that is not finished. */
export function textsOf(state: unknown): string[] {
  if (!isJsonObject(state)) return [];
  const { messages, streamingProperties } = state;
  const texts = Array.isArray(messages)
    ? messages.map((message: unknown) =>
        isJsonObject(message) && typeof message["content"] === "string" ? message["content"] : "?",
      )
    : [];
  const partial = isJsonObject(streamingProperties) ? streamingProperties["partialResponse"] : undefined;
  return typeof partial === "string" && partial !== "" ? [...texts, `…${partial}`] : texts;
}

function handleOf({ handle }: Actor): Conversation {
  if (handle === undefined) throw new Error("this operation needs an open handle");
  return handle;
}

function stateWith({ base, side }: Actor, what: string): JsonObject {
  const messages = Array.isArray(base["messages"]) ? base["messages"] : [];
  return { ...base, messages: [...messages, messageOf(`${side} ${what}`)] };
}

type Result = string | number | boolean | undefined | void;

const onHandle = (name: string, act: (conversation: Conversation, actor: Actor) => Promise<void>): PairOperation => ({
  name,
  of: "handle",
  writes: true,
  act: async (actor) => {
    await act(handleOf(actor), actor);
    return "done";
  },
});

const onManager = (
  name: string,
  act: (manager: DraftStatePersistenceManager, actor: Actor) => Promise<Result>,
): PairOperation => ({
  name,
  of: "manager",
  writes: true,
  act: async (actor) => {
    const result = await act(actor.manager, actor);
    return result === undefined ? "done" : String(result);
  },
});

const reading = (name: string, act: (manager: DraftStatePersistenceManager) => Promise<Result>): PairOperation => ({
  ...onManager(name, act),
  writes: false,
});

export const OPERATIONS: readonly PairOperation[] = [
  onHandle("update", async (conversation, { side, acknowledge }) => {
    say(conversation, `${side} said`);
    await conversation.flush();
    acknowledge(`${side} said`);
    acknowledge(PENDING);
  }),
  onHandle("appendToken", async (conversation, { side, acknowledge }) => {
    token(conversation, `${side} token `);
    await conversation.flush();
    acknowledge(`${side} token `);
    acknowledge(PENDING);
  }),
  onHandle("flush", async (conversation, { acknowledge }) => {
    await conversation.flush();
    acknowledge(PENDING);
  }),
  onHandle("endTurn", async (conversation, { acknowledge }) => {
    await conversation.endTurn();
    acknowledge(PENDING);
  }),
  onHandle("close", async (conversation, { acknowledge }) => {
    await conversation.close();
    acknowledge(PENDING);
  }),
  onManager("open", async (manager) => textsOf((await manager.open(ID)).state).join()),
  onManager("saveState", async (manager, actor) => {
    await manager.saveState(ID, stateWith(actor, "saved"));
    actor.acknowledge(`${actor.side} saved`);
  }),
  // Accepted: saved by the end of the manager at the latest, or its `close()` rejects.
  onManager("saveStateOnToken", async (manager, actor) => {
    await manager.saveStateOnToken(ID, stateWith(actor, "streamed"));
    actor.acknowledge(`${actor.side} streamed`);
  }),
  onManager("saveStateOnChange", async (manager, actor) => {
    await manager.saveStateOnChange(ID, stateWith(actor, "changed"));
    actor.acknowledge(`${actor.side} changed`);
  }),
  reading("load", async (manager) => {
    const state = await manager.loadState(ID);
    return state === null ? "absent" : textsOf(state).join();
  }),
  reading("list", async (manager) => {
    const row = (await manager.list()).find(({ conversationId }) => conversationId === ID);
    return row === undefined ? "absent" : (row.error?.code ?? row.messageCount);
  }),
  reading("listBackups", async (manager) => {
    const backups = await manager.listBackups(ID);
    return `${backups.length}${backups.every(({ valid }) => valid) ? "" : ", some damaged"}`;
  }),
  onManager("backup", async (manager) => {
    await manager.backup(ID);
  }),
  onManager("restore", async (manager, { oldest }) => {
    await manager.restore(ID, oldest);
  }),
  onManager("undo", async (manager) => (await manager.undo(ID)).operation),
  onManager("redo", async (manager) => (await manager.redo(ID)).operation),
  onManager("prune", async (manager) => (await manager.prune({ id: ID, max: 1 })).removed.length),
  onManager("fork", async (manager) => {
    await manager.fork(ID, { newId: COPY });
  }),
  onManager("rename", async (manager, { side }) => {
    await manager.rename(ID, `title of ${side}`);
  }),
  onManager("remove", async (manager) => {
    await manager.remove(ID);
  }),
  onManager("repair", async (manager) => (await manager.repair(ID)).repaired),
  reading("verify", async (manager) => {
    const { ok, problems } = await manager.verify(ID);
    return ok ? "ok" : problems.map(({ kind }) => kind).join();
  }),
  onManager("manager.close", async (manager, { closed }) => {
    await manager.close();
    closed();
  }),
];

export function operationNamed(name: string): PairOperation {
  const found = OPERATIONS.find((operation) => operation.name === name);
  if (found === undefined) throw new Error(`no operation ${name}`);
  return found;
}
