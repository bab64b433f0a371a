/**
 * A real standby: what it gives and refuses while it follows, and what becomes of an open session when it takes over behind the
 * same address, with changes that the session was told were saved and that it never got.
 */
import { afterEach, expect, test } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { begin } from "../doubles/managers.js";
import { until, Workspace } from "../e2e/cli.js";
import { CuttingProxy } from "./cutting-proxy.js";
import { PostgresServer } from "./server.js";

let primary: PostgresServer;
let standby: PostgresServer;
/** Between the two servers, and between clients and whichever is the primary. */
let replication: CuttingProxy;
let address: CuttingProxy;
const ends: (() => Promise<unknown>)[] = [];

/** `settings` are the primary's. */
async function pair(settings: Readonly<Record<string, string>> = {}): Promise<void> {
  primary = await PostgresServer.start({ fsync: "off", ...settings });
  replication = await CuttingProxy.start(primary.port);
  standby = await primary.standby(replication.port);
  address = await CuttingProxy.start(primary.port);
  ends.push(
    () => primary.stop(),
    () => standby.stop(),
    () => replication.stop().catch(() => undefined),
    () => address.stop(),
  );
}
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end().catch(() => undefined);
});

function managerOn(schema: string, port: number, settings: object = {}): DraftStatePersistenceManager {
  const retry = { attempts: 30, delay: 50, random: Math.random, onRetry: () => undefined };
  const storage = primary.storage({ schema, connectionString: primary.url("postgres", port), retry });
  const manager = createDraftStatePersistenceManager({ storage, saveOnToken: true, metrics: false, ...settings });
  ends.push(
    () => storage.close(),
    () => manager.close(),
  );
  return manager;
}

/** The standby has all that the primary was asked to keep. */
async function caughtUp(): Promise<void> {
  const [row] = await primary.query<{ at: string }>("select pg_current_wal_lsn()::text as at");
  await until(
    async () => {
      const [seen] = await standby.query<{ has: boolean }>("select pg_last_wal_replay_lsn() >= $1::pg_lsn as has", [
        row?.at,
      ]);
      return seen?.has === true ? true : undefined;
    },
    () => "the standby does not catch up",
  );
}

async function takeOver(): Promise<void> {
  await primary.crash();
  await standby.query("select pg_promote()");
  address.leadTo(standby.port);
}

/** One that has followed until now, and hears nothing more. */
async function cutOff(): Promise<void> {
  await caughtUp();
  await replication.stop();
}

async function answerIn(schema: string): Promise<unknown> {
  return (await managerOn(schema, standby.port).loadState("chat"))?.streamingProperties.partialResponse;
}

test("a standby is read; what would write names what to do, and nothing is tried for long", async () => {
  await pair();
  const schema = primary.newSchema();
  const conversation = await managerOn(schema, primary.port).open("chat");
  begin(conversation, "Hi");
  conversation.appendToken("one ");
  await conversation.flush();
  await caughtUp();
  const follower = managerOn(schema, standby.port);
  expect(await answerIn(schema)).toBe("one ");
  expect([(await follower.list()).length, (await follower.verify()).problems]).toEqual([1, []]);
  for (const write of [() => follower.open("chat"), () => follower.saveState("other", { messages: [] })])
    await expect(write()).rejects.toMatchObject({
      code: "STORAGE",
      message: expect.stringMatching(/read-only.*name the primary \(25006\)/) as string,
    });
  const workspace = await Workspace.create();
  ends.push(() => workspace.remove());
  const cli = (...args: readonly string[]) =>
    workspace.run(["--store", `${standby.url()}?schema=${schema}`, ...args], {
      env: { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0" },
    });
  const [ls, show, chat] = [await cli("ls"), await cli("show", "chat"), await cli("chat", "More", "--resume", "chat")];
  expect([ls.status, show.status, chat.status]).toEqual([0, 0, 7]);
  expect(ls.stdout + show.stdout).toMatch(/chat[^]*one/);
  expect(chat.stderr).toMatch(/read-only.*name the primary/);
});

test("an open answer whose last tokens the new primary lacks is there with all of them", async () => {
  await pair();
  const schema = primary.newSchema();
  const manager = managerOn(schema, address.port);
  const conversation = await manager.open("chat");
  begin(conversation, "Hi");
  conversation.appendToken("one ");
  await conversation.flush();
  await cutOff();
  conversation.appendToken("two ");
  await conversation.flush();
  await takeOver();
  conversation.appendToken("three");
  await conversation.flush();
  expect(await answerIn(schema)).toBe("one two three");
  await manager.close();
});

test("an open conversation that the new primary never heard of is refused, and nothing of it acknowledged", async () => {
  await pair();
  const schema = primary.newSchema();
  const manager = managerOn(schema, address.port);
  await manager.saveState("other", { messages: [] });
  await cutOff();
  const conversation = await manager.open("chat");
  begin(conversation, "Hi");
  await conversation.flush();
  await takeOver();
  conversation.appendToken("one");
  await expect(conversation.flush()).rejects.toMatchObject({ code: "LOCKED" });
  await expect(manager.close()).rejects.toMatchObject({ code: "LOCKED" });
  expect((await managerOn(schema, standby.port).list()).map(({ conversationId }) => conversationId)).toEqual(["other"]);
});

test("with a synchronous standby nothing is acknowledged that the new primary lacks", async () => {
  await pair({ synchronous_standby_names: "*" });
  const schema = primary.newSchema();
  const manager = managerOn(schema, address.port);
  const conversation = await manager.open("chat");
  begin(conversation, "Hi");
  conversation.appendToken("one ");
  await conversation.flush();
  await replication.stop();
  conversation.appendToken("two ");
  let isAcknowledged = false;
  const flushed = conversation.flush().then(() => {
    isAcknowledged = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(isAcknowledged).toBe(false);
  await takeOver();
  await flushed;
  expect(await answerIn(schema)).toBe("one two ");
  await manager.close();
});
