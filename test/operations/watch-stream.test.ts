/** `manager.watch`: a reader that leaves and comes back loses nothing and is told nothing twice. */
import { afterEach, describe, expect, test } from "vitest";
import type { DraftStatePersistenceManager, ManagerOptions } from "../../src/manager.js";
import { beginTurn, endAnswer } from "../../src/model/transitions.js";
import type { WatchEvent } from "../../src/operations/watch/follow.js";
import type { WatchOptions } from "../../src/operations/watch/stream.js";
import type { Conversation } from "../../src/session/conversation.js";
import { managerOver, memory } from "../doubles/managers.js";

const AT = "2026-01-14T21:30:00.000Z";
let storage = memory();
let open: DraftStatePersistenceManager[] = [];

function managing(options: ManagerOptions = {}): DraftStatePersistenceManager {
  const manager = managerOver(storage, options);
  open.push(manager);
  return manager;
}

afterEach(async () => {
  await Promise.all(open.map((manager) => manager.close()));
  [storage, open] = [memory(), []];
});

function begin(conversation: Conversation, answerId: string): void {
  const message = { id: `u-${answerId}`, role: "user", content: "Tell me", createdAt: AT } as const;
  conversation.update((draft) => {
    beginTurn(draft, { at: AT, message, answerId });
  });
}

async function say(conversation: Conversation, ...tokens: string[]): Promise<void> {
  for (const token of tokens) {
    conversation.appendToken(token);
    await conversation.flush();
  }
}

function end(conversation: Conversation): void {
  conversation.update((draft) => {
    endAnswer(draft, { id: "ignored", status: "complete", at: AT });
  });
}

/** What is told until the conversation is told to be saved at this revision. */
async function until(revision: number, options: WatchOptions = {}): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const event of managing().watch("chat", options)) {
    events.push(event);
    if (event.kind === "saved" && event.revision >= revision) return events;
  }
  return events;
}

/** A client as docs/library.md has it: text by message id, each byte once. */
class Client {
  readonly texts = new Map<string, string>();
  revision: number | undefined;

  hear(event: WatchEvent): void {
    if (event.kind === "saved" || event.kind === "state") this.revision = event.revision;
    if (event.kind === "state") this.#begin(event.state as never);
    if (event.kind !== "text" || event.messageId === null) return;
    const known = this.texts.get(event.messageId) ?? "";
    const length = Buffer.byteLength(known);
    expect(event.position).toBeLessThanOrEqual(length);
    const rest = Buffer.from(event.text)
      .subarray(length - event.position)
      .toString();
    this.texts.set(event.messageId, known + rest);
  }

  #begin(state: Conversation["state"]): void {
    const { messageId, partialResponse } = state.streamingProperties;
    for (const { id, role, content } of state.messages) if (role === "assistant") this.texts.set(id, content as string);
    if (messageId !== undefined) this.texts.set(messageId, partialResponse);
  }
}

describe("watch", () => {
  test("tells the state at first, then tokens and messages under the answer's own id", async () => {
    const conversation = await managing().open("chat");
    begin(conversation, "a1");
    await say(conversation, "Once");
    const events = managing().watch("chat");
    const first = await events.next();
    expect(first.value).toMatchObject({ kind: "state", state: { streamingProperties: { messageId: "a1" } } });
    expect([(await events.next()).value, (await events.next()).value].map((event) => event?.kind)).toEqual([
      "saved",
      "status",
    ]);
    const next = events.next();
    await say(conversation, " upon");
    expect((await next).value).toMatchObject({ kind: "text", text: " upon", messageId: "a1", position: 4 });
    end(conversation);
    await conversation.flush();
    const rest: unknown[] = [];
    for await (const event of events) {
      rest.push(event.kind === "message" ? [event.kind, event.messageId, event.text] : event.kind);
      if (event.kind === "status") break;
    }
    expect(rest).toEqual(["saved", ["message", "a1", "Once upon"], "saved", "status"]);
  });

  test("goes on from a revision without telling anything again", async () => {
    const conversation = await managing().open("chat");
    await conversation.flush();
    begin(conversation, "a1");
    await say(conversation, "Once", " upon");
    const { revision } = conversation;
    await say(conversation, " a", " time");
    const events = await until(conversation.revision, { from: revision });
    expect(events.map((event) => (event.kind === "text" ? event.text : event.kind))).toEqual([" a time", "saved"]);
    expect((await until(conversation.revision, { from: conversation.revision })).map(({ kind }) => kind)).toEqual([
      "saved",
    ]);
  });

  test.each([1, 2, 3, 5, 8])(
    "a client that leaves after every %i events and comes back has each answer whole",
    async (every) => {
      const conversation = await managing({ journalBudget: 1024 }).open("chat");
      const client = new Client();
      const told: string[] = [];
      const listen = async (atMost = every): Promise<void> => {
        let count = 0;
        const { revision } = conversation;
        for await (const event of managing().watch("chat", { from: client.revision })) {
          client.hear(event);
          count += 1;
          if (count === atMost || (event.kind === "saved" && event.revision >= revision)) return;
        }
      };
      for (const answer of ["a1", "a2"]) {
        begin(conversation, answer);
        for (let token = 0; token < 12; token += 1) {
          await say(conversation, ` ${token}å`);
          await listen();
          if (token % 5 === 4) await conversation.compact();
        }
        told.push(conversation.state.streamingProperties.partialResponse);
        end(conversation);
        await conversation.endTurn();
      }
      await listen(Infinity);
      expect([...client.texts]).toEqual([
        ["a1", told[0]],
        ["a2", told[1]],
      ]);
    },
  );

  test("tells the whole state where something else was changed, as of an application's own", async () => {
    const trip = await managing().open("chat", { initial: { budget: 1 } });
    await trip.flush();
    const events = managing().watch("chat", { from: trip.revision });
    await events.next();
    await events.next();
    trip.update((draft) => void (draft.budget = 2));
    await trip.flush();
    expect((await events.next()).value).toEqual({ kind: "state", state: { budget: 2 }, revision: trip.revision });
    await events.return();
  });

  test("keeps an answer's id when its writer dies", async () => {
    const dead = await managerOver(storage).open("chat");
    begin(dead, "a1");
    await say(dead, "Half");
    await storage.breakLock("chat");
    expect((await managing().loadState("chat"))?.messages.at(-1)).toMatchObject({
      id: "a1",
      content: "Half",
      status: "interrupted",
    });
  });

  test("ends with its signal, and with the manager", async () => {
    const manager = managing();
    await (await manager.open("chat")).flush();
    const leaving = new AbortController();
    const kinds = async (shown: () => void, signal?: AbortSignal): Promise<string[]> => {
      const seen: string[] = [];
      for await (const { kind } of manager.watch("chat", { signal })) {
        seen.push(kind);
        if (kind === "status") shown();
      }
      return seen;
    };
    const left = kinds(() => {
      leaving.abort();
    }, leaving.signal);
    let closed: Promise<string[]> = Promise.resolve([]);
    await new Promise<void>((shown) => {
      closed = kinds(shown);
    });
    expect(await left).toEqual(["state", "saved", "status"]);
    await manager.close();
    expect(await closed).toEqual(["state", "saved", "status"]);
  });
});
