/** A follower tells what another process writes: all of it once, at the cost of what is new. */
import { describe, expect, test } from "vitest";
import { encodeLine } from "../../src/journal/framing.js";
import type { Message } from "../../src/model/conversation.js";
import type { Conversation } from "../../src/session/conversation.js";
import { endedWith } from "../../src/cli/commands/watch/answer-end.js";
import { ConversationFollower, type FollowEvent, type WatchEvent } from "../../src/operations/watch/follow.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import type { Storage } from "../../src/storage/storage.js";
import { DraftstateError } from "../../src/errors.js";
import { edit } from "../doubles/conversations.js";
import { codeRejected } from "../doubles/error-code.js";
import { begin, end, managerOver, memory, turn } from "../doubles/managers.js";
import { entriesVisited } from "../doubles/visited.js";

const MESSAGES = 1000;

async function writing(storage: MemoryStorage): Promise<Conversation> {
  return managerOver(storage, { saveOnToken: true }).open("chat");
}

async function say(conversation: Conversation, token: string): Promise<void> {
  conversation.appendToken(token);
  await conversation.flush();
}

function textsOf(events: readonly WatchEvent[]): string[] {
  return events.flatMap((event) => (event.kind === "text" ? [event.text] : []));
}

function longAgo(index: number): Message {
  return {
    id: `m${index}`,
    role: index % 2 === 0 ? "user" : "assistant",
    content: "x",
    createdAt: "2026-01-14T21:30:00.000Z",
    tokenCount: 2,
  };
}

/** Of a server that can be out of reach, for every call or for the question of who holds a lock alone. */
function onServer(storage: MemoryStorage): { storage: Storage; away: "no" | "all" | "locks"; mayPass: boolean } {
  const server = { storage: storage as Storage, away: "no" as "no" | "all" | "locks", mayPass: true };
  const gone = (): Promise<never> => Promise.reject(new DraftstateError("STORAGE", "out of reach"));
  let holders = 0;
  server.storage = new Proxy(storage, {
    get: (target, name) => {
      if (name === "mayPass") return () => server.mayPass;
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      // Who holds the lock is asked before anything is read, and again where nobody does.
      const isSecond = server.away === "locks" && name === "lockHolder" && (holders += 1) > 1;
      if (server.away === "all" || isSecond) return gone;
      return (value as (...args: unknown[]) => unknown).bind(target);
    },
  });
  return server;
}

describe("a follower on a server that is out of reach", () => {
  async function following() {
    const storage = memory();
    const conversation = await writing(storage);
    await turn(conversation, "Tell me", "Once");
    begin(conversation, "And then?");
    await conversation.flush();
    const server = onServer(storage);
    const follower = new ConversationFollower(server.storage, "chat");
    return { server, follower, conversation, storage };
  }

  test("says so once, looks again, and tells what came meanwhile", async () => {
    const { server, follower, conversation } = await following();
    await follower.look();
    server.away = "all";
    await say(conversation, "a ");
    expect([await follower.look(), await follower.look()]).toMatchObject([
      [{ kind: "problem", error: { code: "STORAGE" } }],
      [],
    ]);
    end(conversation);
    await conversation.endTurn();
    expect(follower.mustLookAgain).toBe(true);
    server.away = "no";
    expect(textsOf(await follower.look())).toEqual(["a "]);
    expect([follower.current?.status, follower.mustLookAgain]).toEqual(["complete", false]);
  });

  test("tells what it read before the server went away", async () => {
    const { server, follower, conversation, storage } = await following();
    await follower.look();
    await say(conversation, "a ");
    await storage.breakLock("chat");
    server.away = "locks";
    const events = await follower.look();
    expect([textsOf(events), events.at(-1)?.kind]).toEqual([["a "], "problem"]);
    server.away = "no";
    expect(await follower.look()).toMatchObject([{ kind: "status", status: "interrupted" }]);
  });

  test("rejects where it does not pass, and at the first look", async () => {
    const { server, follower } = await following();
    server.away = "all";
    expect(await codeRejected(follower.look())).toBe("STORAGE");
    server.away = "no";
    await follower.look();
    [server.away, server.mayPass] = ["all", false];
    expect(await codeRejected(follower.look())).toBe("STORAGE");
  });
});

describe("a follower", () => {
  test("tells each token once, with the tokens of the whole conversation", async () => {
    const storage = memory();
    const conversation = await writing(storage);
    await turn(conversation, "Tell me", "Once", " upon");
    const follower = new ConversationFollower(storage, "chat");
    await follower.look();
    begin(conversation, "And then?");
    await conversation.flush();
    await follower.look();
    const told: WatchEvent[] = [];
    for (const token of [" a", " time"]) {
      await say(conversation, token);
      told.push(...(await follower.look()));
    }
    expect([
      textsOf(told),
      told.filter(({ kind }) => kind === "saved").map((event) => "tokenCount" in event && event.tokenCount),
    ]).toEqual([
      [" a", " time"],
      [3, 4],
    ]);
    end(conversation);
    await conversation.endTurn();
    expect((await follower.look()).map(({ kind }) => kind)).toEqual(["message", "saved", "status"]);
    expect(follower.current).toMatchObject({ status: "complete", tokenCount: 4 });
    await conversation.close();
  });

  test("walks through the messages at its first look, and for no token", async () => {
    const storage = memory();
    const conversation = await writing(storage);
    conversation.update((draft) => {
      draft.messages = Array.from({ length: MESSAGES }, (_, index) => longAgo(index)) as never;
    });
    begin(conversation, "And then?");
    await conversation.flush();
    const follower = new ConversationFollower(storage, "chat");
    await follower.look();
    const before = follower.current?.tokenCount ?? 0;
    let visited = 0;
    for (let index = 0; index < 50; index += 1) {
      await say(conversation, " more");
      visited += await entriesVisited(async () => {
        expect(textsOf(await follower.look())).toEqual([" more"]);
        expect(follower.current?.tokenCount).toBe(before + index + 1);
      });
    }
    // Once for the list that the first token left as it is.
    expect(visited).toBeLessThanOrEqual(2 * MESSAGES);
    await conversation.close();
  });

  test("sees an edit that keeps revision, size and time", async () => {
    const storage = memory();
    const conversation = await writing(storage);
    await turn(conversation, "Tell me", "Once");
    await conversation.close();
    const follower = new ConversationFollower(storage, "chat");
    await follower.look();
    const key = { area: "state", name: "chat.json" } as const;
    const before = await storage.stat(key);
    expect(await follower.look()).toEqual([]);
    await edit(storage, "chat", "Once", "Ones");
    expect(await storage.stat(key)).toMatchObject({ size: before?.size, modifiedAt: before?.modifiedAt });
    expect(await follower.look()).toMatchObject([{ kind: "problem", error: { code: "CORRUPT" } }]);
  });

  test("tells that a newer version writes, and nothing of what it wrote", async () => {
    const storage = memory();
    const conversation = await writing(storage);
    await turn(conversation, "Tell me", "Once");
    begin(conversation, "And then?");
    await conversation.flush();
    const follower = new ConversationFollower(storage, "chat");
    await follower.look();
    const key = { area: "state", name: "chat.journal" } as const;
    const line = Buffer.from(
      encodeLine({ rev: conversation.revision + 1, at: 1, patches: [{ op: "splice", path: [] }] }),
    );
    await storage.replace(key, Buffer.concat([Buffer.from((await storage.read(key)) ?? []), line]));
    expect(await follower.look()).toMatchObject([{ kind: "problem", error: { code: "NEWER_VERSION" } }]);
    expect(await follower.look()).toEqual([]);
  });
});

test("an answer that began and ended between two looks ends with a status, for those who wait for it", async () => {
  const storage = memory();
  const conversation = await writing(storage);
  await turn(conversation, "Tell me", "Once");
  const follower = new ConversationFollower(storage, "chat");
  await follower.look();
  await turn(conversation, "And then?", "They lived");
  const events = await heard(follower);
  expect(events.at(-1)).toMatchObject({ kind: "status", status: "complete" });
  expect([endedWith(events, false), endedWith(await heard(follower), false)]).toEqual(["complete", undefined]);
});

async function heard(follower: ConversationFollower): Promise<FollowEvent[]> {
  return (await follower.look()).filter((event) => event.kind !== "state");
}
